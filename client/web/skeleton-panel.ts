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

const WIDTH_M = 0.42;
const HEIGHT_M = 0.42;
/** Keypoints below this are guesses. */
const MIN_SCORE = 0.3;
const GROUND = new PlaneGeometry(WIDTH_M, HEIGHT_M);
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

  /** @param keypoints - [17, 3] x, y, score, 0..1 of the picture, y down. */
  update(keypoints: readonly number[]): void {
    const seen = (index: number): boolean => (keypoints[index * 3 + 2] ?? 0) >= MIN_SCORE;
    const points = this.#points.getAttribute('position') as BufferAttribute;
    const lines = this.#lines.getAttribute('position') as BufferAttribute;
    let pointCount = 0;
    for (let index = 0; index < BODY_KEYPOINT_COUNT; index++) if (seen(index)) place(points, pointCount++, keypoints, index);
    let ends = 0;
    for (const [from, to] of BODY_BONES) {
      if (!seen(from) || !seen(to)) continue;
      place(lines, ends++, keypoints, from);
      place(lines, ends++, keypoints, to);
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

function place(target: BufferAttribute, at: number, keypoints: readonly number[], index: number): void {
  target.setXYZ(at, ((keypoints[index * 3] ?? 0) - 0.5) * WIDTH_M, (0.5 - (keypoints[index * 3 + 1] ?? 0)) * HEIGHT_M, 0);
}
