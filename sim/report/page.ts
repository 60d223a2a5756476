/** A report as one HTML page: no scripts, nothing loaded from anywhere. */
import type { FleetReport } from '../fleet/fleet-report.ts';
import { TIMED, type Timed } from '../measure/fleet-measure.ts';
import type { TimelinePoint } from '../measure/latency.ts';
import { barChart, escapeText, lineChart } from './chart.ts';
import { milliseconds, shareOf } from './numbers.ts';
import { charts, pageFrame, pair, section, table, tilesOf, verdictTable } from './page-parts.ts';
import { batchRows, byteRows, errorRows, latencyRows, messageRows, requestRows, sessionRows, settingRows, streamRows, TIMED_NAMES, toldTasks, verdictRows } from './rows.ts';

const MOST_BARS = 32;

/** The whole page. */
export function renderPage(report: FleetReport): string {
  return pageFrame(`Simulator report, ${report.startedAt}`, [summary(report), ...sections(report)]);
}

function summary(report: FleetReport): string {
  const { settings, passed, verdicts } = report;
  const kept = verdicts.filter((verdict) => verdict.passed).length;
  return `<header><h1>Simulator report</h1><span class="badge ${passed ? 'good' : 'bad'}">${passed ? 'passed' : 'failed'}: ${kept} of ${verdicts.length} thresholds kept</span></header>
<p>${settings.headsets} virtual headsets in ${settings.sessions} sessions, ${settings.durationS} s measured, ${escapeText(report.startedAt)}</p>
${tilesOf(tiles(report))}`;
}

function tiles(report: FleetReport): [string, string][] {
  const { streams, latency, joins, settings, chat } = report;
  const middle = (figures: { count: number; p50Ms: number; p99Ms: number }): string => (figures.count === 0 ? '–' : `${milliseconds(figures.p50Ms)} ms`);
  return [
    [`${joins.joined} / ${settings.headsets}`, 'headsets joined'],
    [shareOf(streams.pose.delivered, streams.pose.expected), 'of the poses reached the others'],
    [middle(latency.pose), 'pose to the others, median'],
    ...toldTasks(report).map((task): [string, string] => [middle(latency[task]), `${task} result, median`]),
    [`${chat.lost}`, 'chat lines lost'],
  ];
}

function sections(report: FleetReport): string[] {
  const errors = errorRows(report);
  return [
    section('Thresholds', '', verdictTable(verdictRows(report))),
    section('Streams', 'Late: sent more than 5 ms after the intended time. Skipped: the simulator was too slow to send it. A pose that a newer one overtakes on the server is superseded, not delivered.', table(streamRows(report))),
    section('Latency', 'From the intended capture to the receiver, both on the server’s clock as the receiver knows it. The error of the clocks is the distance between such capture times and the true ones, which only a simulator knows.', table(latencyRows(report)) + charts([cumulative(report), ...timelines(report)])),
    section('Throughput', '', charts(throughput(report))),
    section('Inference', 'How the gateway’s requests ended, and the batches that results came from.', pair([table(requestRows(report)), table(batchRows(report))]) + charts(batchSizes(report))),
    section('Sessions and traffic', '', table(sessionRows(report)) + pair([table(messageRows(report)), table(byteRows(report)), ...(errors.length > 1 ? [table(errors)] : [])])),
    section('Settings', '', table(settingRows(report), true)),
    section('Sources', 'Measured: all of it was recorded by sensors. Generated: hands move between measured poses on recorded controllers.', originTable(report)),
  ];
}

function originTable({ origins }: FleetReport): string {
  return table([['headset', 'recording', 'streams'], ...origins.map(({ headset, origin, source }) => [headset, origin, source])], true);
}

function cumulative({ latency }: FleetReport): string {
  const shown = TIMED.filter((timed) => latency[timed].count > 0);
  return lineChart({
    title: 'Share that came within a time',
    x: { label: 'ms, logarithmic', scale: 'log', domain: [1, Math.max(100, ...shown.map((timed) => latency[timed].maxMs))] },
    y: { label: 'share', domain: [0, 1], format: (share) => `${Math.round(share * 100)}%` },
    series: shown.map((timed) => ({ name: timed, colour: TIMED.indexOf(timed), points: latency[timed].curve.map(({ share, ms }) => ({ x: Math.max(1, ms), y: share })) })),
  });
}

function timelines({ timelines: points, settings }: FleetReport): string[] {
  const within = (timed: Timed): readonly TimelinePoint[] => points[timed].filter(({ atS }) => atS + 1 <= settings.durationS);
  return TIMED.filter((timed) => within(timed).length > 0).map((timed) => lineChart({
    title: TIMED_NAMES[timed],
    x: { label: 'seconds measured', domain: [0, settings.durationS] },
    y: { label: 'ms' },
    series: [
      { name: 'median', colour: TIMED.indexOf(timed), points: within(timed).map(({ atS, p50Ms }) => ({ x: atS + 0.5, y: p50Ms })) },
      { name: '99th percentile', colour: TIMED.indexOf(timed), dashed: true, points: within(timed).map(({ atS, p99Ms }) => ({ x: atS + 0.5, y: p99Ms })) },
    ],
  }));
}

/** Seconds after the last send hold only what was still on its way. */
function throughput(report: FleetReport): string[] {
  const { throughput: points, settings } = report;
  const whole = points.filter(({ atS }) => atS + 1 <= settings.durationS);
  const x = { label: 'seconds measured', domain: [0, settings.durationS] as const };
  return [
    lineChart({ title: 'Poses delivered a second, all sessions', x, y: { label: 'poses/s' }, series: [
      { name: 'expected', colour: 1, points: whole.map(({ atS, posesExpected }) => ({ x: atS + 0.5, y: posesExpected })) },
      { name: 'delivered', colour: 0, points: whole.map(({ atS, posesDelivered }) => ({ x: atS + 0.5, y: posesDelivered })) },
    ] }),
    lineChart({ title: 'Results a second, all sessions', x, y: { label: 'results/s' }, series: toldTasks(report).map((task) => (
      { name: task, colour: TIMED.indexOf(task), points: whole.map(({ atS, results }) => ({ x: atS + 0.5, y: results[task] })) }
    )) }),
  ];
}

function batchSizes(report: FleetReport): string[] {
  const { batches } = report;
  return toldTasks(report).filter((task) => batches[task].length > 0).map((task) => barChart({
    title: `Batches of ${task}`, xLabel: 'requests in a batch', yLabel: 'batches', colour: TIMED.indexOf(task),
    bars: everySize(batches[task]),
  }));
}

/** Sizes that did not occur have their place too, up to a number of bars that can be told apart. */
function everySize(sizes: FleetReport['batches']['gesture']): { label: string; value: number }[] {
  const largest = Math.max(...sizes.map(({ size }) => size));
  if (largest > MOST_BARS) return sizes.map(({ size, batches }) => ({ label: String(size), value: batches }));
  return Array.from({ length: largest }, (_, index) => ({ label: String(index + 1), value: sizes.find(({ size }) => size === index + 1)?.batches ?? 0 }));
}
