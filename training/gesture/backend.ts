/** Starts TensorFlow.js on its WebAssembly backend. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

/** TensorFlow.js, ready to run. The first call loads the backend; the same numbers come out on every machine. */
export async function startTensorFlow(): Promise<typeof tf> {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(dirname(entry) + sep);
  await tf.setBackend('wasm');
  await tf.ready();
  return tf;
}
