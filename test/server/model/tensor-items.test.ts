import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../../core/assert.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { openModelStore } from '../../../registry/store.ts';
import type { ItemOutcome } from '../../../server/flow.ts';
import { openRunner } from '../../../server/model/runner.ts';
import type { Runner } from '../../../server/model/runner.ts';
import type { TaskItem } from '../../../server/model/task/adapter.ts';
import { allocateBlock } from '../../../server/model/tensor-block.ts';
import { certainGesture, moodyBody, oddLanguage, publish } from './tiny-models.ts';
import { plain } from './pictures.ts';

let folder: string;
const runners: Runner[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tensor-items-'));
});

afterAll(async () => {
  await Promise.all(runners.map((runner) => runner.close()));
  await rm(folder, { recursive: true, force: true });
});

async function open(model: Parameters<typeof publish>[1]): Promise<Runner> {
  await publish(join(folder, 'models'), model);
  const store = openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') });
  const runner = await openRunner(await store.resolve(model.name), { capacity: 8 });
  runners.push(runner);
  return runner;
}

const raw = (data: Int32Array | Float32Array | Uint8Array): TaskItem => ({ payload: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), encoding: 'tensors', part: '' });
const task = (payload: Uint8Array, part = ''): TaskItem => ({ payload, encoding: 'task', part });
const verdict = (outcome: ItemOutcome): string => (outcome.kind === 'done' ? outcome.value.task : outcome.code);

function floatsOf(outcome: ItemOutcome | undefined): number[] {
  assert(outcome?.kind === 'done' && outcome.value.task === 'tensors', 'raw rows give raw rows');
  return [...new Float32Array(outcome.value.outputs.slice().buffer)];
}

describe('an item of raw tensors', () => {
  it('gives the rows of the outputs, beside items of the task in the same batch', async () => {
    const runner = await open(certainGesture('beside', 0.6));
    const outcomes = await runner.run([runner.sample(0), raw(new Float32Array(HAND_FEATURE_COUNT)), runner.sample(1)]);
    expect(outcomes.map(verdict)).toEqual(['gesture', 'tensors', 'gesture']);
    expect(floatsOf(outcomes[1])).toEqual([expect.closeTo(0.75, 5), expect.closeTo(0.25, 5)]);
  });

  it('that has another length is refused, and its batch-mates are answered', async () => {
    const runner = await open(certainGesture('lengths', 0.6));
    const row = new Float32Array(HAND_FEATURE_COUNT);
    const outcomes = await runner.run([raw(row), raw(row.subarray(1)), raw(new Uint8Array(0)), raw(new Uint8Array(HAND_FEATURE_COUNT * 4 + 1)), raw(row)]);
    expect(outcomes.map(verdict)).toEqual(['tensors', 'TENSOR_INVALID', 'TENSOR_INVALID', 'TENSOR_INVALID', 'tensors']);
  });

  it('may start anywhere in a message, also where no float could', async () => {
    const runner = await open(certainGesture('unaligned', 0.6));
    const message = new Uint8Array(HAND_FEATURE_COUNT * 4 + 3);
    expect((await runner.run([raw(message.subarray(3))])).map(verdict)).toEqual(['tensors']);
  });

  it('that the model cannot run on fails alone', async () => {
    const runner = await open(moodyBody('raw-moody'));
    const [dark, light, white] = [10, 150, 255].map((shade) => raw(new Uint8Array(8 * 8 * 3).fill(shade)));
    assert(dark !== undefined && light !== undefined && white !== undefined, 'three pictures');
    const outcomes = await runner.run([dark, white, task(await plain(10)), light, dark]);
    expect(outcomes.map(verdict)).toEqual(['tensors', 'MODEL_FAILED', 'body-pose', 'MODEL_FAILED', 'tensors']);
    expect(floatsOf(outcomes[4])).toEqual(new Array(51).fill(0.5));
  });

  it('is as long as it says where a dimension is symbolic, whatever else is in the batch and was there before', async () => {
    const runner = await open(oddLanguage('raw-odd'));
    const ids = [Int32Array.of(1, 2, 3, 4), Int32Array.from({ length: 200 }, (_, index) => 1 + 2 * index), Int32Array.of(2), new Int32Array(512).fill(4)];
    const message = task(new TextEncoder().encode('could you show me the map'), '1');
    const alone = await runner.run([message]);
    const outcomes = await runner.run([...ids.map(raw), message]);
    expect(outcomes.map(verdict)).toEqual(['tensors', 'tensors', 'tensors', 'tensors', 'language']);
    expect(outcomes.slice(0, 4).map((outcome) => floatsOf(outcome)[0])).toEqual([0.5, 1, 0, 0]);
    expect(outcomes[4]).toEqual(alone[0]);
    // A row that was longer a batch ago leaves nothing behind.
    expect(floatsOf((await runner.run([raw(Int32Array.of(2, 1))]))[0])[0]).toBe(0.5);
  });

  it('with no step of a symbolic dimension, half of one or more than there is room for is refused', async () => {
    const runner = await open(oddLanguage('raw-bounds'));
    const outcomes = await runner.run([new Uint8Array(0), new Uint8Array(6), new Uint8Array(513 * 4), new Uint8Array(4)].map(raw));
    expect(outcomes.map(verdict)).toEqual(['TENSOR_INVALID', 'TENSOR_INVALID', 'TENSOR_INVALID', 'MODEL_FAILED']);
  });
});

describe('a tensor block', () => {
  it('has its symbolic dimension right behind the batch, or none', () => {
    const spec = (...shape: (string | number)[]): Parameters<typeof allocateBlock>[0] => ({ name: 'block', dtype: 'int8', shape, meaning: '' });
    expect(allocateBlock(spec('N', 'L', 3), 2, 8)).toMatchObject({ rowLength: 24, stepLength: 3 });
    for (const shape of [['N', 3, 'L'], ['N', 'L', 'K'], [1, 3]]) expect(() => allocateBlock(spec(...shape), 2, 8)).toThrow('MODEL_INVALID');
  });
});
