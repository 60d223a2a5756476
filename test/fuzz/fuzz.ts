/** Runs decoders on changed inputs and says which one broke what it promises. */
import { seededRandom } from '../../core/random.ts';
import { mutate } from './mutate.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Good inputs to start from; at least one. */
  readonly corpus: readonly Uint8Array[];
  /** Throws when the decoder breaks a promise on these bytes, and lets through what the decoder throws. */
  readonly check: (bytes: Uint8Array) => void;
}

export interface FuzzFailure {
  readonly hex: string;
  readonly cause: string;
}

export interface FuzzRun {
  readonly executions: number;
  readonly failure?: FuzzFailure;
}

/**
 * Runs one target until `goOn` says no or something breaks. The same seed gives the same inputs.
 *
 * @param goOn - asked before each input with the number of executions so far.
 */
export function fuzz(target: FuzzTarget, seed: number, goOn: (executions: number) => boolean): FuzzRun {
  const random = seededRandom(seed);
  const prototypeKeys = Reflect.ownKeys(Object.prototype).length;
  let executions = 0;
  for (; goOn(executions); executions++) {
    const bytes = mutate(random, target.corpus);
    const cause = problemOf(target, bytes, prototypeKeys);
    if (cause !== undefined) return { executions: executions + 1, failure: { hex: Buffer.from(bytes).toString('hex'), cause } };
  }
  return { executions };
}

function problemOf(target: FuzzTarget, bytes: Uint8Array, prototypeKeys: number): string | undefined {
  const before = Uint8Array.from(bytes);
  try {
    target.check(bytes);
  } catch (error) {
    return String(error);
  }
  if (Buffer.compare(before, bytes) !== 0) return 'the input was written to';
  if (Reflect.ownKeys(Object.prototype).length !== prototypeKeys) return 'Object.prototype was changed';
  return undefined;
}
