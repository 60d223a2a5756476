/** Remembers the requests that a worker died on, so that one which ends every worker is not tried for ever. */
import type { InferenceRequest } from '../flow.ts';

/** A request lives for some hundred milliseconds, so the ids of the last deaths are enough. */
const MAX_IDS = 1024;

/** Shared by the devices of a pool: a retry may come to another one. */
export class Suspects {
  readonly #ids = new Set<number>();

  /**
   * Takes note that a worker died while it ran these requests.
   *
   * @returns those of them that it has now happened to twice.
   * @bound the ids of the last 1024 requests that a worker died on.
   */
  addDeath(requests: readonly InferenceRequest[]): ReadonlySet<number> {
    const repeated = new Set(requests.map((request) => request.id).filter((id) => this.#ids.has(id)));
    for (const { id } of requests) {
      if (repeated.has(id)) this.#ids.delete(id);
      else this.#ids.add(id);
    }
    for (const id of this.#ids) {
      if (this.#ids.size <= MAX_IDS) break;
      this.#ids.delete(id);
    }
    return repeated;
  }
}
