/** Tells of jobs as server-sent events, as they go. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Clock, Timer } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Env } from './call.ts';
import { hasEnded, type JobDesk } from './job-desk.ts';

/** Streams at once; whoever comes after them asks again and again instead. */
const MAX_STREAMS = 64;
/** Of one stream: what happens in between is told by the last of it. */
const GAP_MS = 100;
/** Proxies cut connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;

export class JobEvents {
  readonly #desk: JobDesk;
  readonly #clock: Clock;
  #streams = 0;

  constructor(desk: JobDesk, clock: Clock) {
    this.#desk = desk;
    this.#clock = clock;
  }

  /**
   * Begins with where the jobs stand. With an id it ends when that job has.
   *
   * @throws CopresenceError NOT_FOUND; SERVER_FULL with 64 streams.
   */
  stream(context: Context<Env>, id?: string): Response {
    const first = id === undefined ? this.#desk.list().toReversed() : [this.#desk.get(id)];
    if (this.#streams >= MAX_STREAMS) throw new CopresenceError('SERVER_FULL', `${MAX_STREAMS} streams of events are open`);
    this.#streams++;
    // By id, so that a reader who is slow gets the last of each and nothing piles up.
    const untold = new Map(first.map((record) => [record.id, record]));
    let wake = (): void => undefined;
    let isOpen = true;
    const stop = this.#desk.listen((record) => {
      if (id !== undefined && record.id !== id) return;
      untold.set(record.id, record);
      wake();
    });
    const close = (): void => {
      if (isOpen) this.#streams--;
      isOpen = false;
      stop();
      wake();
    };
    return streamSSE(context, async (stream) => {
      stream.onAbort(close);
      try {
        while (isOpen) {
          const told = [...untold.values()];
          untold.clear();
          for (const record of told) await stream.writeSSE({ event: 'job', data: JSON.stringify(record) });
          if (id !== undefined && told.some(hasEnded)) break;
          if (told.length === 0) await stream.write(': nothing new\n\n');
          await this.#pause(GAP_MS);
          if (untold.size === 0 && isOpen) await this.#pause(HEARTBEAT_MS, (resolve) => (wake = resolve));
        }
      } finally {
        close();
      }
    });
  }

  /** @param onWaiting - gets what ends it early. */
  #pause(ms: number, onWaiting?: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.schedule(ms, resolve);
      onWaiting?.(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
