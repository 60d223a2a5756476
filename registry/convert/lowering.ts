/** Walks a TensorFlow.js graph from its outputs back and writes each operation that they need as ONNX, once. */
import { assert } from '../../core/assert.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import { transpose } from './geometry.ts';
import { inputsOf, unsupported } from './graph-model.ts';
import type { GraphModel, GraphNode } from './graph-model.ts';
import type { Weight } from './weights.ts';

/**
 * A value while it is being lowered.
 *
 * TensorFlow.js keeps channels last, ONNX convolutions want them first. A value knows the name of each form that
 * exists so far; the other is made when somebody asks, so a chain of convolutions never turns back and forth.
 */
export interface Value {
  /** Sizes of one item in TensorFlow's order, the batch left out: [height, width, channels] for a picture. */
  readonly sizes: readonly number[];
  /** The ONNX value in TensorFlow's order. */
  last?: string;
  /** The ONNX value with channels first; pictures only. */
  first?: string;
}

export type Layout = 'first' | 'last';

/** Writes one operation as ONNX. */
export type OpConverter = (node: GraphNode, lowering: Lowering) => Value;

/** A converter for each TensorFlow operation that can be converted. */
export type OpTable = Readonly<Record<string, OpConverter>>;

export class Lowering {
  readonly graph: GraphBuilder;
  readonly #model: GraphModel;
  readonly #ops: OpTable;
  readonly #values = new Map<string, Value>();

  constructor(model: GraphModel, graph: GraphBuilder, ops: OpTable) {
    this.#model = model;
    this.graph = graph;
    this.#ops = ops;
  }

  /** Lets `value` stand for what the node called `nodeName` would have made; nothing before it is converted. */
  feed(nodeName: string, value: Value): void {
    this.#values.set(nodeName, value);
  }

  /**
   * The lowered value of a node, converting it and all that it needs on the first call.
   *
   * @throws CopresenceError GRAPH_UNSUPPORTED for an operation that has no converter.
   */
  value(nodeName: string): Value {
    const known = this.#values.get(nodeName);
    if (known !== undefined) return known;
    const node = this.#model.nodes.get(nodeName);
    if (node === undefined) throw new CopresenceError('GRAPH_UNSUPPORTED', `no operation makes '${nodeName}'`);
    const convert = this.#ops[node.op];
    if (convert === undefined) unsupported(node, 'no converter for this operation');
    const made = convert(node, this);
    this.#values.set(nodeName, made);
    return made;
  }

  /** The constant of that name, if it is one. */
  weight(name: string): Weight | undefined {
    return this.#model.weights.get(name);
  }

  /** The node's input at `index`, as a value. */
  input(node: GraphNode, index: number): Value {
    return this.value(inputsOf(node)[index] ?? unsupported(node, `input ${index} is missing`));
  }

  /** The node's input at `index`, which has to be a constant. */
  constantInput(node: GraphNode, index: number): Weight {
    const name = inputsOf(node)[index];
    const weight = name === undefined ? undefined : this.weight(name);
    return weight ?? unsupported(node, `input ${index} is not a constant`);
  }

  /** The ONNX name of a value in TensorFlow's order. */
  last(value: Value): string {
    if (value.last === undefined) {
      assert(value.first !== undefined, 'a value has neither form');
      value.last = this.graph.op('Transpose', [value.first], { perm: [0, 2, 3, 1] });
    }
    return value.last;
  }

  /** The ONNX name of a picture with channels first. */
  first(value: Value): string {
    if (value.first === undefined) {
      assert(value.last !== undefined && value.sizes.length === 3, 'only pictures have channels');
      value.first = this.graph.op('Transpose', [value.last], { perm: [0, 3, 1, 2] });
    }
    return value.first;
  }

  /** A float32 constant in a layout that broadcasts against values of that layout. */
  operand(node: GraphNode, weight: Weight, layout: Layout): string {
    const { shape, values } = weight;
    if (!(values instanceof Float32Array)) unsupported(node, `constant '${weight.name}' is not float32`);
    if (layout === 'last' || shape.length === 0) return this.graph.constant('float32', shape, values);
    if (shape.length === 1) return this.graph.constant('float32', [1, values.length, 1, 1], values);
    if (shape.length !== 4) unsupported(node, `constant '${weight.name}' has ${shape.length} dimensions`);
    const [batch = 1, height = 1, width = 1, channels = 1] = shape;
    return this.graph.constant('float32', [batch, channels, height, width], transpose(values, shape, [0, 3, 1, 2]));
  }
}
