/** Between the tensors of a call and the rows that models are given: checks, cuts and joins. */
import { CopresenceError } from '../../core/errors.ts';
import { DATATYPES, ELEMENT_BYTES, encodeValues, firstNotFinite } from '../../protocol/oip/datatypes.ts';
import type { AnswerTensor, WireTensor } from '../../protocol/oip/infer.ts';
import { OIP_LIMITS } from '../../protocol/oip/limits.ts';
import type { TensorSpec } from '../../registry/manifest.ts';
import { MAX_SYMBOLIC_SIZE } from '../model/task/adapter.ts';

/** A call's inputs, one payload a row. */
export interface CallRows {
  /** Each the row of every input in the manifest's order, little-endian; views of what the caller sent where they can be. */
  readonly payloads: readonly Uint8Array[];
  /** What symbolic dimensions besides the batch are; 1 where there are none. */
  readonly symbolicSize: number;
}

/**
 * Checks a call's inputs against what the model takes, and cuts them into rows.
 *
 * @throws CopresenceError TENSOR_INVALID, saying what was expected: a missing, unknown or repeated input, another type,
 * shape or length, more rows than OIP_LIMITS.rows, a number that is not finite.
 */
export function readRows(specs: readonly TensorSpec[], tensors: readonly WireTensor[]): CallRows {
  checkNames(specs, tensors.map(({ name }) => name));
  const inputs = specs.map((spec) => ({ spec, tensor: tensors.find(({ name }) => name === spec.name) })).flatMap(({ spec, tensor }) => (tensor === undefined ? [] : [{ spec, tensor }]));
  const sizes = { rows: 0, symbolic: 0 };
  for (const { spec, tensor } of inputs) checkShape(spec, tensor, sizes);
  const bytes = inputs.map(({ spec, tensor }) => contentOf(spec, tensor));
  return { payloads: Array.from({ length: sizes.rows }, (_, row) => rowOf(bytes, row, sizes.rows)), symbolicSize: Math.max(1, sizes.symbolic) };
}

/** The specs of the wanted outputs. @throws CopresenceError TENSOR_INVALID for a name that the model does not have, or twice. */
export function wantedOutputs(specs: readonly TensorSpec[], names: readonly string[]): readonly TensorSpec[] {
  if (names.length === 0) return specs;
  if (new Set(names).size < names.length) throw invalid('an output is wanted twice');
  return names.map((name) => {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw invalid(`no output ${quote(name)}; there is ${specs.map(({ name: known }) => known).join(', ')}`);
    return spec;
  });
}

/**
 * Joins rows into the wanted outputs.
 *
 * @param rows - each the row of every output in the manifest's order.
 * @throws CopresenceError MODEL_FAILED when a row has another length than the manifest says.
 */
export function joinRows(specs: readonly TensorSpec[], wanted: readonly TensorSpec[], rows: readonly Uint8Array[], symbolicSize: number): AnswerTensor[] {
  const lengths = specs.map((spec) => rowBytes(spec, symbolicSize));
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  if (rows.some((row) => row.length !== whole)) throw new CopresenceError('MODEL_FAILED', 'the outputs are not those of the manifest');
  return wanted.map((spec) => {
    const at = specs.indexOf(spec);
    const from = lengths.slice(0, at).reduce((sum, length) => sum + length, 0);
    const length = lengths[at] ?? 0;
    const bytes = new Uint8Array(rows.length * length);
    rows.forEach((row, index) => bytes.set(row.subarray(from, from + length), index * length));
    return { name: spec.name, datatype: DATATYPES[spec.dtype], shape: [rows.length, ...rowShape(spec, symbolicSize)], bytes };
  });
}

function checkNames(specs: readonly TensorSpec[], names: readonly string[]): void {
  const expected = specs.map(describe).join(', ');
  const known = new Set(specs.map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw invalid(`no input ${quote(unknown)}; expected ${expected}`);
  if (new Set(names).size < names.length) throw invalid(`an input came twice; expected ${expected}`);
  if (names.length < specs.length) throw invalid(`an input is missing; expected ${expected}`);
}

/** Takes the sizes of the dimensions that are not fixed from the first tensor that has them; the others must agree. */
function checkShape(spec: TensorSpec, tensor: WireTensor, sizes: { rows: number; symbolic: number }): void {
  const { datatype, shape } = tensor;
  const [rows = 0, ...row] = shape;
  const symbolic = row.find((_, axis) => typeof spec.shape[axis + 1] === 'string');
  sizes.rows ||= rows;
  sizes.symbolic ||= symbolic ?? 0;
  const expected = rowShape(spec, sizes.symbolic);
  const fits = datatype === DATATYPES[spec.dtype] && rows === sizes.rows && row.length === expected.length && expected.every((size, axis) => size === row[axis]);
  if (!fits) throw invalid(`${spec.name} is ${quote(datatype)} [${shape.join(', ')}]; expected ${describe(spec)}`);
  if (rows < 1 || rows > OIP_LIMITS.rows) throw invalid(`${rows} rows; 1 to ${OIP_LIMITS.rows} are possible`);
  if (symbolic !== undefined && (symbolic < 1 || symbolic > MAX_SYMBOLIC_SIZE)) throw invalid(`${spec.name}: 1 to ${MAX_SYMBOLIC_SIZE} are possible where the size is not fixed`);
}

/** @returns the whole tensor's bytes. */
function contentOf(spec: TensorSpec, { content, shape }: WireTensor): Uint8Array {
  const datatype = DATATYPES[spec.dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  // Before any memory is set aside for what the shape says: numbers take at least two bytes in JSON, one in gRPC.
  if (count * ELEMENT_BYTES[datatype] > OIP_LIMITS.bodyBytes) throw invalid(`${spec.name} has more than ${OIP_LIMITS.bodyBytes} bytes`);
  try {
    const bytes = content.kind === 'raw' ? content.bytes : encodeValues(content.values, datatype, count);
    if (bytes.length !== count * ELEMENT_BYTES[datatype]) throw invalid(`${bytes.length} bytes instead of the ${count * ELEMENT_BYTES[datatype]} of its shape`);
    const bad = firstNotFinite(bytes, datatype);
    if (bad >= 0) throw invalid(`number ${bad} is not finite`);
    return bytes;
  } catch (error) {
    if (error instanceof CopresenceError) throw invalid(`${spec.name}: ${error.message.replace(/^TENSOR_INVALID: /, '')}`);
    throw error;
  }
}

function rowOf(tensors: readonly Uint8Array[], row: number, rows: number): Uint8Array {
  const parts = tensors.map((bytes) => bytes.subarray((row * bytes.length) / rows, ((row + 1) * bytes.length) / rows));
  const [only, another] = parts;
  return only !== undefined && another === undefined ? only : Buffer.concat(parts);
}

function rowShape(spec: TensorSpec, symbolicSize: number): number[] {
  return spec.shape.slice(1).map((size) => (typeof size === 'number' ? size : symbolicSize));
}

function rowBytes(spec: TensorSpec, symbolicSize: number): number {
  return rowShape(spec, symbolicSize).reduce((product, size) => product * size, ELEMENT_BYTES[DATATYPES[spec.dtype]]);
}

function describe({ name, dtype, shape }: TensorSpec): string {
  return `${name} ${DATATYPES[dtype]} [${shape.map((size) => (typeof size === 'number' ? size : -1)).join(', ')}]`;
}

/** What a stranger wrote, so that it cannot be mistaken for what this says. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('TENSOR_INVALID', detail);
}
