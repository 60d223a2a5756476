/** The little linear algebra that a Gaussian process needs: dense symmetric matrices, row by row. */
import { CopresenceError } from '../../core/errors.ts';

/**
 * The lower triangle L of a symmetric positive definite matrix: L Lᵀ = matrix.
 *
 * @param matrix - [n, n] row by row; only its lower triangle is read.
 * @returns [n, n], zeros above the diagonal; undefined when the matrix is not positive definite.
 * @bound O(n³)
 */
export function cholesky(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row * n + column]!;
      for (let at = 0; at < column; at++) sum -= lower[row * n + at]! * lower[column * n + at]!;
      if (row !== column) lower[row * n + column] = sum / lower[column * n + column]!;
      else if (!(sum > 0)) return undefined;
      else lower[row * n + row] = Math.sqrt(sum);
    }
  }
  return lower;
}

/** x of L x = b. @param lower - [n, n] as `cholesky` gives it. */
export function solveLower(lower: Float64Array, b: ArrayLike<number>): Float64Array {
  const n = b.length;
  requireSquare(lower, n);
  const x = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    let sum = b[row]!;
    for (let at = 0; at < row; at++) sum -= lower[row * n + at]! * x[at]!;
    x[row] = sum / lower[row * n + row]!;
  }
  return x;
}

/** x of Lᵀ x = b. */
export function solveUpper(lower: Float64Array, b: ArrayLike<number>): Float64Array {
  const n = b.length;
  requireSquare(lower, n);
  const x = new Float64Array(n);
  for (let row = n - 1; row >= 0; row--) {
    let sum = b[row]!;
    for (let at = row + 1; at < n; at++) sum -= lower[at * n + row]! * x[at]!;
    x[row] = sum / lower[row * n + row]!;
  }
  return x;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function requireSquare(lower: Float64Array, n: number): void {
  if (lower.length !== n * n) throw new CopresenceError('SHAPE_MISMATCH', `a matrix of ${lower.length} values for ${n} rows`);
}
