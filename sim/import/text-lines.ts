/** A text file line by line, without ever holding more than one. */
import { createReadStream } from 'node:fs';
import { CopresenceError } from '../../core/errors.ts';

export interface Line {
  /** Counts from 1. */
  readonly number: number;
  /** Without its end. */
  readonly text: string;
}

/** Longer than any line of a format that has lines. */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/**
 * All lines, the byte order mark and carriage returns taken off.
 *
 * @throws CopresenceError RECORDING_INVALID when the file cannot be read, or a line has no end.
 */
export async function* readLines(path: string): AsyncGenerator<Line, void, void> {
  const stream = createReadStream(path, { encoding: 'utf8' });
  let rest = '';
  let number = 0;
  try {
    for await (const block of stream as AsyncIterable<string>) {
      const lines = (rest + block).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARACTERS) throw lineProblem(path, number + 1, `has more than ${MAX_LINE_CHARACTERS} characters`);
      for (const line of lines) yield { number: ++number, text: clean(line, number) };
    }
    if (rest !== '') yield { number: ++number, text: clean(rest, number) };
  } catch (error) {
    if (error instanceof CopresenceError) throw error;
    throw new CopresenceError('RECORDING_INVALID', `cannot read ${path}: ${String(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

function clean(line: string, number: number): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return number === 1 ? text.replace(/^\uFEFF/, '') : text;
}

/** @returns RECORDING_INVALID with the file and the line. */
export function lineProblem(path: string, number: number, problem: string): CopresenceError {
  return new CopresenceError('RECORDING_INVALID', `${path}: line ${number} ${problem}`);
}
