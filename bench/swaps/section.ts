/** The section `swaps` of docs/performance.md. */
import { lineChart } from '../../sim/report/chart.ts';
import type { Section } from '../performance-doc.ts';
import type { MachineInfo } from '../support.ts';

/** After one swap. */
export interface SwapPoint {
  readonly swap: number;
  readonly tookMs: number;
  /** Resident memory of the server's own process; `heapMiB` of it JavaScript's, after the garbage was collected. */
  readonly gatewayMiB: number;
  readonly heapMiB: number;
  /** Resident memory of the worker that serves now. */
  readonly workerMiB: number;
}

export interface SwapsReport {
  readonly bench: 'swaps';
  readonly machine: MachineInfo;
  readonly swaps: number;
  readonly calls: number;
  readonly lost: number;
  readonly wrongVersion: number;
  readonly callMedianMs: number;
  readonly callMaxMs: number;
  readonly tookS: number;
  readonly swapMedianMs: number;
  /** MiB for 100 swaps. */
  readonly slopes: { readonly gateway: number; readonly heap: number; readonly worker: number };
  readonly points: readonly SwapPoint[];
}

/** Of the swaps, those at first are not counted: code is compiled, and pools fill. */
const WARM_UP_SHARE = 0.25;

/** The least-squares slope of a column over the swaps after the first quarter, for 100 swaps. */
export function slopePer100(points: readonly SwapPoint[], column: 'gatewayMiB' | 'heapMiB' | 'workerMiB'): number {
  const counted = points.slice(Math.floor(points.length * WARM_UP_SHARE));
  const mean = (read: (point: SwapPoint) => number): number => counted.reduce((sum, point) => sum + read(point), 0) / counted.length;
  const [meanX, meanY] = [mean(({ swap }) => swap), mean((point) => point[column])];
  const over = counted.reduce((sum, point) => sum + (point.swap - meanX) * (point[column] - meanY), 0);
  const under = counted.reduce((sum, { swap }) => sum + (swap - meanX) ** 2, 0);
  return (100 * over) / under;
}

export function swapsSection(report: SwapsReport): Section {
  const { machine, points, slopes } = report;
  const series = (['gatewayMiB', 'heapMiB', 'workerMiB'] as const).map((column, colour) => ({
    name: { gatewayMiB: 'server', heapMiB: 'its heap', workerMiB: 'worker' }[column], colour, points: points.map((point) => ({ x: point.swap, y: point[column] })),
  }));
  const markdown = [
    '## Swapping a model',
    '',
    `\`npm run bench -- swaps\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}: a whole server with one model worker has \`gesture-mlp\` swapped for another version and back, each time by a new worker process, while another process calls it ten times a second over the Open Inference Protocol.`,
    '',
    `${report.swaps} swaps in ${Math.round(report.tookS)} s, ${Math.round(report.swapMedianMs)} ms each in the median. Of ${report.calls} calls ${report.lost} were lost and ${report.wrongVersion} answered by a version that was not served; they took ${report.callMedianMs.toFixed(1)} ms in the median and ${Math.round(report.callMaxMs)} ms at most. Memory after the first quarter of the swaps, by least squares: ${signed(slopes.gateway)} MiB for 100 swaps of the server's process, ${signed(slopes.heap)} MiB of its heap after the garbage was collected, ${signed(slopes.worker)} MiB of the worker that serves.`,
    '',
    '{{memory}}',
  ].join('\n');
  const svg = lineChart({ width: 760, title: 'Memory over the swaps', x: { label: 'swaps' }, y: { label: 'MiB' }, series });
  return { name: 'swaps', markdown, charts: [{ name: 'memory', alt: 'Memory of the server, its heap and its worker over the swaps', svg }] };
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`;
}
