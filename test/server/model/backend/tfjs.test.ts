import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../../../core/assert.ts';
import { openModelStore } from '../../../../registry/store.ts';
import type { ResolvedModel } from '../../../../registry/store.ts';
import type { Backend, ModelBlocks } from '../../../../server/model/backend/backend.ts';
import { CPU_BACKEND } from '../../../../server/model/backend/choice.ts';
import { findTensorflow } from '../../../../registry/tensorflow.ts';
import { openTfjsBackend } from '../../../../server/model/backend/tfjs.ts';
import { openRunner } from '../../../../server/model/runner.ts';
import { allocateBlock } from '../../../../server/model/tensor-block.ts';
import { photograph } from '../pictures.ts';
import { INPUTS, OUTPUTS, expectedRow, onnxFiles, publishNetwork, tfjsGraphFiles, tfjsLayersFiles } from './tiny-network.ts';

const root = join(import.meta.dirname, '../../../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfjs-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function publish(name: string, network: Parameters<typeof publishNetwork>[2]): Promise<ResolvedModel> {
  await publishNetwork(join(folder, 'models'), name, network);
  return openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') }).resolve(name);
}

function allocate(inputs = INPUTS, outputs = OUTPUTS): ModelBlocks {
  const blocksOf = (specs: typeof INPUTS): ModelBlocks['inputs'] => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, 4, 512)]));
  return { inputs: blocksOf(inputs), outputs: blocksOf(outputs) };
}

describe('the TensorFlow.js backend', () => {
  it('leaves no tensors behind, whether it answers or fails', async () => {
    const { tf } = await findTensorflow();
    const backend = await openTfjsBackend(await publish('flat', { files: tfjsGraphFiles() }), allocate());
    const narrow = OUTPUTS.map((spec) => (spec.name === 'scores' ? { ...spec, shape: ['N', 3] } : spec));
    const failing = await openTfjsBackend(await publish('failing', { files: tfjsGraphFiles(), outputs: narrow }), allocate(INPUTS, narrow));
    const run = (of: Backend): Promise<void> => of.run({ first: 0, count: 3, symbolicSize: 64 }, Infinity);
    await run(backend);
    const { numTensors, numBytes } = tf.memory();
    for (let index = 0; index < 200; index++) await run(backend);
    for (let index = 0; index < 20; index++) await expect(run(failing)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    await Promise.all([backend.close(), failing.close()]);
    expect(tf.memory().numTensors).toBeLessThan(numTensors);
  });

  it('listens for no errors of the process that it runs in', async () => {
    await findTensorflow();
    const listeners = ['uncaughtException', 'unhandledRejection'].flatMap((event) => process.listeners(event as 'uncaughtException'));
    expect(listeners.filter((listener) => /ExitStatus|throw ex/.test(listener.toString()))).toEqual([]);
  });

  it('runs a layers model', async () => {
    const [inputs, outputs] = [INPUTS.slice(0, 1), OUTPUTS.slice(0, 1)];
    const blocks = allocate(inputs, outputs);
    const backend = await openTfjsBackend(await publish('layers', { files: tfjsLayersFiles(), inputs, outputs }), blocks);
    const [input] = blocks.inputs.values();
    const [output] = blocks.outputs.values();
    assert(input !== undefined && output !== undefined, 'there is one of each');
    (input.data as Float32Array).set([1, 2, 3, 4], 4);
    await backend.run({ first: 0, count: 2, symbolicSize: 64 }, Infinity);
    Array.from(output.data.subarray(2, 4), Number).forEach((value, index) => expect(value).toBeCloseTo(expectedRow([1, 2, 3, 4], []).scores[index] ?? NaN, 5));
    await backend.close();
  });

  it('refuses an ONNX graph that comes from no TensorFlow.js model', async () => {
    await expect(openTfjsBackend(await publish('onnx', { files: onnxFiles() }), allocate())).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('refuses weights that are not those of the manifest, and weights that it does not list', async () => {
    const model = await publish('tampered', { files: tfjsGraphFiles() });
    const path = join(model.folder, 'weights.bin');
    const bytes = await readFile(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(openTfjsBackend(model, allocate())).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    const files = Object.fromEntries(Object.entries(model.manifest.files).filter(([name]) => name !== 'weights.bin'));
    await expect(openTfjsBackend({ ...model, manifest: { ...model.manifest, files } }, allocate())).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('finds in pictures what the ONNX graph made from the same model finds', async () => {
    const store = openModelStore({ modelsFolder: join(root, 'models'), cacheFolder: join(root, '.cache/models') });
    const model = await store.resolve('movenet-lightning');
    const items = await Promise.all([1, 2, 3].map(async (number) => ({ payload: await photograph(number), encoding: 'task' as const, part: '' })));
    const answers = [];
    for (const backend of [CPU_BACKEND, { kind: 'tfjs' as const }]) {
      const runner = await openRunner(model, { capacity: 3, backend });
      answers.push(await runner.run(items));
      await runner.close();
    }
    const [onnx, tfjs] = answers.map((outcomes) => outcomes.flatMap((outcome) => (outcome.kind === 'done' && outcome.value.task === 'body-pose' ? outcome.value.keypoints : [])));
    expect(onnx).toHaveLength(3 * 51);
    onnx?.forEach((value, index) => expect(Math.abs(value - (tfjs?.[index] ?? NaN))).toBeLessThan(2e-3));
  });
});
