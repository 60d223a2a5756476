/** Text files as lines and records, out of their bytes: a string of a whole large file is more than Node can hold. */
import { CopresenceError } from '../../core/errors.ts';
import { parseCsv } from '../language/csv.ts';
import type { CsvRecord } from '../language/csv.ts';

/** Of a line of JSON, or of a record of CSV with all its quoted line breaks; a longer one is refused. */
export const MAX_LINE_BYTES = 16 * 1024 ** 2;

const [LINE_FEED, RETURN, QUOTE, COMMA] = [0x0a, 0x0d, 0x22, 0x2c];
/** What editors on Windows put before UTF-8. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export interface TextLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * Lines that are not blank.
 *
 * @throws CopresenceError DATASET_INVALID with the line that is not UTF-8, or longer than MAX_LINE_BYTES.
 */
export function* linesOf(bytes: Uint8Array, file: string): Generator<TextLine> {
  let line = 1;
  for (let start = textStart(bytes); start < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found;
    const text = decode(bytes, { start, end, file, line });
    if (text.trim() !== '') yield { line, text };
    start = end + 1;
  }
}

/**
 * The records of a CSV file (RFC 4180) that are no blank lines.
 *
 * @throws CopresenceError DATASET_INVALID with the line: as `linesOf`, for a quoted field that does not end, and for text behind one.
 */
export function* csvRecords(bytes: Uint8Array, file: string): Generator<CsvRecord> {
  let line = 1;
  for (let start = textStart(bytes); start < bytes.length; ) {
    const { end, next, breaks } = recordEnd(bytes, start, `${file}:${line}`);
    const [record] = end === start ? [] : parseCsv(decode(bytes, { start, end, file, line }), file);
    if (record !== undefined) yield { line, fields: record.fields };
    line += breaks + 1;
    start = next;
  }
}

/** @returns where the record ends, where the next begins, and how many line breaks are inside of it. */
function recordEnd(bytes: Uint8Array, start: number, where: string): { end: number; next: number; breaks: number } {
  let state: 'field' | 'plain' | 'quoted' | 'closed' = 'field';
  let breaks = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (state === 'quoted') {
      if (byte === QUOTE) state = 'closed';
      else if (byte === LINE_FEED) breaks++;
    } else if (byte === LINE_FEED || byte === RETURN) {
      return { end: at, next: byte === RETURN && bytes[at + 1] === LINE_FEED ? at + 2 : at + 1, breaks };
    } else if (byte === COMMA) state = 'field';
    else if (byte === QUOTE && state !== 'plain') state = 'quoted';
    else if (state === 'closed') throw invalid(`${where}: text behind the end of a quoted field`);
    else state = 'plain';
  }
  if (state === 'quoted') throw invalid(`${where}: a quoted field does not end`);
  return { end: bytes.length, next: bytes.length, breaks };
}

function textStart(bytes: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte) ? BYTE_ORDER_MARK.length : 0;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, { start, end, file, line }: { start: number; end: number; file: string; line: number }): string {
  if (end - start > MAX_LINE_BYTES) throw invalid(`${file}:${line}: a line of ${end - start} bytes, of ${MAX_LINE_BYTES} at most`);
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new CopresenceError('DATASET_INVALID', `${file}:${line}: not UTF-8`, { cause });
  }
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('DATASET_INVALID', detail);
}
