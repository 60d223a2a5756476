/** The section `scheduler` of docs/performance.md: what the report says, in tables and charts. */
import { DEFAULT_POLICY } from '../../server/scheduler/policy/policies.ts';
import { lineChart, type Series } from '../../sim/report/chart.ts';
import { markdownTable, type Section } from '../performance-doc.ts';
import type { MachineInfo } from '../support.ts';
import type { CostRow } from './cost.ts';
import type { DelayRow } from './delay.ts';
import type { OverloadRow } from './overload.ts';
import { POLICY_NAMES } from './problem.ts';
import type { SustainedRow } from './sustained.ts';

export interface SchedulerReport {
  readonly bench: 'scheduler';
  readonly machine: MachineInfo;
  readonly cost: readonly CostRow[];
  readonly sustained: readonly SustainedRow[];
  readonly overload: readonly OverloadRow[];
  readonly delay: readonly DelayRow[];
}

const CHARTED_COST = '5+0.5b';

export function schedulerSection(report: SchedulerReport): Section {
  const { cpu, cores, node, commit } = report.machine;
  const markdown = `## Scheduler

\`npm run bench -- scheduler\` on ${cpu}, ${cores} cores, Node ${node}, commit ${commit}. The real scheduler runs on a simulated clock with simulated
devices that take exactly l(b) for a batch of b; every request has 20 ms from its arrival to its deadline, batches are 64 at most.
T_even is the most that could be served in time if requests came evenly spaced (core/serving-limits.ts). All policies get the same
arrivals; a request that is superseded, expired or late counts as lost, and the first fifth of each run is not counted.

- \`eager\`: whatever waits goes to an idle device, as in NVIDIA Triton without a delay, up to the largest batch that runs within 20 ms.
- \`aimd\`: the cap grows by one with each full batch in time and shrinks by 10 % with each late one, as in Clipper.
- \`window-drop\`: at most b*, and whoever the batch would make late is given up. \`deferred\`: that, and idle devices wait for full
  batches while the head can, as in Symphony. \`reserve\`: that for the last quarter of the devices only.
- \`best-yield\`: the default; see [the decision](decisions/0005-batching-policy.md).

### The highest load with 99 % in time

Percent of T_even: the default, and in brackets the best of the others. For one device also the default's share of what knowing all
arrivals beforehand would bear.

${sustainedTable(report.sustained)}

{{sustained}}

### At twice the load

Cameras of 72 Hz with jitter, twice as many as T_even bears; the newest picture of each stream wins. Age is now minus the capture of
the newest result, over all streams and moments; its goal is two camera periods and l(b*).

${overloadTable(report.overload)}

{{overload}}

### Delay under bursts

p99 from arrival to result at 70 % of T_even; a lost request counts as 20 ms. \`groups\`: about 4 requests at one moment. \`bursty\`: for
10 ms about every 50 ms three times the mean rate, which is 2.1 times what can be borne. \`clairvoyant\` is the least that hindsight
allows on one device, with no deadline but that.

${delayTable(report.delay)}

### What the scheduler costs

${costTable(report.cost)}

{{memory}}
`;
  return { name: 'scheduler', markdown, charts: [sustainedChart(report), overloadChart(report), memoryChart(report)] };
}

function sustainedTable(rows: readonly SustainedRow[]): string {
  const costs = [...new Set(rows.map(({ cost }) => cost))];
  const cells = [...new Map(rows.map((row) => [`${row.deviceCount} ${row.arrivals}`, row])).values()];
  return markdownTable(cells.map(({ deviceCount, arrivals }) => {
    const here = rows.filter((row) => row.deviceCount === deviceCount && row.arrivals === arrivals);
    return { devices: deviceCount, arrivals, ...Object.fromEntries(costs.map((cost) => [cost, cellText(here.filter((row) => row.cost === cost))])) };
  }));
}

function cellText(rows: readonly SustainedRow[]): string {
  const own = rows.find(({ policy }) => policy === DEFAULT_POLICY);
  const others = rows.filter(({ policy }) => policy !== DEFAULT_POLICY).sort((one, other) => other.ofEven - one.ofEven);
  if (own === undefined) return '';
  const hindsight = own.ofClairvoyant === null ? '' : `, ${percent(own.ofClairvoyant)} of clairvoyant`;
  return `**${percent(own.ofEven)}** (${others[0]?.policy ?? ''} ${percent(others[0]?.ofEven ?? NaN)})${hindsight}`;
}

