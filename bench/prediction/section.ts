/** The benchmark's section of docs/performance.md. */
import { lineChart } from '../../sim/report/chart.ts';
import { markdownTable, writeSection, type SectionChart } from '../performance-doc.ts';
import type { PlayoutRow } from './playout.ts';
import type { ErrorRow, PredictionReport } from './report.ts';
import { HORIZONS_MS } from './score.ts';

const CHART_HZ = 36;
const CHART_WIDTH = 660;
const CHARTED_NETWORKS: readonly string[] = ['WLAN', 'mobile', 'mobile, datagrams'];

export function writePredictionSection(report: PredictionReport): void {
  const shaky = report.errors.filter(({ link, recordings }) => link === 'shaky' && recordings === 'packages');
  const markdown = `## Prediction and playout

Where somebody is whose newest pose is 20 to 150 ms old, against where the recording says they then were. Real recordings (head and two
controllers, about 90 Hz, seven that no setting was tuned on) go through the real codec to ticks of the server; the link takes 5 ms and,
exponentially distributed, 8 ms more each way and loses 2 %. Every predictor starts from the newest pose and differs in the motion it
sees; settings are those that \`bench/prediction/tune.ts\` found on fifteen other recordings. The SDK uses the Kalman filter with constant
velocity ([decision 19](decisions/0019-prediction.md)). \`npm run bench -- prediction\` writes this section.

{{error-head}}

{{error-controllers}}

Percentiles 50 / 95 / 99 of the errors. Overshoot is the 95th percentile of how much further along the predicted way an avatar is than
it then was, 50 and 100 ms ahead. Jerk is that of an avatar always drawn 50 ms ahead, over that of the recording.

${markdownTable(shaky.map(errorCells))}

${furtherTable(report)}What it costs, in nanoseconds, to take a pose in and to predict one; the machine was shared, so trust the ratios.

${markdownTable(report.costs.map(({ predictor, observeNs, predictNs }) => ({ predictor, 'a pose in': observeNs, 'a prediction': predictNs })))}

### How late avatars are drawn

The same recordings over five networks, drawn at 90 Hz: how many frames were drawn before the next sample had come (late), stood still
for it (held), how far behind they were, and the 95th percentile of the error of the controllers at the drawn moment, interpolation's own
included. \`SDK\` finds its delay for each participant from arrivals alone and moves to it by 2 to 5 % of the time that goes by. "Age + 3
deviations + tick" may jump from frame to frame, as it did before. In "good, bad, good" the network changes every 5 s, which is faster than the SDK's delay
follows: that is the price of motion that does not jump.

{{playout}}

${markdownTable(report.playout.map((row) => ({
  network: row.network, Hz: row.rateHz, delay: row.delay, 'late, %': percent(row.lateShare), 'held, %': percent(row.heldShare), 'mean delay, ms': row.meanDelayMs.toFixed(0), 'error p95, mm': row.errorMm.toFixed(1),
})))}
`;
  writeSection({ name: 'prediction', markdown, charts: [errorChart(shaky, 'head'), errorChart(shaky, 'controllers'), playoutChart(report)] });
}

function errorCells(row: ErrorRow): Record<string, string | number> {
  const spread = (values: readonly number[] | undefined, digits: number): string => (values ?? []).map((value) => value.toFixed(digits)).join(' / ');
  return {
    part: row.part, Hz: row.rateHz, predictor: row.predictor,
    ...Object.fromEntries(HORIZONS_MS.map((horizonMs, index) => [`${horizonMs} ms, mm`, spread(row.moveMm[index], 1)])),
    ...Object.fromEntries(HORIZONS_MS.map((horizonMs, index) => [`${horizonMs} ms, degrees`, spread(row.turnDegrees[index], 1)])),
    'overshoot, mm': `${row.overshootP95Mm[1]?.toFixed(1)}, ${row.overshootP95Mm[2]?.toFixed(1)}`, jerk: row.jerkRatio.toFixed(1),
  };
}

function furtherTable({ errors }: PredictionReport): string {
  const rows = errors.filter(({ recordings, rateHz }) => recordings !== 'packages' && (rateHz === 72 || rateHz === 9));
  if (rows.length === 0) return '';
  const p95 = (values: readonly (readonly number[])[], digits: number): string => values.map((spread) => spread[1]?.toFixed(digits)).join(' / ');
  const table = markdownTable(rows.map((row) => ({
    recordings: row.recordings, part: row.part, Hz: row.rateHz, predictor: row.predictor, 'p95 at 20 / 50 / 100 / 150 ms, mm': row.recordings === '360dataset' ? '' : p95(row.moveMm, 1), degrees: row.recordings === 'CMU 131' && row.part === 'controllers' ? '' : p95(row.turnDegrees, 1),
  })));
  return `Further recordings, which are not part of this project: three movements of a CMU motion capture subject (head and hands at 120 Hz; how the
hands are turned flips there and is left out), and heads of six people who watch films in a headset (360dataset, orientations alone).

${table}

`;
}

function errorChart(rows: readonly ErrorRow[], part: ErrorRow['part']): SectionChart {
  const series = rows.filter((row) => row.part === part && row.rateHz === CHART_HZ).map(({ predictor, moveMm }) => ({
    name: predictor, points: [{ x: 0, y: 0 }, ...HORIZONS_MS.map((horizonMs, index) => ({ x: horizonMs, y: moveMm[index]?.[1] ?? 0 }))],
  }));
  const svg = lineChart({ title: `Position of the ${part} at ${CHART_HZ} Hz: 95th percentile of the error`, x: { label: 'milliseconds ahead of the newest pose' }, y: { label: 'mm' }, series, width: CHART_WIDTH, height: 260 });
  return { name: `error-${part}`, alt: `95th percentile of the error by horizon for five predictors, ${part}`, svg };
}

/** Of some networks at 72 Hz, what a delay costs and buys. */
function playoutChart({ playout }: PredictionReport): SectionChart {
  const rows = playout.filter(({ rateHz, network }) => rateHz === 72 && CHARTED_NETWORKS.includes(network));
  const pointOf = ({ meanDelayMs, lateShare }: PlayoutRow): { x: number; y: number } => ({ x: meanDelayMs, y: 100 * lateShare });
  const fixed = CHARTED_NETWORKS.map((network) => ({ name: network, points: rows.filter((row) => row.network === network && row.delay.endsWith(' ms')).map(pointOf) }));
  const own = CHARTED_NETWORKS.map((network, colour) => ({ name: 'SDK', colour, points: rows.filter((row) => row.network === network && row.delay === 'SDK').map(pointOf) }));
  const svg = lineChart({ title: 'Late frames by delay at 72 Hz: fixed delays as lines, the SDK\'s as dots', x: { label: 'mean delay, ms', domain: [0, 220] }, y: { label: '%', domain: [0, 100] }, series: [...fixed, ...own], width: CHART_WIDTH, height: 300 });
  return { name: 'playout', alt: 'Share of late frames by mean delay: fixed delays as lines, the SDK as a dot for each network', svg };
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}
