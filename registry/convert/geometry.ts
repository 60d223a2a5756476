/** The arithmetic of shapes: sizes after a window slides, padding, broadcasting, reshaping and axis orders. */

/** Height and width, or whatever belongs to them. */
export type Pair = readonly [number, number];

/** A window that slides over a picture. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** SAME pads so that only the stride shrinks the picture; VALID never pads. */
  readonly padding: 'SAME' | 'VALID';
}

/** Height and width after the window has slid over a picture of `size`. */
export function slidSize(size: Pair, window: Window): Pair {
  return eachAxis((axis) => {
    if (window.padding === 'SAME') return Math.ceil(size[axis] / window.stride[axis]);
    return Math.ceil((size[axis] - (window.kernel[axis] - 1) * window.dilation[axis]) / window.stride[axis]);
  });
}

/** ONNX `pads` [top, left, bottom, right]: TensorFlow puts an odd one at the bottom or right. */
export function slidPads(size: Pair, window: Window): number[] {
  if (window.padding === 'VALID') return [0, 0, 0, 0];
  const slid = slidSize(size, window);
  const totals = eachAxis((axis) => {
    const covered = (slid[axis] - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    return Math.max(0, covered - size[axis]);
  });
  return splitPads(totals);
}

/** ONNX `pads` of a transposed convolution that makes a picture of `target` out of one of `size`. */
export function transposedPads(size: Pair, target: Pair, window: Window): number[] {
  const totals = eachAxis((axis) =>
    Math.max(0, (size[axis] - 1) * window.stride[axis] + window.kernel[axis] - target[axis]),
  );
  return splitPads(totals);
}

/** The shape that two operands share under broadcasting; undefined when they do not fit. */
export function broadcast(left: readonly number[], right: readonly number[]): number[] | undefined {
  const rank = Math.max(left.length, right.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1) return undefined;
    shape.push(a === 1 ? b : a);
  }
  return shape;
}

/**
 * The sizes of one item after a reshape whose target may hold one -1.
 *
 * @returns undefined when the items would run into each other, that is when the rest is not one item's worth.
 */
export function reshapedSizes(sizes: readonly number[], target: readonly number[]): number[] | undefined {
  const count = product(sizes);
  const [batch, ...rest] = target;
  if (batch !== 1 && batch !== -1) return undefined;
  const known = product(rest.filter((size) => size !== -1));
  const filled = rest.map((size) => (size === -1 ? count / known : size));
  return filled.every(Number.isInteger) && product(filled) === count ? filled : undefined;
}

/** How many elements a shape has. */
export function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

/** Reorders the axes of a row-major array: output axis `i` is input axis `order[i]`. Returns a new array. */
export function transpose(values: ArrayLike<number>, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(values.length);
  const index = sizes.map(() => 0);
  let source = 0;
  for (let target = 0; target < result.length; target++) {
    result[target] = values[source] as number;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      source += steps[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      source -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function splitPads(totals: Pair): number[] {
  const before = totals.map((total) => total >> 1);
  return [...before, ...totals.map((total, axis) => total - (before[axis] ?? 0))];
}

function eachAxis(make: (axis: 0 | 1) => number): Pair {
  return [make(0), make(1)];
}
