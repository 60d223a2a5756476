/** One hand of 25 joints on a canvas, from the front and from the side, about its own wrist: labelling looks at its form, not at its place. */
import { HAND_BONES } from '../../drawing/hand-matrices.ts';

/** Metres that a view shows, across. */
const SHOWN_M = 0.28;
const DEPTH_SHADE = 4;

/**
 * Draws a hand twice, side by side.
 *
 * @param joints - [25, 3] metres; read only. Undefined draws nothing but the ground.
 */
export function drawHand(context: CanvasRenderingContext2D, joints: Float32Array | undefined): void {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  if (joints === undefined) return;
  const axes = palmAxes(joints);
  drawView(context, joints, axes, { x: width / 4, y: height / 2, across: 0, towards: 2 });
  drawView(context, joints, axes, { x: (3 * width) / 4, y: height / 2, across: 2, towards: 0 });
}

type Vector = readonly [number, number, number];

/** Across the palm, along the fingers, out of the palm. */
function palmAxes(joints: Float32Array): readonly [Vector, Vector, Vector] {
  const at = (joint: number): Vector => [joints[joint * 3] ?? 0, joints[joint * 3 + 1] ?? 0, joints[joint * 3 + 2] ?? 0];
  // The wrist, and the knuckles of middle, index and little finger, by WebXR's order.
  const along = unit(minus(at(11), at(0)));
  const roughly = minus(at(6), at(21));
  const out = unit(cross(roughly, along));
  return [cross(along, out), along, out];
}

function drawView(context: CanvasRenderingContext2D, joints: Float32Array, axes: ReturnType<typeof palmAxes>, place: { x: number; y: number; across: number; towards: number }): void {
  const scale = context.canvas.height / SHOWN_M;
  const middle: Vector = [joints[33] ?? 0, joints[34] ?? 0, joints[35] ?? 0];
  const points = Array.from({ length: 25 }, (_, joint) => {
    const from = minus([joints[joint * 3] ?? 0, joints[joint * 3 + 1] ?? 0, joints[joint * 3 + 2] ?? 0], middle);
    return { x: place.x + dot(from, axes[place.across] as Vector) * scale, y: place.y - dot(from, axes[1]) * scale, depth: dot(from, axes[place.towards] as Vector) };
  });
  context.lineCap = 'round';
  for (const [from, to] of HAND_BONES) {
    const [a, b] = [points[from], points[to]];
    if (a === undefined || b === undefined) continue;
    context.globalAlpha = Math.max(0.35, Math.min(1, 0.75 + a.depth * DEPTH_SHADE));
    context.strokeStyle = '#58a6ff';
    context.lineWidth = 5;
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    context.stroke();
  }
  context.globalAlpha = 1;
  context.fillStyle = '#e6edf3';
  for (const { x, y } of points) {
    context.beginPath();
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}

function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}
function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
function unit(a: Vector): Vector {
  const length = Math.hypot(...a) || 1;
  return [a[0] / length, a[1] / length, a[2] / length];
}
