/** Reads comma-separated values (RFC 4180) with the line on which each record starts. */
import { CopresenceError } from '../../core/errors.ts';

export interface CsvRecord {
  /** From 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * @param text - the whole file; quoted fields may hold commas, doubled quotes and line breaks.
 * @throws CopresenceError DATASET_INVALID when a quoted field does not end.
 */
export function parseCsv(text: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let fields: string[] = [];
  let line = 1;
  let at = 0;
  let startLine = 1;
  while (at < text.length) {
    const field = readField(text, at);
    if (field === undefined) throw new CopresenceError('DATASET_INVALID', `${file}:${line}: a quoted field does not end`);
    fields.push(field.value);
    line += countLines(text, at, field.end);
    const next = text[field.end];
    at = field.end + 1;
    if (next === ',') continue;
    if (next === '\r' && text[at] === '\n') at++;
    line++;
    records.push({ line: startLine, fields });
    fields = [];
    startLine = line;
  }
  if (fields.length > 0) records.push({ line: startLine, fields: [...fields, ''] });
  return records;
}

/** The field at `start` and the index of the comma or line break behind it. */
function readField(text: string, start: number): { value: string; end: number } | undefined {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && !',\r\n'.includes(text[end] ?? '')) end++;
    return { value: text.slice(start, end), end };
  }
  let value = '';
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return undefined;
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}

function countLines(text: string, start: number, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
