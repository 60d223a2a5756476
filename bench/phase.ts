/**
 * What phase alignment is worth: how many periodic streams are served in time with and without it, and what it costs where
 * it does not help.
 *
 * The real scheduler and the real aligner run on a simulated clock with simulated devices and streams:
 * npx tsx bench/main.ts phase [--smoke]
 */
import { evenLimit, executionLimit } from '../core/serving-limits.ts';
import { lineChart } from '../sim/report/chart.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { BUDGET_MS, MAX_BATCH_SIZE, serveStreams, type Load } from './phase/serve.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport } from './support.ts';

const COSTS = [
  { cost: '2+0.25b', latencyMs: (size: number) => 2 + 0.25 * size },
  { cost: '5+0.5b', latencyMs: (size: number) => 5 + 0.5 * size },
] as const;
const RESULTS_FILE = 'bench/results/phase.json';
const ON_TIME = 0.99;
/** Streams are found to this share. */
const RESOLUTION = 0.01;
/** By then the trial is over. */
const ALIGNED_MS = { fromMs: 13_500, untilMs: 16_500 };
const SCATTERED_MS = { fromMs: 1000, untilMs: 4000 };
const LONG_MS = { fromMs: 1000, untilMs: 61_000 };
/** When links that were good become bad. */
const WORSE_FROM_MS = 20_000;

interface Cell {
  readonly cost: (typeof COSTS)[number];
  readonly deviceCount: number;
  readonly rateHz: number;
  readonly jitterMs: number;
}

interface CapacityRow {
  readonly cost: string;
  readonly deviceCount: number;
  readonly rateHz: number;
  readonly jitterMs: number;
  /** T_even and T_exec, in streams. */
  readonly even: number;
  readonly execution: number;
  /** With 99 % in time. */
  readonly scattered: number;
  readonly aligned: number;
  readonly gain: number;
  /** What the aligner came to do at that number of streams. */
  readonly state: string;
}

interface LossRow {
  readonly cost: string;
  readonly deviceCount: number;
  readonly jitterMs: number | '0.5, then 4';
  readonly streams: number;
  readonly scatteredShare: number;
  readonly alignedShare: number;
  /** Of all requests of a minute; above zero, those that alignment cost. */
  readonly loss: number;
  readonly states: string;
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const capacity: CapacityRow[] = [];
  const loss: LossRow[] = [];
  for (const cost of smoke ? COSTS.slice(1) : COSTS) {
    for (const deviceCount of smoke ? [1] : [1, 4]) {
      for (const rateHz of smoke ? [30] : [30, 72]) {
        for (const jitterMs of smoke ? [0] : [0, 0.5, 1, 2, 4]) {
          const row = await measureCapacity({ cost, deviceCount, rateHz, jitterMs });
          capacity.push(row);
          if (rateHz === 30) loss.push(await measureLoss(cost, deviceCount, jitterMs, row.scattered));
        }
      }
      const atWorst = capacity.findLast((row) => row.rateHz === 30)?.scattered ?? 1;
      if (!smoke) loss.push(await measureLoss(cost, deviceCount, '0.5, then 4', atWorst));
    }
  }
  console.log('Streams with 99 % in time');
  printTable(capacity.map(shown));
  console.log('What alignment costs in a minute, at the most streams that are served without it');
  printTable(loss.map(shown));
  const report = { bench: 'phase', machine: machineInfo(), capacity, loss };
  if (json !== undefined) saveReport(json, report);
  if (smoke) return;
  saveReport(RESULTS_FILE, report);
  writeDocument(capacity, loss);
}

async function measureCapacity({ cost: { cost, latencyMs }, deviceCount, rateHz, jitterMs }: Cell): Promise<CapacityRow> {
  const problem = { latencyMs, maxBatchSize: MAX_BATCH_SIZE, deviceCount, budgetMs: BUDGET_MS };
  const even = evenLimit(problem).goodputHz / rateHz;
  const execution = executionLimit(problem).goodputHz / rateHz;
  const load = { latencyMs, deviceCount, rateHz, jitterMs, seed: 1 };
  const share = async (streamCount: number, align: boolean): Promise<number> => (await serveStreams({ ...load, streamCount, align, ...(align ? ALIGNED_MS : SCATTERED_MS) })).onTimeShare;
  const scattered = await mostStreams(Math.floor(even * 0.6), Math.ceil(execution) + 1, (count) => share(count, false));
  const aligned = await mostStreams(Math.floor(scattered * 0.85), Math.ceil(execution) + 1, (count) => share(count, true));
  const { states } = await serveStreams({ ...load, streamCount: aligned, align: true, ...ALIGNED_MS });
  return { cost, deviceCount, rateHz, jitterMs, even, execution, scattered, aligned, gain: aligned / scattered - 1, state: states.at(-1) ?? '' };
}

