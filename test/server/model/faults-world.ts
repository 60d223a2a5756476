/** Real worker processes behind a real scheduler, and senders whose pictures come again and again. */
import { expect, vi } from 'vitest';
import { assert } from '../../../core/assert.ts';
import { every, systemClock } from '../../../core/clock.ts';
import type { InferenceRequest, RequestOutcome } from '../../../server/flow.ts';
import { startModelPool, type ModelPool, type ModelPoolOptions } from '../../../server/model/pool.ts';
import type { WorkerDevice } from '../../../server/model/worker-device.ts';
import { createScheduler } from '../../../server/scheduler/scheduler.ts';
import { noMetrics } from '../../../server/scheduler/metrics.ts';

export const PATIENT = { timeout: 60_000, interval: 20 };

export interface FaultsWorldOptions extends Pick<ModelPoolOptions, 'modelsFolder' | 'cacheFolder' | 'workerCount'> {
  readonly model: string;
  readonly budgetMs: number;
  readonly changes?: Partial<ModelPoolOptions>;
}

export class FaultsWorld {
  readonly clock = systemClock();
  readonly logged: { readonly facts: object; readonly message: string }[];
  readonly pool: ModelPool;
  readonly scheduler;
  /** By sender, how its requests ended, in order. */
  readonly outcomes = new Map<number, RequestOutcome[]>();
  /** The batches that were lost: how many requests each had. */
  readonly lostSizes: number[] = [];
  readonly quarantinesMs: number[] = [];
  readonly #options: FaultsWorldOptions;
  #id = 0;

  private constructor(options: FaultsWorldOptions, pool: ModelPool, logged: FaultsWorld['logged']) {
    this.#options = options;
    this.pool = pool;
    this.logged = logged;
    const { lostSizes, quarantinesMs } = this;
    const metrics = {
      ...noMetrics,
      batchLost: ({ requests }: { readonly requests: readonly unknown[] }): void => void lostSizes.push(requests.length),
      quarantined: (_: string, durationMs: number): void => void quarantinesMs.push(durationMs),
    };
    this.scheduler = createScheduler(
      { clock: this.clock, pool, metrics, onOutcome: ({ origin }, outcome) => this.of(origin.slot).push(outcome) },
      { queueCapacity: 256, budgetMs: () => options.budgetMs },
    );
  }

  static async start(options: FaultsWorldOptions): Promise<FaultsWorld> {
    const logged: FaultsWorld['logged'] = [];
    const record = (facts: object, message: string): void => void logged.push({ facts, message });
    const { model, modelsFolder, cacheFolder, workerCount, budgetMs, changes } = options;
    const pool = await startModelPool(
      { clock: systemClock(), log: { info: record, warn: record } },
      { workerCount, models: [{ name: model, deadlineMs: budgetMs }], modelsFolder, cacheFolder, probeMs: 3_600_000, ...changes },
    );
    return new FaultsWorld(options, pool, logged);
  }

  /** How a sender's requests ended. */
  of(slot: number): RequestOutcome[] {
    const known = this.outcomes.get(slot) ?? [];
    this.outcomes.set(slot, known);
    return known;
  }

  /** As `of`, in one word each. */
  wordsOf(slot: number): string[] {
    return this.of(slot).map((outcome) => (outcome.kind === 'shed' ? outcome.reason : outcome.kind === 'failed' ? outcome.code : outcome.kind));
  }

  request(slot: number, payload: Uint8Array): InferenceRequest {
    const nowMs = this.clock.nowMs();
    const { model, budgetMs } = this.#options;
    return {
      id: this.#id++, task: 'body-pose', model, streamId: `hall/${slot}`, origin: { sessionId: 'hall', slot, part: 'camera' }, payload, encoding: 'task',
      tenant: '', captureMs: nowMs, arrivedMs: nowMs, deadlineMs: nowMs + budgetMs, priority: 0,
    };
  }

  send(slot: number, payload: Uint8Array): void {
    this.scheduler.submit(this.request(slot, payload));
  }

  /** All of them send a picture, every `periodMs`, until `condition` holds. @param payloads - by slot. */
  async stream(payloads: readonly Uint8Array[], periodMs: number, condition: () => boolean): Promise<void> {
    const sending = every(this.clock, periodMs, () => payloads.forEach((payload, slot) => this.send(slot, payload)));
    try {
      await vi.waitFor(() => expect(condition()).toBe(true), PATIENT);
    } finally {
      sending.stop();
    }
  }

  device(at = 0): WorkerDevice {
    const device = this.pool.devices[at];
    assert(device !== undefined, `there is a device ${at}`);
    return device;
  }

  pid(at = 0): number {
    const { pid } = this.device(at);
    assert(pid !== undefined, 'the device is up');
    return pid;
  }

  until(condition: () => boolean): Promise<void> {
    return vi.waitFor(() => expect(condition()).toBe(true), PATIENT);
  }

  async close(): Promise<void> {
    this.scheduler.close();
    await this.pool.close();
  }
}
