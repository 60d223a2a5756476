/** Finds a TensorFlow.js on this machine: all of its packages are optional. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import type * as tfjsWasm from '@tensorflow/tfjs-backend-wasm';
import { CopresenceError } from '../core/errors.ts';

export type Tensorflow = typeof tfjs;

export interface FoundTensorflow {
  readonly tf: Tensorflow;
  /** `tfjs-node-gpu`, `tfjs-node`, `tfjs-wasm` or `tfjs-cpu`. */
  readonly provider: string;
  /** Those before it in this order, which are not installed or do not start. */
  readonly refused: readonly string[];
}

const NATIVE = ['tfjs-node-gpu', 'tfjs-node'] as const;
/** Those for which every engine adds listeners that would hide what goes wrong elsewhere in the process. */
const GLOBAL_EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

let found: Promise<FoundTensorflow> | undefined;

/**
 * The fastest TensorFlow.js that starts; the first call loads it, and later ones get the same.
 *
 * @throws CopresenceError MODEL_INVALID when none is installed.
 */
export function findTensorflow(): Promise<FoundTensorflow> {
  found ??= withoutGlobalListeners(find);
  return found;
}

async function find(): Promise<FoundTensorflow> {
  const refused: string[] = [];
  for (const provider of NATIVE) {
    const tf = await importOptional<Tensorflow>(`@tensorflow/${provider}`);
    if (tf !== undefined) return { tf, provider, refused };
    refused.push(provider);
  }
  const tf = await importOptional<Tensorflow>('@tensorflow/tfjs');
  if (tf === undefined) throw new CopresenceError('MODEL_INVALID', `none of @tensorflow/${[...NATIVE, 'tfjs'].join(', @tensorflow/')} is installed`);
  tf.enableProdMode();
  if (await startWasm(tf)) return { tf, provider: 'tfjs-wasm', refused };
  await tf.setBackend('cpu');
  return { tf, provider: 'tfjs-cpu', refused: [...refused, 'tfjs-wasm'] };
}

/** Needs TensorFlow.js itself first: it registers there. */
async function startWasm(tf: Tensorflow): Promise<boolean> {
  const name = '@tensorflow/tfjs-backend-wasm';
  const wasm = await importOptional<typeof tfjsWasm>(name);
  if (wasm === undefined) return false;
  wasm.setWasmPaths(dirname(createRequire(import.meta.url).resolve(name)) + sep);
  return tf.setBackend('wasm').catch(() => false);
}

/** A package whose native part does not load is as good as none. */
async function importOptional<Module>(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch {
    return undefined;
  }
}

/** WebAssembly from Emscripten takes over uncaught errors of the whole process; whoever embeds it has the say there. */
async function withoutGlobalListeners<Result>(start: () => Promise<Result>): Promise<Result> {
  const listeners = (event: string): readonly ((...args: never[]) => void)[] => process.listeners(event as 'exit') as never;
  const before = GLOBAL_EVENTS.map(listeners);
  try {
    return await start();
  } finally {
    GLOBAL_EVENTS.forEach((event, index) => {
      for (const listener of listeners(event)) if (!before[index]?.includes(listener)) process.removeListener(event, listener as never);
    });
  }
}
