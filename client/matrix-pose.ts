/** Poses out of 4x4 matrices, as WebXR and graphics engines hand them over. */

/**
 * Writes a rigid transform as a pose.
 *
 * The quaternion comes from the largest of its four components (Shepperd 1978), because dividing by a small one loses
 * its digits.
 *
 * @param matrix - 16 floats from `from`, column-major, rotation and translation only. Read only.
 * @param pose - 7 floats from `to` are overwritten: metres, then a unit quaternion xyzw.
 */
export function writePoseOfMatrix(matrix: ArrayLike<number>, from: number, pose: Float32Array, to: number): void {
  const at = (column: number, row: number): number => matrix[from + column * 4 + row] ?? 0;
  const m00 = at(0, 0), m11 = at(1, 1), m22 = at(2, 2);
  const squares = [1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22, 1 + m00 + m11 + m22] as const;
  const xy = at(0, 1) + at(1, 0), xz = at(0, 2) + at(2, 0), yz = at(1, 2) + at(2, 1);
  const xw = at(1, 2) - at(2, 1), yw = at(2, 0) - at(0, 2), zw = at(0, 1) - at(1, 0);
  const rows = [[squares[0], xy, xz, xw], [xy, squares[1], yz, yw], [xz, yz, squares[2], zw], [xw, yw, zw, squares[3]]] as const;
  const largest = squares.indexOf(Math.max(...squares));
  const row = rows[largest] ?? rows[3];
  const scale = 1 / Math.hypot(...row);
  for (let axis = 0; axis < 3; axis++) pose[to + axis] = at(3, axis);
  for (let part = 0; part < 4; part++) pose[to + 3 + part] = (row[part] ?? 0) * scale;
}
