/**
 * Converts MoveNet single-pose (lightning or thunder) to ONNX with a batch.
 *
 * The convolutions convert operation by operation. The decoder behind them is written for one picture (it gathers by
 * absolute indices), so it is rewritten here as batched operations. It works on a grid of cells over the picture:
 *
 * 1. the person is the cell with the best centre score, weighted towards the middle of the picture;
 * 2. from that cell the regression head says about where each of the 17 joints is;
 * 3. a joint is the cell with the best heatmap score, divided by its distance from there plus a constant;
 * 4. the offset head moves the joint within its cell.
 */
import { CopresenceError } from '../../core/errors.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { GraphModel } from './graph-model.ts';
import { Lowering } from './lowering.ts';
import { PICTURE_OPS } from './picture-ops.ts';
import { PLAIN_OPS } from './plain-ops.ts';

const JOINTS = 17;
const SCOPE = 'StatefulPartitionedCall/';

/** The graph's four heads, by what they hold for each cell. */
const HEADS = {
  /** [cells, cells, 1]: how likely a person's centre is here. */
  centre: `${SCOPE}center_0/conv2d_4/BiasAdd`,
  /** [cells, cells, 17]: how likely each joint is here. */
  heatmap: `${SCOPE}kpt_heatmap_0/conv2d_5/BiasAdd`,
  /** [cells, cells, 34]: y and x of each joint relative to a person centred here, in cells. */
  regression: `${SCOPE}kpt_regress_0/conv2d_6/BiasAdd`,
  /** [cells, cells, 34]: y and x of each joint within this cell, in cells. */
  offset: `${SCOPE}kpt_offset_0/conv2d_7/BiasAdd`,
} as const;

const CONSTANTS = {
  /** [cells, cells, 1]: how near each cell is to the middle. */
  centreWeight: `ConstantFolding/${SCOPE}truediv_2_recip`,
  /** [cells, cells, 1]: the row and the column of each cell. */
  rows: `${SCOPE}strided_slice_3`,
  columns: `${SCOPE}strided_slice_4`,
  /** What is added to the distance, in cells. */
  distanceBias: `${SCOPE}add_5/y`,
  /** [1, 1, 1, 2]: from cells to 0..1 of the picture. */
  scale: `${SCOPE}Reshape_13`,
} as const;

/**
 * The ONNX model of a MoveNet graph: `input` uint8 [N, side, side, 3], RGB, to `keypoints` float32 [N, 17, 3] with
 * y and x in 0..1 of the picture (top left is 0, 0) and a score in 0..1 for each COCO joint.
 *
 * @throws CopresenceError GRAPH_UNSUPPORTED when the graph is not a MoveNet single-pose graph.
 */
export function convertMovenet(model: GraphModel): Uint8Array {
  const graph = new GraphBuilder({ name: 'movenet' });
  const lowering = new Lowering(model, graph, { ...PICTURE_OPS, ...PLAIN_OPS });
  const cells = cellsOf(lowering);
  // MoveNet's grid is a quarter of the picture.
  const side = cells * 4;
  const pixels = graph.input('input', 'uint8', ['N', side, side, 3]);
  const asFloat = graph.op('Cast', [pixels], { to: 1 });
  lowering.feed(`${SCOPE}stack`, { sizes: [side, side, 3], last: asFloat });
  new Decoder(lowering, cells).write('keypoints');
  graph.output('keypoints', 'float32', ['N', JOINTS, 3]);
  return graph.toBytes();
}

/** How many cells the grid has along one side. */
function cellsOf(lowering: Lowering): number {
  const [rows, columns] = weightOf(lowering, CONSTANTS.rows).shape;
  if (rows === undefined || rows !== columns) throw new CopresenceError('GRAPH_UNSUPPORTED', 'the grid is not square');
  return rows;
}

function weightOf(lowering: Lowering, name: string): { shape: readonly number[]; values: Float32Array } {
  const weight = lowering.weight(name);
  if (weight === undefined || !(weight.values instanceof Float32Array)) {
    throw new CopresenceError('GRAPH_UNSUPPORTED', `not a MoveNet graph: no float constant '${name}'`);
  }
  return { shape: weight.shape, values: weight.values };
}

/** Writes the decoder; shapes in the comments leave out nothing, `cells` is all cells of the grid. */
class Decoder {
  readonly #lowering: Lowering;
  readonly #graph: GraphBuilder;
  readonly #side: number;
  readonly #cells: number;

  constructor(lowering: Lowering, side: number) {
    this.#lowering = lowering;
    this.#graph = lowering.graph;
    this.#side = side;
    this.#cells = side * side;
  }

