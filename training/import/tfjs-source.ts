/** Foreign TensorFlow.js models: graph models by the registry's converter, layers models of plain layers by our own. */
import { existsSync } from 'node:fs';
import { join, dirname } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { convertGraph } from '../../registry/convert/graph.ts';
import { parseGraphModel } from '../../registry/convert/graph-model.ts';
import { decodeWeights, weightSpec } from '../../registry/convert/weights.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import { layersToOnnx } from './layers-to-onnx.ts';
import { MAX_IMPORT_BYTES } from './onnx-graph.ts';
import { readBeside, readSource } from './source-files.ts';
import type { SourceModel } from './source-model.ts';

const dimension = z.object({ size: z.union([z.string(), z.number()]).transform(Number).default(-1) });
const endpoint = z.object({ name: z.string(), tensorShape: z.object({ dim: z.array(dimension).default([]) }).optional() });
const signature = z.object({ inputs: z.record(z.string(), endpoint), outputs: z.record(z.string(), endpoint) });
const weightsManifest = z.array(z.object({ paths: z.array(z.string()).max(10_000), weights: z.array(weightSpec) }));
const modelJson = z.object({
  format: z.enum(['graph-model', 'layers-model']).optional(),
  modelTopology: z.looseObject({}),
  weightsManifest,
  signature: signature.optional(),
  userDefinedMetadata: z.object({ signature: signature.optional() }).optional(),
});
type ModelJson = z.infer<typeof modelJson>;

/** Teachable Machine and others write the labels beside the model. */
const metadataJson = z.object({ labels: z.array(z.string()) });

/**
 * @param output - of a graph model with several: a name of its signature or of a node.
 * @throws CopresenceError MODEL_INVALID when a file is missing, cut off or no model; GRAPH_UNSUPPORTED for an operation or layer without converter;
 * CONFIG_INVALID when several outputs leave a choice.
 */
export async function openTfjsSource(path: string, output: string | undefined): Promise<SourceModel> {
  const json = readSource(path);
  const parsed = modelJson.safeParse(parseJson(json, path));
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path} is no model.json of TensorFlow.js: ${z.prettifyError(parsed.error)}`);
  const files = readWeightFiles(path, parsed.data);
  const isGraph = parsed.data.format === 'graph-model' || Array.isArray(parsed.data.modelTopology.node);
  const { tf, provider } = await findTensorflow();
  const opened = isGraph ? openGraphModel(json, parsed.data, files, output) : undefined;
  const model = await load(tf, parsed.data, files, isGraph);
  const graph = opened?.graph ?? layersToOnnx(model as tfjs.LayersModel);
  return {
    graph, labels: labelsBeside(path), runtime: `TensorFlow.js ${tf.version.tfjs} (${provider})`,
    run: (rows, shape) => Promise.resolve(tf.tidy(() => {
      const input = tf.tensor(rows, [...shape]);
      const result = isGraph ? (model as tfjs.GraphModel).execute(input, opened?.node) : (model as tfjs.LayersModel).predict(input);
      const [first] = Array.isArray(result) ? result : [result];
      return (first as tfjs.Tensor).dataSync<'float32'>().slice();
    })),
    close: () => Promise.resolve(model.dispose()).then(() => undefined),
  };
}

function readWeightFiles(path: string, { weightsManifest: groups }: ModelJson): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for (const name of groups.flatMap(({ paths }) => paths)) {
    const bytes = readBeside(path, name);
    total += bytes.length;
    if (total > MAX_IMPORT_BYTES) throw new CopresenceError('MODEL_INVALID', `the weights of ${path} are more than ${MAX_IMPORT_BYTES} bytes`);
    files.set(name, bytes);
  }
  return files;
}

function openGraphModel(json: Uint8Array, model: ModelJson, files: ReadonlyMap<string, Uint8Array>, wanted: string | undefined): { graph: Uint8Array; node: string } {
  const parsed = parseGraphModel(json, (name) => files.get(name)!);
  const signed = model.signature ?? model.userDefinedMetadata?.signature;
  const inputs = Object.values(signed?.inputs ?? {});
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) throw new CopresenceError('GRAPH_UNSUPPORTED', `the graph's signature has ${inputs.length} inputs; one is taken`);
  const sizes = (input.tensorShape?.dim ?? []).slice(1).map(({ size }) => size);
  if (sizes.length === 0 || sizes.some((size) => size <= 0)) throw new CopresenceError('SHAPE_MISMATCH', `the input ${input.name} has the sizes [${sizes.join(', ')}]; all must be known`);
  const outputs = Object.entries(signed?.outputs ?? {});
  const names = outputs.map(([name]) => name).join(', ');
  if (wanted === undefined && outputs.length !== 1) throw new CopresenceError('CONFIG_INVALID', `the graph has the outputs ${names || 'none'}: give one by --output`);
  const node = withoutPort(outputs.find(([name]) => wanted === undefined || name === wanted)?.[1].name ?? wanted ?? '');
  if (!parsed.nodes.has(node)) throw new CopresenceError('CONFIG_INVALID', `the graph has no output ${wanted ?? node}; there are ${names}`);
  return { graph: convertGraph(parsed, { name: 'imported', input: { node: withoutPort(input.name), sizes }, outputs: { output: node } }), node };
}

function withoutPort(name: string): string {
  return name.replace(/:\d+$/, '');
}

/** The weights are decoded here too, since TensorFlow.js reads past the end of a file that is cut off. */
async function load(tf: typeof tfjs, model: ModelJson, files: ReadonlyMap<string, Uint8Array>, isGraph: boolean): Promise<tfjs.GraphModel | tfjs.LayersModel> {
  const parts = model.weightsManifest.map(({ paths, weights }) => {
    const bytes = Buffer.concat(paths.map((name) => files.get(name)!));
    decodeWeights(weights, bytes);
    return bytes;
  });
  const handler: tfjs.io.IOHandler = {
    load: () => Promise.resolve({
      modelTopology: model.modelTopology, weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights) as tfjs.io.WeightsManifestEntry[],
      weightData: new Uint8Array(Buffer.concat(parts)).buffer, ...(model.signature === undefined ? {} : { signature: model.signature as object }),
    }),
  };
  try {
    return isGraph ? await tf.loadGraphModel(handler) : await tf.loadLayersModel(handler);
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `TensorFlow.js cannot load the model: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function labelsBeside(path: string): readonly string[] | undefined {
  const metadata = join(dirname(path), 'metadata.json');
  if (!existsSync(metadata)) return undefined;
  const parsed = metadataJson.safeParse(parseJson(readSource(metadata), metadata));
  return parsed.success ? parsed.data.labels : undefined;
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `${path} is no JSON, or cut off`, { cause });
  }
}
