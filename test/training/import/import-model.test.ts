/** Foreign models: real and made ones come in with the answers of their own runtimes, bad ones leave nothing behind. */
import { existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { PATH_FEATURE_COUNT, PATH_STEPS } from '../../../features/hand-path.ts';
import type { ModelManifest } from '../../../registry/manifest.ts';
import { GraphBuilder } from '../../../registry/onnx/graph-builder.ts';
import { publishModel } from '../../../registry/publish.ts';
import { findTensorflow } from '../../../registry/tensorflow.ts';
import { importCommand } from '../../../training/commands/import.ts';
import { importModel } from '../../../training/import/import-model.ts';
import type { ImportRequest, ImportResult } from '../../../training/import/import-model.ts';
import { shippedFolder } from '../../support/shipped.ts';
import { runOnnx } from '../../support/onnx.ts';
import { MODELS_FOLDER } from '../../registry/convert/tfjs.ts';

const { ModelProto } = onnxProto.onnx;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function take(path: string, changes: Partial<ImportRequest> = {}): Promise<ImportResult> {
  const request = { path, folder: join(folder, `out-${++count}`), name: 'taken', softmax: false, licence: 'MIT', ...changes };
  return importModel(request, systemClock(), () => undefined);
}

/** [N, 3] to two probabilities; `change` may spoil it. */
function made(name: string, change: (model: onnx.ModelProto) => void = () => undefined): string {
  const graph = new GraphBuilder({ name: 'made' });
  const input = graph.input('x', 'float32', ['N', 3]);
  const weights = graph.constant('float32', [3, 2], Float32Array.of(1, -2, 0.5, 1, 3, -1), 'weights');
  graph.op('MatMul', [input, weights], {}, 'logits');
  graph.op('Softmax', ['logits'], { axis: -1 }, 'y');
  graph.output('y', 'float32', ['N', 2]);
  const model = ModelProto.decode(graph.toBytes());
  change(model);
  const path = join(folder, name);
  writeFileSync(path, ModelProto.encode(model).finish());
  return path;
}

const labels = ['a', 'b'];
const external = (location: string) => ({ graph }: onnx.ModelProto): void => {
  const weights = graph!.initializer![0]!;
  Object.assign(weights, { rawData: new Uint8Array(), dataLocation: 1, externalData: [{ key: 'location', value: location }, { key: 'offset', value: '4' }, { key: 'length', value: '24' }] });
};

async function savedLayers(name: string, model: tfjs.LayersModel, metadata?: object): Promise<string> {
  const target = join(folder, name);
  mkdirSync(target);
  const { tf } = await findTensorflow();
  await model.save(tf.io.withSaveHandler((artifacts) => {
    const weightsManifest = [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }];
    writeFileSync(join(target, 'weights.bin'), new Uint8Array(artifacts.weightData as ArrayBuffer));
    writeFileSync(join(target, 'model.json'), JSON.stringify({ format: 'layers-model', modelTopology: artifacts.modelTopology, weightsManifest }));
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } });
  }));
  if (metadata !== undefined) writeFileSync(join(target, 'metadata.json'), JSON.stringify(metadata));
  return join(target, 'model.json');
}

