/** Reads a TensorFlow.js model, graph or layers, and finds the manifest's tensors in it. */
import { dirname, join } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { readSource } from '../../../registry/conversion-cache.ts';
import { readVerified } from '../../../registry/digest.ts';
import { GRAPH_FILES } from '../../../registry/manifest.ts';
import type { ModelManifest, TensorSpec } from '../../../registry/manifest.ts';
import type { RunnerModel } from './backend.ts';
import type { Tensorflow } from '../../../registry/tensorflow.ts';

/** One of the model's inputs. */
export interface TfjsInput {
  readonly spec: TensorSpec;
  /** The model's own name for it. */
  readonly node: string;
  readonly dtype: 'float32' | 'int32';
  /** One row; undefined where any size goes. */
  readonly rowShape: readonly (number | undefined)[];
  /** The graph takes exactly one row. */
  readonly isSingle: boolean;
}

export interface TfjsModel {
  readonly inputs: readonly TfjsInput[];
  readonly outputs: readonly TensorSpec[];
  /** By the model's names for its inputs. @returns one tensor for each of `outputs`, the caller's to dispose of. */
  execute(feeds: Readonly<Record<string, tfjs.Tensor>>): tfjs.Tensor[];
  dispose(): void;
}

const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  signature: z.record(z.string(), z.unknown()).optional(),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(z.record(z.string(), z.unknown())) })),
});

/**
 * Loads the model that a manifest describes, or that its ONNX graph was converted from. Every file is checked.
 *
 * @throws CopresenceError MODEL_INVALID or MODEL_TAMPERED for its files, SHAPE_MISMATCH when its tensors are not those
 * of the manifest.
 */
export async function loadTfjsModel(tf: Tensorflow, model: RunnerModel): Promise<TfjsModel> {
  const { manifest } = model;
  const source = await readFiles(model);
  const parsed = modelJson.safeParse(parseJson(source.topology));
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${manifest.name}: ${z.prettifyError(parsed.error)}`);
  const { format, modelTopology, signature, weightsManifest } = parsed.data;
  const weights: Uint8Array[] = [];
  for (const path of weightsManifest.flatMap(({ paths }) => paths)) weights.push(await source.weightFile(path));
  const artifacts = {
    modelTopology,
    ...(signature === undefined ? {} : { signature }),
    weightSpecs: weightsManifest.flatMap((group) => group.weights) as unknown as tfjs.io.WeightsManifestEntry[],
    weightData: new Uint8Array(Buffer.concat(weights)).buffer,
  };
  const handler = { load: () => Promise.resolve(artifacts) };
  try {
    const isGraph = format === undefined ? 'node' in modelTopology : format === 'graph-model';
    return isGraph ? graphModel(await tf.loadGraphModel(handler), manifest) : layersModel(await tf.loadLayersModel(handler), manifest);
  } catch (cause) {
    if (cause instanceof CopresenceError) throw cause;
    throw new CopresenceError('MODEL_INVALID', `TensorFlow.js does not load ${manifest.name}`, { cause });
  }
}

interface ModelFiles {
  readonly topology: Uint8Array;
  readonly weightFile: (path: string) => Uint8Array | Promise<Uint8Array>;
}

function readFiles({ manifest, graphPath }: RunnerModel): Promise<ModelFiles> {
  if (manifest.format === 'tfjs') return readOwnFiles(manifest, dirname(graphPath));
  if (manifest.convertedFrom !== undefined) return readSource(manifest.convertedFrom);
  throw new CopresenceError('MODEL_INVALID', `${manifest.name} is an ONNX graph, and comes from no TensorFlow.js model`);
}

async function readOwnFiles({ files }: ModelManifest, folder: string): Promise<ModelFiles> {
  const read = (path: string): Promise<Uint8Array> => {
    const expected = files[path];
    if (expected === undefined) throw new CopresenceError('MODEL_INVALID', `the manifest does not list ${path}`);
    return readVerified(join(folder, path), expected);
  };
  return { topology: await read(GRAPH_FILES.tfjs), weightFile: read };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function graphModel(model: tfjs.GraphModel, manifest: ModelManifest): TfjsModel {
  const nodes = manifest.convertedFrom?.nodes;
  const inputs = manifest.inputs.map((spec) => {
    const info = found(spec, model.inputs, nodes?.input);
    return inputOf(spec, info.name, info.dtype, info.shape ?? []);
  });
  const outputNodes = manifest.outputs.map((spec) => nodes?.outputs[spec.name] ?? found(spec, model.outputs).name);
  return {
    inputs,
    outputs: manifest.outputs,
    execute: (feeds) => listed(model.execute(feeds, outputNodes)),
    dispose: () => model.dispose(),
  };
}

function layersModel(model: tfjs.LayersModel, manifest: ModelManifest): TfjsModel {
  const infos = model.inputs.map((tensor, index) => ({ name: model.inputNames[index] ?? tensor.name, dtype: tensor.dtype, shape: tensor.shape }));
  const inputs = manifest.inputs.map((spec) => {
    const info = found(spec, infos);
    return inputOf(spec, info.name, info.dtype, info.shape);
  });
  const outputInfos = model.outputNames.map((name) => ({ name }));
  const places = manifest.outputs.map((spec) => outputInfos.indexOf(found(spec, outputInfos)));
  return {
    inputs,
    outputs: manifest.outputs,
    execute(feeds) {
      const all = listed(model.predict(model.inputNames.flatMap((name) => feeds[name] ?? [])));
      return places.flatMap((place) => all[place] ?? []);
    },
    dispose: () => void model.dispose(),
  };
}

/** The tensor that is called so in the model, apart from `:0`; a single one may have any name. */
function found<Info extends { readonly name: string }>(spec: TensorSpec, infos: readonly Info[], node = spec.name): Info {
  const named = infos.find(({ name }) => name.replace(/:0$/, '') === node) ?? (infos.length === 1 ? infos[0] : undefined);
  if (named === undefined) throw new CopresenceError('SHAPE_MISMATCH', `the model has ${infos.map(({ name }) => name).join(', ')}, and no ${spec.name}`);
  return named;
}

function inputOf(spec: TensorSpec, node: string, dtype: string, shape: readonly (number | null)[]): TfjsInput {
  if (dtype !== 'float32' && dtype !== 'int32') throw new CopresenceError('SHAPE_MISMATCH', `${spec.name} is ${dtype} in the model`);
  const [batch, ...row] = shape.map((size) => (size === null || size < 0 ? undefined : size));
  const wanted = spec.shape.slice(1);
  const fits = shape.length === 0 || (row.length === wanted.length && row.every((size, axis) => size === undefined || size === wanted[axis]));
  if (!fits) throw new CopresenceError('SHAPE_MISMATCH', `${spec.name} is [${shape.join(', ')}] in the model; its manifest says [${spec.shape.join(', ')}]`);
  return { spec, node, dtype, rowShape: row, isSingle: batch === 1 };
}

function listed(tensors: tfjs.Tensor | tfjs.Tensor[]): tfjs.Tensor[] {
  return Array.isArray(tensors) ? tensors : [tensors];
}