function overloadTable(rows: readonly OverloadRow[]): string {
  return markdownTable(rows.filter(({ policy }) => policy === DEFAULT_POLICY).map((row) => ({
    devices: row.deviceCount,
    'l(b)': row.cost,
    'goodput, % of T_even': percent(row.ofEven),
    'mean age, ms': row.meanAgeMs.toFixed(1),
    'its goal, ms': row.ageGoalMs.toFixed(1),
    "Jain's index": row.jain.toFixed(3),
  })));
}

function delayTable(rows: readonly DelayRow[]): string {
  const shown = rows.filter(({ policy }) => policy === DEFAULT_POLICY || policy === 'clairvoyant');
  return markdownTable(shown.map((row) => ({
    devices: row.deviceCount,
    'l(b)': row.cost,
    policy: row.policy,
    'even, ms': row.evenP99Ms.toFixed(1),
    'Poisson, ms': row.poissonP99Ms.toFixed(1),
    'groups, ms': row.groupsP99Ms.toFixed(1),
    'bursty, ms': row.burstyP99Ms.toFixed(1),
    'groups / even': row.groupsRatio.toFixed(2),
    'bursty / even': row.burstyRatio.toFixed(2),
  })));
}

function costTable(rows: readonly CostRow[]): string {
  return markdownTable(rows.map((row) => ({
    devices: row.deviceCount,
    'requests/s': row.requestsPerSecond,
    'simulated, s': Math.round(row.seconds),
    'CPU per request, µs': row.microsPerRequest.toFixed(2),
    'in time, %': percent(row.onTimeShare),
    'mean batch': row.meanBatchSize.toFixed(1),
    'heap after each tenth, MiB': row.heapMiB.map((heap) => heap.toFixed(1)).join(', '),
  })));
}

function sustainedChart({ sustained }: SchedulerReport): Section['charts'][number] {
  const rows = sustained.filter(({ cost, arrivals }) => cost === CHARTED_COST && arrivals === 'poisson');
  const title = `Highest load with 99 % in time: Poisson arrivals, l(b) = ${CHARTED_COST}`;
  const svg = lineChart({ title, x: { label: 'devices' }, y: { label: '% of T_even' }, series: byPolicy(rows, ({ ofEven }) => 100 * ofEven) });
  return { name: 'sustained', alt: 'The highest load with 99 % in time by number of devices, for each policy', svg };
}

function overloadChart({ overload }: SchedulerReport): Section['charts'][number] {
  const rows = overload.filter(({ cost }) => cost === CHARTED_COST);
  const title = `Goodput at twice the load: 72 Hz cameras with jitter, l(b) = ${CHARTED_COST}`;
  const svg = lineChart({ title, x: { label: 'devices' }, y: { label: '% of T_even' }, series: byPolicy(rows, ({ ofEven }) => 100 * ofEven) });
  return { name: 'overload', alt: 'Goodput at twice the load by number of devices, for each policy', svg };
}

function memoryChart({ cost }: SchedulerReport): Section['charts'][number] {
  const [row] = cost;
  const points = (row?.heapMiB ?? []).map((y, at, all) => ({ x: ((at + 1) * (row?.seconds ?? 0)) / all.length, y }));
  const title = `Heap in use at ${row?.requestsPerSecond ?? 0} requests a second`;
  return { name: 'memory', alt: 'Heap in use over simulated time', svg: lineChart({ title, x: { label: 'simulated seconds' }, y: { label: 'MiB' }, series: [{ name: 'heap', points }] }) };
}

function byPolicy<Row extends SustainedRow | OverloadRow>(rows: readonly Row[], valueOf: (row: Row) => number): Series[] {
  return POLICY_NAMES.map((name) => ({ name, dashed: name !== DEFAULT_POLICY, points: rows.filter(({ policy }) => policy === name).map((row) => ({ x: row.deviceCount, y: valueOf(row) })) }));
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