describe('an ONNX file', () => {
  it('becomes a folder that the registry takes, with its answers', async () => {
    const path = made('plain.onnx');
    const { manifest, parity, runtime } = await take(path, { labels, folder: join(folder, 'plain') });
    expect(manifest).toMatchObject({ task: 'classification', labels: { y: labels }, licence: 'MIT', inputs: [{ name: 'x', shape: ['N', 3] }] });
    expect(parity).toBe(0);
    expect(runtime).toMatch(/^ONNX Runtime/);
    const registry = { modelsFolder: join(folder, 'models'), clock: systemClock(), by: 'test' };
    expect((await publishModel(registry, join(folder, 'plain'), '')).version).toBe('1');
    expect(readFileSync(join(folder, 'plain', 'card.html'), 'utf8')).toContain('opset 17');
  });

  it('gives up what its output does not need, and labels that it holds', async () => {
    const path = made('two.onnx', ({ graph, metadataProps }) => {
      graph!.output!.push({ name: 'logits', type: graph!.output![0]!.type! }, { name: 'chance', type: graph!.output![0]!.type! });
      graph!.node!.push({ opType: 'RandomUniformLike', input: ['y'], output: ['chance'], name: 'dice' });
      metadataProps.push({ key: 'labels', value: '["left", "right"]' });
    });
    await expect(take(path)).rejects.toThrow(/CONFIG_INVALID: the graph has the outputs y, logits, chance/);
    expect((await take(path, { output: 'y' })).manifest.labels).toEqual({ y: ['left', 'right'] });
    await expect(take(path, { output: 'logits' })).rejects.toThrow(/MODEL_INVALID: the output is no probabilities.*--softmax/);
    const { manifest } = await take(path, { output: 'logits', softmax: true, folder: join(folder, 'soft') });
    const given = await runOnnx(readFileSync(join(folder, 'soft', 'model.onnx')), { x: { data: Float32Array.of(1, 2, 3), dims: [1, 3] } }, manifest.outputs[0]!.name);
    // Logits 1 + 1 + 9 and -2 + 2 - 3.
    expect(given[0]).toBeCloseTo(1 / (1 + Math.exp(-14)), 6);
    await expect(take(path, { output: 'chance' })).rejects.toThrow(/GRAPH_UNSUPPORTED: RandomUniformLike 'dice'/);
  });

  it('takes weights in from a file beside it, and none from elsewhere', async () => {
    writeFileSync(join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(9, 1, -2, 0.5, 1, 3, -1).buffer));
    await take(made('beside.onnx', external('weights.bin')), { labels, folder: join(folder, 'beside') });
    expect(readFileSync(join(folder, 'beside', 'model.onnx')).includes('weights.bin')).toBe(false);
    symlinkSync('/etc/hostname', join(folder, 'link.bin'));
    for (const location of ['../weights.bin', '/etc/hostname', 'a/../../weights.bin', 'link.bin', '', 'missing.bin']) {
      await expect(take(made('away.onnx', external(location)), { labels }), location).rejects.toThrow(/MODEL_INVALID: (the model names the file|'link.bin' is a link|.*is not there)/);
    }
    writeFileSync(join(folder, 'short.bin'), new Uint8Array(20));
    await expect(take(made('short.onnx', external('short.bin')), { labels })).rejects.toThrow(/MODEL_INVALID: weights from byte 4 to 28 of short.bin, which has 20/);
  });

  it('of movements or hands, as the server asks it, is known by its input', async () => {
    for (const [name, task, shape] of [['dynamic-gesture-mlp', 'dynamic-gesture', ['N', PATH_STEPS, PATH_FEATURE_COUNT]], ['gesture-mlp', 'gesture', ['N', HAND_FEATURE_COUNT]]] as const) {
      const shipped = shippedFolder(name);
      const { labels: own } = JSON.parse(readFileSync(join(shipped, 'manifest.json'), 'utf8')) as ModelManifest;
      const [given] = Object.values(own);
      const { manifest } = await take(join(shipped, 'model.onnx'), { labels: given, folder: join(folder, name) });
      expect(manifest).toMatchObject({ task, inputs: [{ name: 'features', dtype: 'float32', shape }], labels: { probabilities: given } });
      expect(manifest.inputs[0]?.meaning).toContain(task === 'gesture' ? 'features/hand.ts' : 'features/hand-path.ts');
      const [other] = ['gesture', 'dynamic-gesture'].filter((known) => known !== task) as ['gesture' | 'dynamic-gesture'];
      await expect(take(join(shipped, 'model.onnx'), { labels: given, task: other })).rejects.toThrow(new RegExp(`SHAPE_MISMATCH: a ${other} model takes float32 \\[N, .*\\], not float32 \\[${shape.join(', ')}\\]`));
      expect((await take(join(shipped, 'model.onnx'), { labels: given, task: 'classification' })).manifest.task).toBe('classification');
    }
    await expect(importCommand.run(['x.onnx', '--out', folder, '--name', 'x', '--task', 'pose-prediction'])).rejects.toThrow(/CONFIG_INVALID: --task pose-prediction is not one of .*probability for each label/);
  });

  it('that is not for us is refused with its reason, and nothing is written', async () => {
    const before = readdirSync(folder).filter((name) => name.startsWith('out-') || name.startsWith('.'));
    const bytes = readFileSync(made('whole.onnx'));
    const cut = join(folder, 'cut.onnx');
    for (const length of [bytes.length - 1, 40, 3]) {
      writeFileSync(cut, bytes.subarray(0, length));
      await expect(take(cut, { labels }), `${length} bytes`).rejects.toThrow(/MODEL_INVALID/);
    }
    writeFileSync(join(folder, 'large.onnx'), '');
    await expect(take(join(folder, 'large.onnx'))).rejects.toThrow(/MODEL_INVALID.*is empty/);
    truncateSync(join(folder, 'large.onnx'), 600 * 2 ** 20);
    await expect(take(join(folder, 'large.onnx'))).rejects.toThrow(/MODEL_INVALID.*bytes, of \d+ at most/);
    await expect(take(join(folder, 'whole.onnx'), { labels, sha256: '0'.repeat(64) })).rejects.toThrow(/MODEL_TAMPERED/);
    const spoilt: [RegExp, (model: onnx.ModelProto) => void][] = [
      [/GRAPH_UNSUPPORTED: the graph needs operators of 'com.vendor'/, ({ opsetImport }) => void opsetImport.push({ domain: 'com.vendor', version: 1 })],
      [/GRAPH_UNSUPPORTED: opset 99/, ({ opsetImport }) => void (opsetImport[0]!.version = 99)],
      [/GRAPH_UNSUPPORTED: Loop/, ({ graph }) => void (graph!.node![1]!.opType = 'Loop')],
      [/GRAPH_UNSUPPORTED: RandomUniformLike/, ({ graph }) => void (graph!.node![1]!.opType = 'RandomUniformLike')],
      [/SHAPE_MISMATCH.*batch of fixed size 1/, ({ graph }) => void (graph!.input![0]!.type!.tensorType!.shape!.dim![0] = { dimValue: 1 })],
      [/SHAPE_MISMATCH.*axis 1 of the input x has no size/, ({ graph }) => void (graph!.input![0]!.type!.tensorType!.shape!.dim![1] = { dimParam: 'W' })],
      [/MODEL_INVALID: the weights weights are 24 bytes, not 28/, ({ graph }) => void (graph!.initializer![0]!.dims = [7])],
      [/MODEL_INVALID: ONNX Runtime does not take|MODEL_INVALID: the graph fails/, ({ graph }) => void (graph!.initializer![0]!.dims = [2, 3])],
      [/MODEL_INVALID: a row gets another answer in a batch/, ({ graph }) => void (graph!.node![1]!.attribute![0]!.i = 0)],
      [/SHAPE_MISMATCH: 2 labels for the 3 columns/, ({ graph }) => void (graph!.output![0]!.type!.tensorType!.shape!.dim![1] = { dimValue: 3 })],
    ];
    for (const [reason, change] of spoilt) await expect(take(made('spoilt.onnx', change), { labels }), String(reason)).rejects.toThrow(reason);
    const threeWide = made('wide.onnx', ({ graph }) => void (graph!.output![0]!.type!.tensorType!.shape!.dim![1] = { dimValue: 3 }));
    await expect(take(threeWide, { labels: ['a', 'b', 'c'] })).rejects.toThrow(/SHAPE_MISMATCH: the output y is \[6, 2\]/);
    const whole = made('int64.onnx', ({ graph }) => {
      graph!.node!.push({ opType: 'Cast', input: ['y'], output: ['z'], attribute: [{ name: 'to', type: 2, i: 7 }] });
      graph!.output![0] = { name: 'z', type: { tensorType: { elemType: 7, shape: graph!.output![0]!.type!.tensorType!.shape! } } };
    });
    await expect(take(whole, { labels })).rejects.toThrow(/SHAPE_MISMATCH: the output z is int64/);
    await expect(take(made('unlabelled.onnx'))).rejects.toThrow(/CONFIG_INVALID.*give --labels/);
    await expect(take(made('named.onnx'), { labels: ['a', '__proto__'] })).rejects.toThrow(/CONFIG_INVALID: __proto__ cannot be a label/);
    await expect(take(made('labels.onnx'), { labels: ['a', 'b', 'c'] })).rejects.toThrow(/SHAPE_MISMATCH: 3 labels for the 2 columns/);
    await expect(take(made('task.onnx'), { labels, task: 'gesture' })).rejects.toThrow(/SHAPE_MISMATCH: a gesture model takes/);
    await expect(take(made('there.onnx'), { labels, folder })).rejects.toThrow(/CONFIG_INVALID.*is there already/);
    expect(readdirSync(folder).filter((name) => name.startsWith('out-') || name.startsWith('.'))).toEqual(before);
  });
});