  write(outputName: string): void {
    const graph = this.#graph;
    const heatmap = graph.op('Sigmoid', [this.#head(HEADS.heatmap, [this.#cells, JOINTS])]);
    const cell = this.#jointCells(heatmap, this.#expectedJoints(this.#personCell()));
    // [N, 1, 17] to [N, 17, 1]
    const score = graph.op('GatherElements', [heatmap, cell], { axis: 1 });
    const position = this.#refined(this.#reshaped(cell, [JOINTS, 1]));
    graph.op('Concat', [position, this.#reshaped(score, [JOINTS, 1])], { axis: 2 }, outputName);
  }

  /** [N, 1] int64: the index of the cell where the person's centre is. */
  #personCell(): string {
    const centre = this.#graph.op('Sigmoid', [this.#head(HEADS.centre, [this.#cells])]);
    const weighted = this.#graph.op('Mul', [centre, this.#perCell(CONSTANTS.centreWeight, [1, this.#cells])]);
    return this.#graph.op('ArgMax', [weighted], { axis: 1, keepdims: 1 });
  }

  /** Where the joints of the person at `cell` [N, 1] should be: rows and columns, each [N, 1, 17], in cells. */
  #expectedJoints(cell: string): { rows: string; columns: string } {
    const regression = this.#head(HEADS.regression, [this.#cells, 2 * JOINTS]);
    const gathered = this.#graph.op('GatherND', [regression, cell], { batch_dims: 1 });
    const [rows = '', columns = ''] = this.#graph.ops('Split', [this.#reshaped(gathered, [JOINTS, 2])], { axis: 2 }, 2);
    const centre = this.#rowAndColumn(cell);
    const absolute = (relative: string, origin: string): string =>
      this.#graph.op('Add', [this.#reshaped(relative, [1, JOINTS]), this.#reshaped(this.#float(origin), [1, 1])]);
    return { rows: absolute(rows, centre.row), columns: absolute(columns, centre.column) };
  }

  /** [N, 1, 17] int64: for each joint the cell with the best score near where it should be. */
  #jointCells(heatmap: string, expected: { rows: string; columns: string }): string {
    const graph = this.#graph;
    const squared = (grid: string, places: string): string => {
      const difference = graph.op('Sub', [this.#perCell(grid, [1, this.#cells, 1]), places]);
      return graph.op('Mul', [difference, difference]);
    };
    const sum = graph.op('Add', [squared(CONSTANTS.rows, expected.rows), squared(CONSTANTS.columns, expected.columns)]);
    const bias = graph.constant('float32', [], weightOf(this.#lowering, CONSTANTS.distanceBias).values);
    const distance = graph.op('Add', [graph.op('Sqrt', [sum]), bias]);
    return graph.op('ArgMax', [graph.op('Div', [heatmap, distance])], { axis: 1, keepdims: 1 });
  }

  /** [N, 17, 2] float32: y and x in 0..1 of the joints at `cell` [N, 17, 1], moved within their cells. */
  #refined(cell: string): string {
    const graph = this.#graph;
    const offsets = this.#head(HEADS.offset, [this.#cells, JOINTS, 2]);
    const byJoint = graph.op('Transpose', [offsets], { perm: [0, 2, 1, 3] });
    const offset = graph.op('GatherND', [byJoint, cell], { batch_dims: 2 });
    const { row, column } = this.#rowAndColumn(cell);
    const corner = this.#float(graph.op('Concat', [row, column], { axis: 2 }));
    const scale = graph.constant('float32', [1, 1, 2], weightOf(this.#lowering, CONSTANTS.scale).values);
    return graph.op('Mul', [graph.op('Add', [corner, offset]), scale]);
  }

  /** Splits cell indices into row and column, all int64 and of the same shape. */
  #rowAndColumn(cell: string): { row: string; column: string } {
    const side = this.#graph.ints([this.#side]);
    const row = this.#graph.op('Div', [cell, side]);
    return { row, column: this.#graph.op('Sub', [cell, this.#graph.op('Mul', [row, side])]) };
  }

  /** A head in TensorFlow's order, as [N, ...sizes]. */
  #head(name: string, sizes: readonly number[]): string {
    return this.#reshaped(this.#lowering.last(this.#lowering.value(name)), sizes);
  }

  #perCell(name: string, shape: readonly number[]): string {
    return this.#graph.constant('float32', shape, weightOf(this.#lowering, name).values);
  }

  #reshaped(value: string, sizes: readonly number[]): string {
    return this.#graph.op('Reshape', [value, this.#graph.ints([0, ...sizes])]);
  }

  #float(value: string): string {
    return this.#graph.op('Cast', [value], { to: 1 });
  }
}
