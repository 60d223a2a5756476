/** Notices that batches take longer or shorter than their table says, as when a processor throttles. */

/** Batches are judged together over this time, so a change is known within two such spans. */
const SPAN_MS = 2000;
/** Fewer batches say nothing about a p99. */
const MIN_BATCHES = 8;
/** Ratios kept of a span; more are ignored. */
const MAX_RATIOS = 1024;
/** A change by less than this is noise. */
const TOLERANCE = 1.3;
/** A table that was measured on a machine busy with something else may be far too slow. */
const MIN_FACTOR = 1 / 64;
const MAX_FACTOR = 16;

/** One model on one device. */
export class LatencyDrift {
  /** What the measured table is to be multiplied by. */
  factor = 1;
  #ratios: number[] = [];
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /**
   * Takes note of a batch; true when `factor` changed.
   *
   * The upper tenth of a span stands for its p99, since a span has few batches, and the slowest of them never does: a busy
   * machine's single outlier does not move the table.
   *
   * @param ratio - measured time over the time in the measured table, without `factor`.
   */
  observe(nowMs: number, ratio: number): boolean {
    if (this.#ratios.length < MAX_RATIOS) this.#ratios.push(ratio);
    if (nowMs - this.#sinceMs < SPAN_MS || this.#ratios.length < MIN_BATCHES) return false;
    const ratios = this.#ratios.sort((left, right) => left - right);
    const high = ratios[Math.min(Math.ceil(0.9 * ratios.length) - 1, ratios.length - 2)] ?? 1;
    this.#ratios = [];
    this.#sinceMs = nowMs;
    return this.#follow(Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, high)));
  }

  /** Starts over from one batch, after a time without any. @param ratio - as for `observe`. */
  restart(nowMs: number, ratio: number): void {
    this.#ratios = [];
    this.#sinceMs = nowMs;
    this.factor = Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, ratio));
  }

  #follow(factor: number): boolean {
    const change = factor / this.factor;
    if (change < TOLERANCE && change > 1 / TOLERANCE) return false;
    this.factor = factor;
    return true;
  }
}