async function measureLoss({ cost, latencyMs }: Cell['cost'], deviceCount: number, jitterMs: LossRow['jitterMs'], streams: number): Promise<LossRow> {
  const jitterAt = typeof jitterMs === 'number' ? jitterMs : (nowMs: number): number => (nowMs < WORSE_FROM_MS ? 0.5 : 4);
  const load: Omit<Load, 'align'> = { latencyMs, deviceCount, streamCount: streams, rateHz: 30, jitterMs: jitterAt, seed: 2, ...LONG_MS };
  const scattered = await serveStreams({ ...load, align: false });
  const aligned = await serveStreams({ ...load, align: true });
  return {
    cost, deviceCount, jitterMs, streams, scatteredShare: scattered.onTimeShare, alignedShare: aligned.onTimeShare,
    loss: scattered.onTimeShare - aligned.onTimeShare, states: aligned.states.join(' → '),
  };
}

/** The most streams with `ON_TIME`, by halving from `low`, or from none when those are too many. */
async function mostStreams(low: number, high: number, share: (streamCount: number) => Promise<number>): Promise<number> {
  let [served, missed] = (await share(low)) >= ON_TIME ? [low, high] : [0, low];
  while (missed - served > Math.max(1, RESOLUTION * served)) {
    const middle = (served + missed) >> 1;
    if ((await share(middle)) >= ON_TIME) served = middle;
    else missed = middle;
  }
  return served;
}

function shown(row: object): Record<string, string | number> {
  const entries = Object.entries(row) as [string, string | number][];
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'number' ? Number(value.toFixed(name === 'even' || name === 'execution' ? 0 : 4)) : value]));
}

function writeDocument(capacity: readonly CapacityRow[], loss: readonly LossRow[]): void {
  const lines = capacity.filter(({ rateHz }) => rateHz === 30);
  const names = [...new Set(lines.map(seriesName))];
  const series = names.map((name) => ({ name, points: lines.filter((row) => seriesName(row) === name).map(({ jitterMs, gain }) => ({ x: jitterMs, y: 100 * Math.max(0, gain) })) }));
  const svg = lineChart({ title: 'Streams of 30 Hz gained by alignment', x: { label: 'jitter of arrivals, ms' }, y: { label: '%' }, series });
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const capacityTable = capacity.map(({ cost, deviceCount, rateHz, jitterMs, even, execution, scattered, aligned, gain, state }) => ({
    'l(b), ms': cost, N: deviceCount, Hz: rateHz, 'jitter, ms': jitterMs, T_even: Math.floor(even), T_exec: Math.floor(execution), scattered, aligned, gain: `${gain < 0 ? '' : '+'}${(100 * gain).toFixed(0)} %`, state,
  }));
  const lossTable = loss.map((row) => ({
    'l(b), ms': row.cost, N: row.deviceCount, 'jitter, ms': row.jitterMs, streams: row.streams, scattered: percent(row.scatteredShare), aligned: percent(row.alignedShare), states: row.states,
  }));
  const markdown = `## Phase alignment

How many periodic streams have 99 % of their frames answered within ${BUDGET_MS} ms, with capture phases by chance and with the server's
\`pace\` followed as the SDK does. The real scheduler and aligner run on a simulated clock; jitter is the standard deviation of arrivals.
T_even and T_exec are the limits of core/serving-limits.ts, in streams: alignment cannot pass T_exec, and phases left to
chance already come close to T_even. \`npm run bench -- phase\` writes this section.

{{gain}}

${markdownTable(capacityTable)}

Where the state is off, both columns are the same system, and their difference is that of the moments they were measured at. With 4 ms
of jitter frames of 72 Hz supersede each other before any device is asked, whatever their number.

What the trial costs: the share in time over one minute from the start, at the most streams that are served without alignment (30 Hz).

${markdownTable(lossTable)}
`;
  writeSection({ name: 'phase', markdown, charts: [{ name: 'gain', alt: 'Additional streams by jitter, for four kinds of devices', svg }] });
}

function seriesName({ cost, deviceCount }: CapacityRow): string {
  return `${cost}, N = ${deviceCount}`;
}
