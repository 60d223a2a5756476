/** Formats of files that outlive a program: `copresence.run.v2`, a name and a number that only grows. */
import { CopresenceError } from '../core/errors.ts';

/**
 * The number of a value's format.
 *
 * @param field - where it stands in the value.
 * @param current - the highest number that this program knows.
 * @returns undefined when the field holds no format of this name; whoever reads then says what is wrong.
 * @throws CopresenceError FORMAT_NEWER for a number above `current`: what such a file means is not to be guessed.
 */
export function formatNumber(value: unknown, { name, field, current, where }: { name: string; field: string; current: number; where: string }): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text: unknown = (value as Record<string, unknown>)[field];
  const match = typeof text === 'string' ? /^(.+)\.v([1-9][0-9]{0,5})$/.exec(text) : null;
  if (match === null || match[1] !== name) return undefined;
  const number = Number(match[2]);
  if (number > current) throw new CopresenceError('FORMAT_NEWER', `${where} has the format ${name}.v${number}; this program knows it up to v${current}`);
  return number;
}
