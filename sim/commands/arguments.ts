/** What the commands for recordings share: reading their arguments, and writing a file that was not there. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import { zstdCompressor, type ChunkCompressor } from '../../recording/compression.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { createFile } from '../../recording/sink.ts';

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;
export type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/**
 * Reads options and the places that come without a name.
 *
 * @param places - what each is, for the message when it is missing. No others may come.
 * @throws CopresenceError CONFIG_INVALID that names the option or the place.
 */
export function readArguments(args: readonly string[], options: Options, places: readonly string[]): { values: Values; paths: string[] } {
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true }) as typeof parsed;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
  const { values, positionals } = parsed;
  const missing = places[positionals.length];
  if (missing !== undefined) throw new CopresenceError('CONFIG_INVALID', `${missing} is missing`);
  if (positionals.length > places.length) throw new CopresenceError('CONFIG_INVALID', `"${positionals[places.length]}" is one too many`);
  return { values, paths: positionals };
}

export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number in a range. @throws CopresenceError CONFIG_INVALID. */
export function numberOf(values: Values, name: string, range: { least: number; most: number }): number | undefined {
  const text = textOf(values, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= range.least && value <= range.most)) throw new CopresenceError('CONFIG_INVALID', `--${name} is not a number from ${range.least} to ${range.most}`);
  return value;
}

/** One of some words. @throws CopresenceError CONFIG_INVALID. */
export function wordOf<Word extends string>(values: Values, name: string, words: readonly Word[]): Word | undefined {
  const text = textOf(values, name);
  const word = words.find((candidate) => candidate === text);
  if (text !== undefined && word === undefined) throw new CopresenceError('CONFIG_INVALID', `--${name} is not one of ${words.join(', ')}`);
  return word;
}

/** `--compress zstd`. */
export async function compressorOf(values: Values): Promise<ChunkCompressor | undefined> {
  return wordOf(values, 'compress', ['zstd']) === undefined ? undefined : zstdCompressor();
}

/** Opens a file to write. @throws CopresenceError RECORDING_FAILED when it is there already and `--force` is not said. */
export async function outputFile(path: string, values: Values): Promise<RecordingWritable> {
  if (values['force'] === true) await rm(path, { force: true });
  else if (existsSync(path)) throw new CopresenceError('RECORDING_FAILED', `${path} is there already: --force writes over it`);
  return createFile(path);
}

export const OUTPUT_OPTIONS = { compress: { type: 'string' }, force: { type: 'boolean', default: false } } as const;
export const OUTPUT_HELP = `  --compress zstd      compress the chunks of an MCAP file
  --force              write over a file that is there`;
