import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../../../core/assert.ts';
import { systemClock } from '../../../../core/clock.ts';
import type { OnnxChoice } from '../../../../server/model/backend/choice.ts';
import { startModelPool } from '../../../../server/model/pool.ts';
import type { ModelPool } from '../../../../server/model/pool.ts';
import { openRunner } from '../../../../server/model/runner.ts';
import { openModelStore } from '../../../../registry/store.ts';
import { batchOf, request } from '../requests.ts';
import { certainGesture, publish } from '../tiny-models.ts';
import { describeBackend } from './contract.ts';
import { useSoftwareGpu } from './software-gpu.ts';
import { onnxFiles } from './tiny-network.ts';

const gpu = useSoftwareGpu();
const skip = gpu.kind === 'missing' ? gpu.why : undefined;
/** With CUDA on a card that no machine has, so that it is refused everywhere. */
const onnx = (...providers: string[]): OnnxChoice => ({ kind: 'onnx', providers, intraOpThreads: 1, deviceId: 63 });

afterAll(() => {
  if (gpu.kind === 'ready') gpu.remove();
});

describeBackend('ONNX Runtime on WebGPU', { choose: () => onnx('webgpu'), files: onnxFiles(), provider: 'webgpu', skip });

describe.skipIf(skip !== undefined)('a worker on a GPU', () => {
  let folder: string;
  let pool: ModelPool;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gpu-pool-'));
    await publish(join(folder, 'models'), certainGesture('certain', 0.6));
    const options = { workerCount: 1, models: [{ name: 'certain', deadlineMs: 200 }], modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache'), probeMs: 3_600_000 };
    pool = await startModelPool({ clock: systemClock() }, { ...options, backend: onnx('cuda', 'webgpu', 'cpu') });
  }, 180_000);

  afterAll(async () => {
    await pool?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('falls back in the order of preference, and says from what', () => {
    expect(pool.models).toMatchObject([{ name: 'certain', provider: 'webgpu', refusedProviders: ['cuda'] }]);
  });

  it('measures what batches cost on it, and answers them', async () => {
    const [device] = pool.devices;
    assert(device !== undefined, 'there is a device');
    expect(device.latency.get('certain')?.maxBatchSize).toBeGreaterThanOrEqual(1);
    const { samples } = device.models[0] ?? { samples: [] };
    const outcome = await device.run(batchOf('certain', samples.map(({ payload, part }) => request(payload, part))));
    assert(outcome.kind === 'done', 'the worker is well');
    const labels = outcome.items.map((item) => item.kind === 'done' && item.value.task === 'gesture' && item.value.label);
    expect(labels).toEqual(samples.map(() => 'first'));
  });
});

describe('the choice of a provider', () => {
  it.each([
    [['no-such-provider', 'cpu'], ['no-such-provider']],
    [['tensorrt', 'cuda', 'cpu'], ['tensorrt', 'cuda']],
  ])('of %j refuses visibly what is not there', async (providers, refused) => {
    const folder = await mkdtemp(join(tmpdir(), 'providers-'));
    await publish(join(folder, 'models'), certainGesture('certain', 0.6));
    const model = await openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') }).resolve('certain');
    const runner = await openRunner(model, { capacity: 2, backend: onnx(...providers) });
    expect([runner.provider, runner.refusedProviders]).toEqual(['cpu', refused]);
    await runner.close();
    await expect(openRunner(model, { capacity: 2, backend: onnx('no-such-provider') })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await rm(folder, { recursive: true, force: true });
  });
});
