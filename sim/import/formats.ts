/** The formats of recorded movement: which one a file has, and its importer. */
import { open, readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { importAFrame } from './aframe.ts';
import { importBvh } from './bvh.ts';
import { importHeadTrace } from './head-trace.ts';
import { importedTrack, type Imported } from './imported.ts';
import { importIwer } from './iwer.ts';
import { CSV_HEAD, importPoseCsv } from './pose-csv.ts';

export const INPUT_FORMATS = ['mcap', 'aframe', 'iwer', 'bvh', 'csv'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

const SNIFFED_BYTES = 64 * 1024;
/** JSON is read as a whole; its recorders hold as much in a browser's memory. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;
const BY_EXTENSION: Readonly<Record<string, InputFormat>> = { '.mcap': 'mcap', '.bvh': 'bvh', '.csv': 'csv', '.tsv': 'csv' };

/**
 * The format of a file: by how it begins, else by its name.
 *
 * @throws CopresenceError RECORDING_INVALID when it cannot be read or is of no format that is known.
 */
export async function detectFormat(path: string): Promise<InputFormat> {
  const head = await readHead(path);
  if (head.startsWith('\u0089MCAP')) return 'mcap';
  const text = head.replace(/^(\uFEFF|\u00EF\u00BB\u00BF)/, '').trimStart();
  if (text.startsWith('HIERARCHY')) return 'bvh';
  // iwer's recorder writes its two members in either order, and the schema is short.
  if (text.startsWith('{')) return /^\{\s*"(schema|frames)"/.test(text) ? 'iwer' : 'aframe';
  if (/^[^\n]*[,;\t][^\n]*[,;\t]/.test(text)) return 'csv';
  const byName = BY_EXTENSION[extname(path).toLowerCase()];
  if (byName === undefined) throw new CopresenceError('RECORDING_INVALID', `${path} is of no format that is known (${INPUT_FORMATS.join(', ')}); --from names one`);
  return byName;
}

export interface ImportOptions {
  /** For BVH: metres. */
  readonly unitM?: number | undefined;
}

/** Opens a file of any format but MCAP. @throws CopresenceError RECORDING_INVALID with the place. */
export async function importFile(path: string, format: Exclude<InputFormat, 'mcap'>, { unitM }: ImportOptions = {}): Promise<Imported> {
  const name = basename(path);
  switch (format) {
    case 'aframe':
      return importedTrack(await inFile(path, importAFrame, name));
    case 'iwer':
      return importedTrack(await inFile(path, importIwer, name));
    case 'bvh':
      return importBvh(path, name, { unitM });
    case 'csv':
      return (await readHead(path)).startsWith(CSV_HEAD) ? importPoseCsv(path, name) : importHeadTrace(path, name);
    default:
      return format satisfies never;
  }
}

/** Reads a whole file, and puts its name in front of what is wrong with it. */
async function inFile<Track>(path: string, read: (text: string, name: string) => Track, name: string): Promise<Track> {
  const { size } = await stat(path);
  if (size > MAX_JSON_BYTES) throw new CopresenceError('RECORDING_INVALID', `${path} has ${size} bytes, more than the ${MAX_JSON_BYTES} that JSON is read up to`);
  const text = await readFile(path, 'utf8');
  try {
    return read(text, name);
  } catch (error) {
    if (!(error instanceof CopresenceError)) throw error;
    throw new CopresenceError(error.code, `${path}: ${error.message.slice(error.code.length + 2)}`, { cause: error });
  }
}

/** The first bytes as Latin-1, so that none is lost. */
async function readHead(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new CopresenceError('RECORDING_INVALID', `cannot read ${path}: ${String(error)}`, { cause: error });
  }
}
