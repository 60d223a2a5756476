/** The parameters of a call that mean something here; others are left alone, as the protocol says. */
import { CopresenceError } from '../../core/errors.ts';
import type { InferCall } from './infer.ts';

const MICROSECONDS_PER_MS = 1000;

/**
 * Reads `timeout`, in microseconds as Triton has it (0 for none), and `priority`.
 *
 * @param parameters - numbers, or decimal text as gRPC's 64-bit integers come.
 * @throws CopresenceError MESSAGE_INVALID when one is no whole number from 0.
 */
export function readParameters(parameters: Readonly<Record<string, unknown>>): Pick<InferCall, 'timeoutMs' | 'priority'> {
  const timeoutUs = readCount(parameters, 'timeout');
  return { timeoutMs: timeoutUs === 0 ? undefined : timeoutUs / MICROSECONDS_PER_MS, priority: readCount(parameters, 'priority') };
}

function readCount(parameters: Readonly<Record<string, unknown>>, name: string): number {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : 0;
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw new CopresenceError('MESSAGE_INVALID', `the parameter ${name} is a whole number from 0`);
}
