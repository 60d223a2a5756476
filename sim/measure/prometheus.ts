/** Reads the Prometheus text format (version 0.0.4), as far as counters and gauges need it. */
import { CopresenceError } from '../../core/errors.ts';

/** One line: a name, its labels and a value. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** @throws CopresenceError RECORDING_INVALID with the number of the line that is none. */
export function parsePrometheus(text: string): MetricSample[] {
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    return trimmed === '' || trimmed.startsWith('#') ? [] : [parseLine(trimmed, index + 1)];
  });
}

function parseLine(line: string, number: number): MetricSample {
  const match = LINE.exec(line);
  const value = parseValue(match?.[3] ?? '');
  if (match?.[1] === undefined || value === undefined) throw new CopresenceError('RECORDING_INVALID', `line ${number} of the metrics is no sample`);
  return { name: match[1], labels: parseLabels(match[2] ?? '', number), value };
}

function parseValue(text: string): number | undefined {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}

function parseLabels(text: string, number: number): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match?.[1] === undefined) throw new CopresenceError('RECORDING_INVALID', `line ${number} of the metrics has malformed labels`);
    labels[match[1]] = (match[2] ?? '').replace(/\\[\\"n]/g, (escaped) => ESCAPES[escaped] ?? escaped);
  }
  return labels;
}

/** What a metric counted, by two of its labels: `table.row.column`. */
export type CountTable = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Sums a metric's samples by two labels; samples without them are left out. */
export function tabulate(samples: readonly MetricSample[], name: string, row: string, column: string): CountTable {
  const table: Record<string, Record<string, number>> = {};
  for (const sample of samples) {
    const [rowName, columnName] = [sample.labels[row], sample.labels[column]];
    if (sample.name !== name || rowName === undefined || columnName === undefined) continue;
    const cells = (table[rowName] ??= {});
    cells[columnName] = (cells[columnName] ?? 0) + sample.value;
  }
  return table;
}

/** What was counted between two readings. */
export function subtractTables(after: CountTable, before: CountTable): CountTable {
  return Object.fromEntries(Object.entries(after).map(([row, cells]) => [
    row, Object.fromEntries(Object.entries(cells).map(([column, value]) => [column, value - (before[row]?.[column] ?? 0)])),
  ]));
}
