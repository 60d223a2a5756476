/** One participant in the viewer: a figure, and what cameras saw of them beside it. */
import type { Camera, Vector3 } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { CameraView } from './camera-view.ts';
import { SkeletonPanel } from './skeleton-panel.ts';
import { ThreeFigure } from './three-figure.ts';

export class Avatar extends ThreeFigure {
  readonly skeleton: SkeletonPanel;
  readonly camera: CameraView;

  constructor(colour: string) {
    super(colour);
    this.skeleton = new SkeletonPanel(this.colour);
    this.camera = new CameraView(this.colour);
    this.group.add(this.skeleton.group, this.camera.group);
  }

  /** Keeps what cameras saw beside the head; the flat skeleton faces whoever looks. */
  placePanels(camera: Camera, nowMs: number): void {
    this.camera.place(this.head.position, camera, nowMs);
    this.skeleton.face(camera);
    this.skeleton.group.position.set(0.46, -0.3, 0).applyQuaternion(camera.quaternion).add(this.head.position);
  }

  /** Where a hand's label goes: at the tracked hand, else at the one that a camera saw or at the controller; undefined when there is none. */
  handAnchor(side: 'left' | 'right', sample: PoseSample, into: Vector3): Vector3 | undefined {
    const index = side === 'left' ? 0 : 1;
    const below = (poses: Float32Array, at: number): Vector3 => this.group.localToWorld(into.set(poses[at] ?? 0, (poses[at + 1] ?? 0) - 0.03, poses[at + 2] ?? 0));
    if ((sample.valid & (PART_BITS.leftHand << index)) !== 0) return below(sample.hands, index * HAND_FLOATS);
    const seen = this.camera.handAnchor(side, into);
    if (seen !== undefined || (sample.valid & (PART_BITS.leftController << index)) === 0) return seen;
    return below(sample.rigid, (1 + index) * POSE_FLOATS);
  }

  override dispose(): void {
    super.dispose();
    this.skeleton.dispose();
    this.camera.dispose();
  }
}
