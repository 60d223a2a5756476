/** Writes ONNX graphs: inputs, constants, operations and outputs by name, encoded as a `model.onnx`. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { assert } from '../../core/assert.ts';

const { ModelProto } = onnxProto.onnx;

/** The element types of ONNX's TensorProto.DataType that this project uses. */
const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** The array that holds a constant: float16 as its bit patterns, bool as 0 or 1. */
export interface ElementArrays {
  float32: Float32Array;
  float16: Uint16Array;
  uint8: Uint8Array;
  int8: Int8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}

const ML_DOMAIN = 'ai.onnx.ml';
/** Its version that ONNX Runtime 1.5 and later run. */
const ML_OPSET = 2;

/** A size, or the name of a symbolic dimension (`N` is the batch). */
export type Dimension = number | string;

/**
 * The value of an operator's attribute.
 *
 * A bare number is an int and a bare list is ints: JavaScript cannot tell 1 from 1.0, so a float is always written as
 * `{ float: 1 }` or `{ floats: [1, 0.5] }`. A bare string is a string.
 */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] };

export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Builds one graph. Values are named by strings: every method that makes a value returns its name, and the
 * operations take names. An operation must come after the values that it reads, which keeps the graph sorted as
 * ONNX requires. Misuse (an unknown input, a name made twice, a size that does not fit) throws as a bug.
 *
 * ```ts
 * const graph = new GraphBuilder({ name: 'double' });
 * const x = graph.input('x', 'float32', ['N', 3]);
 * graph.op('Mul', [x, graph.scalar(2)], {}, 'y');
 * graph.output('y', 'float32', ['N', 3]);
 * const bytes = graph.toBytes();
 * ```
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #opset: number;
  readonly #values = new Set<string>();
  readonly #shared = new Map<string, string>();
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #constants: onnx.ITensorProto[] = [];
  readonly #inputs: onnx.IValueInfoProto[] = [];
  readonly #outputs: onnx.IValueInfoProto[] = [];

  /** @param options.opset - version of the standard operators; 17 by default, which onnxruntime 1.12 and later run. */
  constructor(options: { name: string; opset?: number }) {
    this.#name = options.name;
    this.#opset = options.opset ?? 17;
  }

  /** Declares a graph input and returns its name. */
  input(name: string, dtype: ElementType, dims: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, dtype, dims));
    return this.#declare(name);
  }

  /** Declares that the value called `name`, made by an operation, is a graph output. */
  output(name: string, dtype: ElementType, dims: readonly Dimension[]): void {
    assert(this.#values.has(name), `${this.#name}: output ${name} is made by no operation`);
    this.#outputs.push(valueInfo(name, dtype, dims));
  }

  /**
   * Adds weights and returns their name.
   *
   * @param dims - sizes in row-major order; `[]` is a scalar.
   * @param values - as many as the product of `dims`. Copied.
   */
  constant<T extends ElementType>(dtype: T, dims: readonly number[], values: ElementArrays[T], name?: string): string {
    const count = dims.reduce((product, size) => product * size, 1);
    assert(values.length === count, `${this.#name}: ${values.length} values for a constant of [${dims.join(', ')}]`);
    const made = this.#declare(name ?? this.#unique('constant'));
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    this.#constants.push({ name: made, dataType: ELEMENT_TYPES[dtype], dims: [...dims], rawData });
    return made;
  }

  /** A one-dimensional int64 constant (shapes, axes, pads); equal lists share one. */
  ints(values: readonly number[]): string {
    return this.#share(`ints ${values.join()}`, () =>
      this.constant('int64', [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  /** A float32 scalar constant; equal values share one. */
  scalar(value: number): string {
    return this.#share(`scalar ${value}`, () => this.constant('float32', [], Float32Array.of(value)));
  }

  /**
   * Adds an operation with one output and returns the output's name.
   *
   * @param inputs - names of values; `''` leaves an optional input out.
   * @param outputName - chosen by the builder when left out.
   */
  op(opType: string, inputs: readonly string[], attributes: Attributes = {}, outputName?: string): string {
    const output = outputName ?? this.#unique(opType);
    this.#add(opType, inputs, attributes, [output]);
    return output;
  }

  /** The same for an operation of `ai.onnx.ml`, which holds trees; runtimes run those on the CPU. */
  mlOp(opType: string, inputs: readonly string[], attributes: Attributes, outputName?: string): string {
    const output = outputName ?? this.#unique(opType);
    this.#add(opType, inputs, attributes, [output], ML_DOMAIN);
    return output;
  }

  /** Adds an operation with `outputCount` outputs and returns their names in order. */
  ops(opType: string, inputs: readonly string[], attributes: Attributes, outputCount: number): string[] {
    const outputs = Array.from({ length: outputCount }, (_, index) => `${this.#unique(opType)}_${index}`);
    this.#add(opType, inputs, attributes, outputs);
    return outputs;
  }

  /** The encoded model. The caller owns it; the builder may be used further. */
  toBytes(): Uint8Array {
    assert(this.#outputs.length > 0, `${this.#name}: a graph needs an output`);
    return ModelProto.encode({
      irVersion: 8,
      producerName: 'copresence',
      opsetImport: [{ domain: '', version: this.#opset }, ...(this.#usesMl() ? [{ domain: ML_DOMAIN, version: ML_OPSET }] : [])],
      graph: {
        name: this.#name,
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    }).finish();
  }

  #usesMl(): boolean {
    return this.#nodes.some(({ domain }) => domain === ML_DOMAIN);
  }

  #add(opType: string, inputs: readonly string[], attributes: Attributes, outputs: readonly string[], domain = ''): void {
    for (const input of inputs) {
      assert(input === '' || this.#values.has(input), `${this.#name}: ${opType} reads ${input}, which nothing has made`);
    }
    for (const output of outputs) this.#declare(output);
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    // An empty domain that is said makes other bytes than one that is left out, and digests are kept of them.
    this.#nodes.push({ opType, name: `node_${this.#nodes.length}`, input: [...inputs], output: [...outputs], attribute, ...(domain === '' ? {} : { domain }) });
  }

  #declare(name: string): string {
    assert(name !== '' && !this.#values.has(name), `${this.#name}: the name '${name}' is empty or made twice`);
    this.#values.add(name);
    return name;
  }

  #unique(prefix: string): string {
    return `${prefix.toLowerCase()}_${this.#nodes.length}_${this.#values.size}`;
  }

  #share(key: string, make: () => string): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#shared.set(key, made);
    return made;
  }
}

function valueInfo(name: string, dtype: ElementType, dims: readonly Dimension[]): onnx.IValueInfoProto {
  const dim = dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[dtype], shape: { dim } } } };
}

/** The numbers are ONNX's AttributeProto.AttributeType. */
function attributeProto(name: string, value: Attribute): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: integers(name, [value])[0] as number };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('floats' in value) return { name, type: 6, floats: [...value.floats] };
  if ('strings' in value) return { name, type: 8, strings: value.strings.map((text) => Buffer.from(text)) };
  return { name, type: 7, ints: integers(name, value) };
}

function integers(name: string, values: readonly number[]): number[] {
  for (const value of values) assert(Number.isSafeInteger(value), `attribute ${name} is ${value}; write floats as { float }`);
  return [...values];
}