describe('a TensorFlow.js model', () => {
  const path = join(MODELS_FOLDER, 'emotion.json');
  it.skipIf(!existsSync(path))('of pictures comes in with the answers that TensorFlow.js gives', async () => {
    const { manifest, parity, runtime } = await take(path, { labels: ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'] });
    expect(manifest.inputs[0]?.shape).toEqual(['N', 64, 64, 1]);
    expect(runtime).toMatch(/^TensorFlow.js/);
    expect(parity).toBeGreaterThan(0);
    expect(parity).toBeLessThan(1e-4);
  });

  it('of layers comes in with its normalisation, its activations and the labels beside it', async () => {
    const { tf } = await findTensorflow();
    const model = tf.sequential({ layers: [
      tf.layers.dense({ inputShape: [2, 3], units: 4, activation: 'tanh', kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }) }), tf.layers.flatten(), tf.layers.batchNormalization({ betaInitializer: 'ones' }), tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 5, activation: 'relu', kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }) }), tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }) }),
    ] });
    const saved = await savedLayers('layers', model, { labels: ['on', 'off'] });
    const { manifest, parity } = await take(saved);
    expect(manifest.labels).toEqual({ output: ['on', 'off'] });
    expect(parity).toBeLessThan(1e-5);
    const weights = readFileSync(join(folder, 'layers', 'weights.bin'));
    writeFileSync(join(folder, 'layers', 'weights.bin'), weights.subarray(0, 40));
    await expect(take(saved)).rejects.toThrow(/MODEL_INVALID: weight .* ends at byte/);
    writeFileSync(saved, readFileSync(saved, 'utf8').replace('weights.bin', '../weights.bin'));
    await expect(take(saved)).rejects.toThrow(/MODEL_INVALID: the model names the file '..\/weights.bin'/);
    writeFileSync(saved, readFileSync(saved).subarray(0, 100));
    await expect(take(saved)).rejects.toThrow(/MODEL_INVALID.*no JSON/);
    const foreign = tf.sequential({ layers: [tf.layers.embedding({ inputDim: 3, outputDim: 2, inputShape: [4] })] });
    await expect(take(await savedLayers('foreign', foreign))).rejects.toThrow(/GRAPH_UNSUPPORTED: the layer \S+ is a Embedding/);
  });
});
