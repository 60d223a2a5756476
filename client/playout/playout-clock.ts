/** The moment that is drawn: it goes on with time itself, a little slower or faster until it is as late as wanted. */

/** While the delay grows and while it shrinks: no eye sees either in how somebody moves. */
export const SLOWEST_RATE = 0.95;
export const FASTEST_RATE = 1.02;
/** How long what is missing is spread over, when that is less than the rates allow. */
const SETTLE_MS = 500;
/** Further off than this, time itself is another: the page slept, or the server's clock was misjudged. */
export const LEAP_MS = 1000;

export class PlayoutClock {
  #renderMs: number | undefined;
  #deviceMs = 0;

  /**
   * The moment to draw now, on the server's clock. It never goes back, but for a leap.
   *
   * @param deviceMs - now on the device's clock, which sets the pace: estimates of the server's step.
   * @param serverMs - now on the server's clock.
   * @param wantedDelayMs - how far behind that it should be in the end.
   */
  at(deviceMs: number, serverMs: number, wantedDelayMs: number): number {
    const stepMs = Math.max(0, deviceMs - this.#deviceMs);
    const wantedMs = serverMs - wantedDelayMs;
    this.#deviceMs = Math.max(this.#deviceMs, deviceMs);
    const before = this.#renderMs;
    if (before === undefined || Math.abs(wantedMs - before - stepMs) > LEAP_MS) return (this.#renderMs = wantedMs);
    const rate = 1 + (wantedMs - before - stepMs) / Math.max(SETTLE_MS, stepMs);
    return (this.#renderMs = before + stepMs * Math.max(SLOWEST_RATE, Math.min(FASTEST_RATE, rate)));
  }
}
