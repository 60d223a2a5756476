/** Counts how the requests of one model fare. */
import type { InferenceRequest, RequestOutcome } from '../../flow.ts';
import type { Service } from './alignment-state.ts';

export class ServiceTally {
  #done = 0;
  #missed = 0;
  #delaySumMs = 0;

  /** What was refused on purpose is not the devices' doing, and is not counted. */
  add(request: InferenceRequest, outcome: RequestOutcome): void {
    if (outcome.kind === 'expired' || outcome.kind === 'superseded' || outcome.kind === 'unavailable') this.#missed++;
    if (outcome.kind !== 'done') return;
    this.#done++;
    this.#delaySumMs += outcome.batch.finishedMs - request.arrivedMs;
  }

  clear(): void {
    this.#done = this.#missed = this.#delaySumMs = 0;
  }

  service(): Service {
    const count = this.#done + this.#missed;
    return { count, onTimeShare: count === 0 ? 1 : this.#done / count, delayMs: this.#done === 0 ? 0 : this.#delaySumMs / this.#done };
  }
}
