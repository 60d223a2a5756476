/** How old a picture is, from its RTP timestamp and the sender reports. */
import { LIMITS } from '../../../../protocol/limits.ts';
import type { SenderReport } from './rtcp.ts';

const TICKS_PER_MS = 90;
/** Reports that are looked back on: at one a second long enough for a quiet one, short enough for drift. */
const WINDOW = 16;

/**
 * A report says what the sender's wall clock read when a picture of a given timestamp was captured, and comes a moment
 * after it was sent; of the last few the one that was fastest tells how far that clock is from ours. The shortest way
 * of a packet remains as an error, by which a picture seems younger than it is.
 */
export class SenderClock {
  #latest: SenderReport | undefined;
  #offsetsMs: number[] = [];

  /** @param arrivedMs - when it came, on our clock. */
  add(report: SenderReport, arrivedMs: number): void {
    this.#latest = report;
    this.#offsetsMs.push(arrivedMs - report.ntpMs);
    if (this.#offsetsMs.length > WINDOW) this.#offsetsMs.shift();
  }

  /**
   * Milliseconds since the capture.
   *
   * Before the first report, and where reports make no sense, since the first packet came.
   */
  ageMs(timestamp: number, firstPacketMs: number, nowMs: number): number {
    const leastMs = Math.max(0, nowMs - firstPacketMs);
    if (this.#latest === undefined) return leastMs;
    const sinceReportMs = ((timestamp - this.#latest.timestamp) | 0) / TICKS_PER_MS;
    const ageMs = nowMs - (this.#latest.ntpMs + sinceReportMs + Math.min(...this.#offsetsMs));
    return ageMs > LIMITS.pastMs ? leastMs : Math.max(leastMs, ageMs);
  }
}
