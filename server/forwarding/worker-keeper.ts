/** Keeps one media worker running: starts it again after it died, later each time it dies soon. */
import type { types } from 'mediasoup';
import type { Clock, Timer } from '../../core/clock.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A worker that ran this long has got over whatever ended the one before. */
const HEALTHY_AFTER_MS = 60_000;

/** A worker and the one port that all its transports share. */
export interface RunningWorker {
  readonly worker: types.Worker;
  readonly webRtcServer: types.WebRtcServer;
}

export interface WorkerKeeperOptions {
  readonly clock: Clock;
  /** @throws what starting a process or listening throws. */
  readonly start: () => Promise<RunningWorker>;
  /** A worker is there: the first one, or one in the place of one that died. */
  readonly onUp: () => void;
  /** The worker is gone with everything in it. */
  readonly onDown: (why: string) => void;
}

export class WorkerKeeper {
  readonly #options: WorkerKeeperOptions;
  #running: RunningWorker | undefined;
  #retry: Timer | undefined;
  #delayMs = FIRST_DELAY_MS;
  #closed = false;
  /** Workers that ended by themselves. */
  deaths = 0;

  constructor(options: WorkerKeeperOptions) {
    this.#options = options;
  }

  get running(): RunningWorker | undefined {
    return this.#running;
  }

  /** Starts the first worker. @throws what starting throws: then there is none, and none is tried again. */
  async start(): Promise<void> {
    this.#watch(await this.#options.start());
    this.#options.onUp();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    const running = this.#running;
    this.#running = undefined;
    running?.worker.close();
  }

  #watch(running: RunningWorker): void {
    if (this.#closed) return running.worker.close();
    const startedMs = this.#options.clock.nowMs();
    this.#running = running;
    running.worker.on('died', (error) => {
      this.#running = undefined;
      this.deaths++;
      if (this.#closed) return;
      if (this.#options.clock.nowMs() - startedMs > HEALTHY_AFTER_MS) this.#delayMs = FIRST_DELAY_MS;
      this.#options.onDown(error.message);
      this.#retryLater();
    });
  }

  #retryLater(): void {
    this.#retry = this.#options.clock.schedule(this.#delayMs, () => void this.#again());
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
  }

  async #again(): Promise<void> {
    try {
      this.#watch(await this.#options.start());
    } catch (error) {
      this.#options.onDown(error instanceof Error ? error.message : String(error));
      return this.#retryLater();
    }
    if (this.#running !== undefined) this.#options.onUp();
  }
}
