/** What the viewer measures of a session: how late poses and results are, and how large the batches. */
import type { CopresenceClient } from '../client.ts';
import { drawHistogram, drawSeries } from './charts.ts';
import { byId } from './dom.ts';
import { showModels } from './feed.ts';
import { BatchSizes, ModelTable, Series, type SeriesPoint } from './stats.ts';

export class Measurements {
  readonly #poseAge = new Series();
  readonly #resultAge = new Series();
  readonly #batches = new BatchSizes();
  readonly #models = new ModelTable();
  /** Ages in the snapshot that is being taken in; a key snapshot repeats old poses, so its ages say nothing. */
  readonly #pending: number[] = [];

  /** Listens to one client. */
  watch(client: CopresenceClient, nowMs: () => number): void {
    client.on('pose', ({ sample, arrivedMs }) => this.#pending.push(arrivedMs + client.clockOffsetMs - sample.captureMs));
    client.on('snapshot', ({ key }) => {
      // Before the first exchange of times the server's clock is a guess.
      if (!key && client.rttMs > 0) for (const ageMs of this.#pending) this.#poseAge.add(nowMs(), ageMs);
      this.#pending.length = 0;
    });
    client.on('result', (result) => {
      this.#resultAge.add(nowMs(), result.ageMs);
      this.#batches.add(result.model, result.batchId, result.batchSize);
      this.#models.add(nowMs(), `${result.model}@${result.version}`, result);
    });
  }

  draw(nowMs: number): void {
    const poses = this.#poseAge.points(nowMs);
    const results = this.#resultAge.points(nowMs);
    const sizes = this.#batches.histogram();
    drawSeries(byId('pose-chart', HTMLCanvasElement), poses);
    drawSeries(byId('result-chart', HTMLCanvasElement), results);
    drawHistogram(byId('batch-chart', HTMLCanvasElement), sizes);
    byId('pose-now', HTMLElement).textContent = describePoint(poses.at(-1));
    byId('result-now', HTMLElement).textContent = describePoint(results.at(-1));
    byId('batch-now', HTMLElement).textContent = describeSizes(sizes);
    showModels(byId('models', HTMLElement), this.#models.rows(nowMs));
  }
}

function describePoint(point: SeriesPoint | undefined): string {
  if (point?.p50 === undefined || point.p99 === undefined) return '';
  return `p50 ${point.p50.toFixed(0)}, p99 ${point.p99.toFixed(0)} ms`;
}

function describeSizes(bars: readonly { readonly size: number; readonly count: number }[]): string {
  const count = bars.reduce((sum, bar) => sum + bar.count, 0);
  if (count === 0) return '';
  const items = bars.reduce((sum, bar) => sum + bar.size * bar.count, 0);
  return `mean ${(items / count).toFixed(1)} of the last ${count}`;
}
