import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { assert } from '../../../core/assert.ts';
import { sleep, systemClock, type Clock } from '../../../core/clock.ts';
import type { ItemOutcome } from '../../../server/flow.ts';
import { startModelPool } from '../../../server/model/pool.ts';
import type { ModelPool, ModelPoolOptions } from '../../../server/model/pool.ts';
import type { WorkerDevice } from '../../../server/model/worker-device.ts';
import { encodedNow, handSample } from '../../e2e/support/streams.ts';
import { plain } from './pictures.ts';
import { batchOf, request } from './requests.ts';
import { certainGesture, moodyBody, publish } from './tiny-models.ts';

const model = 'moody';
let folder: string;
let pool: ModelPool | undefined;
let logged: { facts: object; message: string }[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'));
  await publish(join(folder, 'models'), moodyBody(model));
});

afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(changes: Partial<ModelPoolOptions> = {}, clock: Clock = systemClock()): Promise<{ pool: ModelPool; device: WorkerDevice }> {
  logged = [];
  const log = { info: record, warn: record };
  const options = { workerCount: 1, models: [{ name: model, deadlineMs: 1 }], modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache'), probeMs: 3_600_000 };
  pool = await startModelPool({ clock, log }, { ...options, ...changes });
  const [device] = pool.devices;
  assert(device !== undefined, 'a pool has a device');
  return { pool, device };
}

function record(facts: object, message: string): void {
  logged.push({ facts, message });
}

function processOf(device: WorkerDevice): number {
  assert(device.pid !== undefined, 'the device is up');
  return device.pid;
}

/** Resolves when the device has gone down, if it has not yet, and is idle again. */
async function backAgain(device: WorkerDevice, before: number): Promise<void> {
  await vi.waitFor(() => expect(device.state === 'idle' && device.pid !== before).toBe(true), { timeout: 30_000, interval: 20 });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The points of a left hand, as they come off the wire. */
function hand(): Uint8Array {
  const sample = handSample();
  const bytes = encodedNow(sample);
  return bytes.slice(bytes.length - 178);
}

function labelOf(outcome: ItemOutcome | undefined): string {
  assert(outcome?.kind === 'done' && outcome.value.task === 'gesture', 'a gesture');
  return outcome.value.label;
}

const verdict = (outcome: ItemOutcome): string => (outcome.kind === 'done' ? 'done' : outcome.code);

describe('startModelPool', () => {
  it('serves batches with every device idle and measured', async () => {
    const { pool, device } = await start({ workerCount: 2, models: [{ name: model, deadlineMs: 50 }] });
    expect(pool.models).toMatchObject([{ name: model, version: '1', task: 'body-pose', provider: 'cpu' }]);
    expect(pool.devices.map(({ id, state }) => [id, state])).toEqual([['worker-0', 'idle'], ['worker-1', 'idle']]);
    const table = device.latency.get(model);
    expect(table?.latencyMs(1)).toBeGreaterThan(0);
    const batch = batchOf(model, [request(await plain(10)), request(Uint8Array.of(1, 2, 3))]);
    const running = device.run(batch);
    expect(device.state).toBe('busy');
    expect(() => device.run(batch)).toThrow('bug');
    const outcome = await running;
    expect(device.state).toBe('idle');
    assert(outcome.kind === 'done', 'the worker is well');
    expect([outcome.items.map(verdict), outcome.modelVersion]).toEqual([['done', 'VIDEO_INVALID'], '1']);
  });

  it('runs several models in one worker', async () => {
    await publish(join(folder, 'models'), certainGesture('certain', 0.5));
    const { device } = await start({ models: [{ name: model, deadlineMs: 1 }, { name: 'certain', deadlineMs: 1 }] });
    expect([...device.latency.keys()]).toEqual([model, 'certain']);
    const outcome = await device.run(batchOf('certain', [request(new Uint8Array(3), 'left')]));
    assert(outcome.kind === 'done', 'the worker is well');
    expect(outcome.items.map(verdict)).toEqual(['MESSAGE_INVALID']);
  });

  it('tries a model again that was too slow when it was measured, and offers it once it is fast enough', async () => {
    const real = systemClock();
    const machine = { busy: true, lostMs: 0 };
    // Each look at the clock finds a second gone to something else, as long as the machine is busy.
    const clock: Clock = { ...real, nowMs: () => real.nowMs() + (machine.lostMs += machine.busy ? 1000 : 0) };
    const { pool, device } = await start({ models: [{ name: model, deadlineMs: 500 }], probeMs: 20 }, clock);
    let changes = 0;
    pool.onChange(() => changes++);
    expect(device.latency.get(model)?.latencyMs(1)).toBeGreaterThanOrEqual(1000);
    machine.busy = false;
    await vi.waitFor(() => expect(device.latency.get(model)?.latencyMs(1)).toBeLessThan(500), { timeout: 30_000, interval: 5 });
    await vi.waitFor(() => expect(device.state).toBe('idle'));
    expect(changes).toBeGreaterThan(0);
  });

  it('fails with the code of a model that cannot be served, and leaves no worker behind', async () => {
    await expect(start({ models: [{ name: 'unknown', deadlineMs: 1 }] })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await publish(join(folder, 'models'), certainGesture('tampered', 0.5));
    await writeFile(join(folder, 'models/tampered/1/model.onnx'), 'another file');
    await expect(start({ models: [{ name: 'tampered', deadlineMs: 1 }] })).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
  });
});

describe('a pool that is to serve other models', () => {
  it('does so without losing a batch, under the name and beside it, and measures only what is new', async () => {
    for (const [version, label] of [['1', 'old'], ['2', 'new']] as const) await publish(join(folder, 'models'), certainGesture('naming', 0.5, [label, 'other']), version);
    const { pool, device } = await start({ models: [{ name: 'naming', deadlineMs: 50 }, { name: model, deadlineMs: 500 }] });
    await pool.serve([{ key: 'naming', name: 'naming', version: '1' }, { key: model, name: model }]);
    const table = device.latency.get(model);
    const heard: string[] = [];
    const lost: unknown[] = [];
    let stopped = false;
    // A batch right behind the other, as under load.
    const load = (async () => {
      while (!stopped) {
        if (device.state !== 'idle') {
          await sleep(systemClock(), 1);
          continue;
        }
        const outcome = await device.run(batchOf('naming', [request(hand(), 'left')]));
        if (outcome.kind === 'done') heard.push(`${outcome.modelVersion} ${labelOf(outcome.items[0])}`);
        else lost.push(outcome);
        await sleep(systemClock(), 0);
      }
    })();
    const pid = processOf(device);
    await pool.serve([{ key: 'naming', name: 'naming', version: '1' }, { key: 'naming@canary', name: 'naming', version: '2' }, { key: model, name: model }]);
    expect(processOf(device)).not.toBe(pid);
    expect(device.latency.get(model)).toBe(table);
    await vi.waitFor(() => expect(device.state).toBe('idle'), { interval: 1 });
    await pool.serve([{ key: 'naming', name: 'naming', version: '2' }, { key: model, name: model }]);
    await vi.waitFor(() => expect(heard.at(-1)).toBe('2 new'), { interval: 5 });
    stopped = true;
    await load;
    expect(lost).toEqual([]);
    expect(new Set(heard)).toEqual(new Set(['1 old', '2 new']));
    expect([...device.latency.keys()].sort()).toEqual([model, 'naming'].sort());
    expect(pool.models.map(({ key, version }) => [key, version])).toEqual([['naming', '2'], [model, '1']]);
    expect(isRunning(pid)).toBe(false);
  });

  it('goes on with what it serves where something cannot be loaded, and again after a restart', async () => {
    const { pool, device } = await start();
    const pid = processOf(device);
    await expect(pool.serve([{ key: model, name: model, version: '7' }])).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    expect([processOf(device), device.state, device.wanted.map(({ key }) => key)]).toEqual([pid, 'idle', [model]]);
    process.kill(pid, 'SIGKILL');
    await backAgain(device, pid);
    expect(pool.models.map(({ name, version }) => [name, version])).toEqual([[model, '1']]);
  });
});

describe('a model worker', () => {
  it('that is killed in the middle of a batch loses it and comes back with the same costs', async () => {
    const { pool, device } = await start();
    const changes: string[] = [];
    pool.onChange(() => changes.push(device.state));
    const pid = processOf(device);
    const table = device.latency.get(model);
    process.kill(pid, 'SIGSTOP');
    const running = device.run(batchOf(model, [request(await plain(10))]));
    process.kill(pid, 'SIGKILL');
    expect(await running).toEqual({ kind: 'lost', cause: 'exited with SIGKILL' });
    expect(device.state).toBe('down');
    await backAgain(device, pid);
    expect(changes).toEqual(['down', 'starting', 'idle']);
    expect(device.latency.get(model)).toBe(table);
    const outcome = await device.run(batchOf(model, [request(await plain(10))]));
    expect(outcome.kind).toBe('done');
  });

  it('that is killed while idle comes back', async () => {
    const { device } = await start();
    const pid = processOf(device);
    process.kill(pid, 'SIGKILL');
    await backAgain(device, pid);
    expect((await device.run(batchOf(model, [request(await plain(10))]))).kind).toBe('done');
  });

  it('that hangs is killed by the watchdog and comes back', async () => {
    const { device } = await start({ watchdogFloorMs: 150 });
    const pid = processOf(device);
    process.kill(pid, 'SIGSTOP');
    const outcome = await device.run(batchOf(model, [request(await plain(10))]));
    assert(outcome.kind === 'lost', 'a stopped process answers nothing');
    expect(outcome.cause).toMatch(/^no answer for \d+ ms$/);
    await backAgain(device, pid);
    expect(isRunning(pid)).toBe(false);
  });

  it('logs facts and no input', async () => {
    const { device } = await start();
    await device.run(batchOf(model, [request(new TextEncoder().encode('a secret that is no picture'))]));
    const pid = processOf(device);
    process.kill(pid, 'SIGKILL');
    await backAgain(device, pid);
    expect(logged.map(({ message }) => message)).toEqual(['model measured', 'model worker ended']);
    expect(JSON.stringify(logged)).not.toContain('secret');
  });

  it('leaves when its pool is closed, and what it works on is lost', async () => {
    const { pool, device } = await start();
    const pid = processOf(device);
    process.kill(pid, 'SIGSTOP');
    const running = device.run(batchOf(model, [request(await plain(10))]));
    await pool.close();
    expect(await running).toEqual({ kind: 'lost', cause: 'closed' });
    expect([isRunning(pid), device.state]).toEqual([false, 'down']);
  });

  it('leaves when its parent dies', async () => {
    const script = join(import.meta.dirname, 'run-pool.ts');
    const parent = spawn(process.execPath, ['--import', 'tsx', script, join(folder, 'models'), join(folder, 'cache'), model], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000, interval: 20 });
  });
});
