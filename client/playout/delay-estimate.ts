/** How late somebody has to be drawn so that nearly always the next sample is there in time: learnt from arrivals alone. */
import { MAX_GAP_MS } from '../prediction/part-motion.ts';

export const MAX_RENDER_DELAY_MS = 250;
const BIN_MS = 2;
const BINS = MAX_RENDER_DELAY_MS / BIN_MS;
/** The share of samples that may come too late. */
const LATE_SHARE = 0.01;
/** By when an arrival counts 1/e: a network that was bad a minute ago is forgotten. */
const MEMORY_MS = 8000;
/** Weights grow instead of fading; beyond this all are scaled down. */
const LARGEST_WEIGHT = 1e6;
/** Added to the age of a first sample, when nothing is known of the second. */
const FIRST_MARGIN_MS = 50;

/**
 * Follows one participant's arrivals.
 *
 * The moment between two samples can be drawn once the later one is there. So a sample needs a delay of its arrival minus
 * the capture time of the one before it. That holds everything at once: the way through the network, its jitter and its losses, the
 * wait for a tick, and the time between two samples, at whatever rate the server sends this participant. The delay
 * wanted is the 99th percentile of what was needed lately, from a histogram that forgets.
 *
 * In the common case it stands still. When a network turns bad it is up after a few late samples, since one in a hundred is
 * enough; when it turns good again the bad ones have to be forgotten first, which takes seconds.
 */
export class DelayEstimate {
  readonly #weights = new Float64Array(BINS);
  #weight = 1;
  #sum = 0;
  #newestMs: number | undefined;
  #wantedMs = MAX_RENDER_DELAY_MS;
  #fresh = true;

  /**
   * Takes an arrival in.
   *
   * @param captureMs - later than those before.
   * @param arrivedMs - on the same clock: the server's.
   */
  add(captureMs: number, arrivedMs: number): void {
    const before = this.#newestMs;
    this.#newestMs = captureMs;
    if (before === undefined) this.#wantedMs = bounded(arrivedMs - captureMs + FIRST_MARGIN_MS);
    // What is further apart was an outage or a rest; it is not drawn as one motion, however late that were.
    if (before === undefined || captureMs - before > MAX_GAP_MS) return;
    this.#weight *= Math.exp((captureMs - before) / MEMORY_MS);
    if (this.#weight > LARGEST_WEIGHT) this.#scaleDown();
    const bin = Math.min(BINS - 1, Math.floor(bounded(arrivedMs - before) / BIN_MS));
    this.#weights[bin] = this.#weights[bin]! + this.#weight;
    this.#sum += this.#weight;
    this.#fresh = false;
  }

  /** @returns 0..MAX_RENDER_DELAY_MS. */
  get wantedMs(): number {
    if (this.#fresh) return this.#wantedMs;
    this.#fresh = true;
    let late = this.#sum * LATE_SHARE;
    let bin = BINS - 1;
    for (; bin > 0 && this.#weights[bin]! <= late; bin--) late -= this.#weights[bin]!;
    return (this.#wantedMs = (bin + 1) * BIN_MS);
  }

  #scaleDown(): void {
    for (let bin = 0; bin < BINS; bin++) this.#weights[bin] = this.#weights[bin]! / this.#weight;
    this.#sum /= this.#weight;
    this.#weight = 1;
  }
}

function bounded(ms: number): number {
  return Math.max(0, Math.min(MAX_RENDER_DELAY_MS, ms));
}
