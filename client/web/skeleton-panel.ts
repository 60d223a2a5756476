/**
 * A body pose from a camera picture, drawn on a small panel beside the avatar.
 *
 * The keypoints are places in a picture, not in the room: nothing says how far away the person stood, so they are shown
 * as the flat thing that they are.
 */
import {
  BufferAttribute, BufferGeometry, DoubleSide, Group, LineBasicMaterial, LineSegments, Mesh, MeshBasicMaterial, PlaneGeometry, Points, PointsMaterial, type Camera, type ColorRepresentation,
} from 'three';
import { BODY_BONES, BODY_KEYPOINT_COUNT } from '../../protocol/joints.ts';

const PANEL_M = 0.42;
/** Of the picture: a body is not drawn larger than this makes it, however small it was there. */
const SMALLEST_VIEW = 0.2;
const MARGIN = 1.2;
/** Keypoints below this are guesses. */
const MIN_SCORE = 0.3;
const GROUND = new PlaneGeometry(PANEL_M, PANEL_M);
const GROUND_MATERIAL = new MeshBasicMaterial({ color: '#0d1a2b', transparent: true, opacity: 0.72, side: DoubleSide, depthWrite: false });

export class SkeletonPanel {
  readonly group = new Group();
  readonly #points = new BufferGeometry();
  readonly #lines = new BufferGeometry();
  readonly #materials: readonly (PointsMaterial | LineBasicMaterial)[];

  constructor(colour: ColorRepresentation) {
    this.#points.setAttribute('position', new BufferAttribute(new Float32Array(BODY_KEYPOINT_COUNT * 3), 3));
    this.#lines.setAttribute('position', new BufferAttribute(new Float32Array(BODY_BONES.length * 6), 3));
    const points = new PointsMaterial({ color: '#ffffff', size: 0.018 });
    const lines = new LineBasicMaterial({ color: colour });
    this.#materials = [points, lines];
    const ground = new Mesh(GROUND, GROUND_MATERIAL);
    ground.position.z = -0.004;
    const drawn = [new LineSegments(this.#lines, lines), new Points(this.#points, points)];
    for (const object of drawn) object.frustumCulled = false;
    this.group.add(ground, ...drawn);
    this.group.visible = false;
  }

  /** Draws the body as large as the panel takes. @param keypoints - [17, 3] x, y, score, 0..1 of the picture, y down. */
  update(keypoints: readonly number[]): void {
    const seen = new Set(Array.from({ length: BODY_KEYPOINT_COUNT }, (_, index) => index).filter((index) => (keypoints[index * 3 + 2] ?? 0) >= MIN_SCORE));
    const view = fit(keypoints, seen);
    const points = this.#points.getAttribute('position') as BufferAttribute;
    const lines = this.#lines.getAttribute('position') as BufferAttribute;
    let pointCount = 0;
    for (const index of seen) place(points, pointCount++, keypoints, index, view);
    let ends = 0;
    for (const [from, to] of BODY_BONES) {
      if (!seen.has(from) || !seen.has(to)) continue;
      place(lines, ends++, keypoints, from, view);
      place(lines, ends++, keypoints, to, view);
    }
    this.#points.setDrawRange(0, pointCount);
    this.#lines.setDrawRange(0, ends);
    points.needsUpdate = true;
    lines.needsUpdate = true;
  }

  /** Turns towards the camera. */
  face(camera: Camera): void {
    this.group.quaternion.copy(camera.quaternion);
  }

  dispose(): void {
    this.#points.dispose();
    this.#lines.dispose();
    for (const material of this.#materials) material.dispose();
  }
}

/** The part of the picture that the panel shows, 0..1. */
interface View {
  readonly centreX: number;
  readonly centreY: number;
  readonly size: number;
}

/** A square around the keypoints that are seen, with a margin. */
function fit(keypoints: readonly number[], seen: ReadonlySet<number>): View {
  const x = [...seen].map((index) => keypoints[index * 3] ?? 0);
  const y = [...seen].map((index) => keypoints[index * 3 + 1] ?? 0);
  if (x.length === 0) return { centreX: 0.5, centreY: 0.5, size: 1 };
  const [left, right, top, bottom] = [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)];
  return { centreX: (left + right) / 2, centreY: (top + bottom) / 2, size: Math.max(right - left, bottom - top, SMALLEST_VIEW) * MARGIN };
}

function place(target: BufferAttribute, at: number, keypoints: readonly number[], index: number, { centreX, centreY, size }: View): void {
  target.setXYZ(at, (((keypoints[index * 3] ?? 0) - centreX) / size) * PANEL_M, ((centreY - (keypoints[index * 3 + 1] ?? 0)) / size) * PANEL_M, 0);
}
