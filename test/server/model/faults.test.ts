import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { every } from '../../../core/clock.ts';
import { fragileBody, hungryBody } from './faulty-models.ts';
import { FaultsWorld, type FaultsWorldOptions } from './faults-world.ts';
import { plain } from './pictures.ts';
import { batchOf } from './requests.ts';
import { moodyBody, publish } from './tiny-models.ts';

const WHITE = 255;
const DARK = 10;
const LIGHT = 230;
const MEMORY_ROWS = 4;
/** Of the tiny models: 8 by 8 pixels. */
const ROW_BYTES = 192;
let folder: string;
let white: Uint8Array;
let dark: Uint8Array;
let world: FaultsWorld | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const models = join(folder, 'models');
  for (const model of [fragileBody('fragile'), hungryBody('hungry', MEMORY_ROWS), moodyBody('moody')]) await publish(models, model);
  [white, dark] = await Promise.all([plain(WHITE), plain(DARK)]);
});

afterEach(async () => {
  await world?.close();
  world = undefined;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(model: string, changes: Partial<FaultsWorldOptions> = {}): Promise<FaultsWorld> {
  world = await FaultsWorld.start({ model, modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache'), workerCount: 1, budgetMs: 500, ...changes });
  return world;
}

/** `count` senders of dark pictures, the one at `culprit` of white ones. */
const crowd = (count: number, culprit?: number): Uint8Array[] => Array.from({ length: count }, (_, slot) => (slot === culprit ? white : dark));

describe('a worker that is killed in the middle of a batch', () => {
  it('has its requests answered by another one, as long as they are in time', async () => {
    const world = await start('moody', { workerCount: 2, budgetMs: 20_000 });
    for (const at of [0, 1]) process.kill(world.pid(at), 'SIGSTOP');
    world.send(0, dark);
    const busy = world.pool.devices.findIndex(({ state }) => state === 'busy');
    process.kill(world.pid(1 - busy), 'SIGCONT');
    process.kill(world.pid(busy), 'SIGKILL');
    await world.until(() => world.of(0).length === 1);
    expect(world.wordsOf(0)).toEqual(['done']);
    await world.until(() => world.device(busy).state === 'idle');
    expect(world.device(busy).faults.deaths).toBe(1);
  });

  it('has them ended as unavailable when they are late by then, and serves again by itself', async () => {
    const world = await start('moody', { budgetMs: 100 });
    const pid = world.pid();
    process.kill(pid, 'SIGSTOP');
    world.send(0, dark);
    process.kill(pid, 'SIGKILL');
    await world.until(() => world.of(0).length === 1);
    expect(world.wordsOf(0)).toEqual(['unavailable']);
    await world.stream(crowd(2), 50, () => [0, 1].every((slot) => world.wordsOf(slot).includes('done')));
    expect(world.quarantinesMs).toEqual([]);
  });
});

describe('an input that ends the process', () => {
  it('is found by its sender, batch by batch, in at most log2(b) + 1 deaths; everybody else is served again', async () => {
    const world = await start('fragile');
    const culprit = 5;
    await world.stream(crowd(8, culprit), 50, () => world.wordsOf(culprit).includes('quarantine'));
    expect(world.quarantinesMs).toEqual([10_000]);
    const largest = Math.max(...world.lostSizes);
    expect(world.lostSizes.length).toBeLessThanOrEqual(Math.max(3, Math.ceil(Math.log2(largest)) + 1));
    expect(world.lostSizes.slice(-2)).toEqual([1, 1]);
    const before = [...world.outcomes.values()].map((outcomes) => outcomes.length);
    const isServed = (slot: number): boolean => world.wordsOf(slot).slice(before[slot]).filter((word) => word === 'done').length >= 3;
    await world.stream(crowd(8, culprit), 50, () => crowd(8).every((_, slot) => slot === culprit || isServed(slot)));
    expect(new Set(world.wordsOf(culprit).slice(before[culprit]))).toEqual(new Set(['quarantine']));
    for (const slot of world.outcomes.keys()) if (slot !== culprit) expect(world.wordsOf(slot)).not.toContain('quarantine');
    expect(JSON.stringify(world.logged)).not.toContain(Buffer.from(white).toString('base64').slice(0, 40));
    expect(world.device().faults.deaths).toBe(world.lostSizes.length);
  });

  it('takes one of two devices at a time: the other goes on', async () => {
    const world = await start('fragile', { workerCount: 2 });
    let servedMeanwhile = 0;
    const culprit = 2;
    await world.stream(crowd(6, culprit), 50, () => {
      if (world.quarantinesMs.length === 0) servedMeanwhile = [...world.outcomes.values()].flat().filter(({ kind }) => kind === 'done').length;
      return world.wordsOf(culprit).includes('quarantine');
    });
    expect(servedMeanwhile).toBeGreaterThan(0);
    expect(world.quarantinesMs).toEqual([10_000]);
    for (const slot of world.outcomes.keys()) if (slot !== culprit) expect(world.wordsOf(slot)).not.toContain('quarantine');
  });
});

describe('a device without memory', () => {
  it('is measured up to the batch that it has memory for', async () => {
    const world = await start('hungry');
    expect(world.device().latency.get('hungry')?.maxBatchSize).toBeLessThanOrEqual(MEMORY_ROWS);
    expect(world.device().faults.deaths).toBe(0);
  });

  it('answers everybody in smaller batches; the second time within a minute the worker starts anew', async () => {
    const world = await start('hungry', { budgetMs: 20_000 });
    const pid = world.pid();
    const batch = (): ReturnType<typeof batchOf> => batchOf('hungry', Array.from({ length: 16 }, (_, slot) => world.request(slot, dark)));
    const first = await world.device().run(batch());
    expect(first.kind === 'done' && first.items.map(({ kind }) => kind)).toEqual(Array.from({ length: 16 }, () => 'done'));
    expect([world.device().state, world.pid(), world.device().faults]).toEqual(['idle', pid, { deaths: 0, outOfMemory: 1 }]);
    expect(world.device().latency.get('hungry')?.maxBatchSize).toBeLessThanOrEqual(MEMORY_ROWS);
    expect(world.logged.map(({ message }) => message)).toContain('out of memory');
    const second = await world.device().run(batch());
    expect(second.kind === 'done' && second.items.every(({ kind }) => kind === 'done')).toBe(true);
    expect(world.device().state).toBe('down');
    await world.until(() => world.device().state === 'idle');
    expect(world.pid()).not.toBe(pid);
    expect(world.device().faults).toEqual({ deaths: 1, outOfMemory: 2 });
    expect((await world.device().run(batchOf('hungry', [world.request(0, dark)]))).kind).toBe('done');
  });

  it('fails what cannot be in time any more with a code, and takes nobody for a culprit', async () => {
    const world = await start('hungry', { budgetMs: 20_000 });
    const late = { ...world.request(0, dark), deadlineMs: 0 };
    const outcome = await world.device().run(batchOf('hungry', Array.from({ length: 16 }, () => late)));
    expect(outcome.kind === 'done' && outcome.items).toEqual(Array.from({ length: 16 }, () => ({ kind: 'failed', code: 'DEVICE_OUT_OF_MEMORY' })));
    expect(world.quarantinesMs).toEqual([]);
  });
});

describe('a simulated device', () => {
  const SLOW = 7;
  const HANGS = 8;
  /** Long against what a busy machine adds. */
  const NORMAL_MS = 100;
  const row = (mark: number): Uint8Array => new Uint8Array(ROW_BYTES).fill(mark);

  /** Runs one batch of one row after the other while `condition` holds. */
  async function runWhile(world: FaultsWorld, mark: number, condition: () => boolean): Promise<void> {
    while (condition()) {
      const outcome = await world.device().run(batchOf('moody', [{ ...world.request(0, row(mark)), encoding: 'tensors' }]));
      expect(outcome.kind).toBe('done');
    }
  }

  it('whose batches take twice as long is believed within 5 s, and within 5 s when they do no more', async () => {
    const world = await start('moody', { changes: { backend: { kind: 'simulated', baseMs: NORMAL_MS, perItemMs: 0, slowMark: SLOW } } });
    const costMs = (): number => world.device().latency.get('moody')?.latencyMs(1) ?? 0;
    for (const [mark, isLearnt] of [[SLOW, () => costMs() > 1.5 * NORMAL_MS], [0, () => costMs() < 1.5 * NORMAL_MS]] as const) {
      const startMs = world.clock.nowMs();
      await runWhile(world, mark, () => !isLearnt());
      expect(world.clock.nowMs() - startMs).toBeLessThanOrEqual(5000);
    }
    expect(world.logged.map(({ message }) => message)).toContain('batch latency changed');
  }, 60_000);

  it('that hangs is killed by its watchdog, and its sender is found and refused', async () => {
    const world = await start('moody', { changes: { backend: { kind: 'simulated', baseMs: 5, perItemMs: 0, hangMark: HANGS }, watchdogFloorMs: 300 } });
    const send = (): void => {
      for (const [slot, mark] of [0, HANGS, 0].entries()) world.scheduler.submit({ ...world.request(slot, row(mark)), encoding: 'tensors', tenant: `tenant-${slot}` });
    };
    const sending = every(world.clock, 50, send);
    await world.until(() => world.wordsOf(1).includes('quarantine'));
    await world.until(() => [0, 2].every((slot) => world.wordsOf(slot).slice(-3).every((word) => word === 'done')));
    sending.stop();
    expect(world.quarantinesMs).toEqual([10_000]);
    for (const slot of [0, 2]) expect(world.wordsOf(slot)).not.toContain('quarantine');
  }, 60_000);
});

describe('an output that is no number', () => {
  it('reaches nobody, and its batch-mates are answered', async () => {
    const world = await start('moody', { budgetMs: 20_000 });
    const light = await plain(LIGHT);
    const outcome = await world.device().run(batchOf('moody', [dark, light, new Uint8Array(0), white, dark].map((picture, slot) => world.request(slot, picture))));
    const verdicts = outcome.kind === 'done' && outcome.items.map((item) => (item.kind === 'done' ? 'done' : item.code));
    expect(verdicts).toEqual(['done', 'MODEL_FAILED', 'VIDEO_INVALID', 'MODEL_FAILED', 'done']);
  });
});
