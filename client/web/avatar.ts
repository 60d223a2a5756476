/** One participant in the viewer: a figure, and what cameras saw of them beside it. */
import type { Camera, Vector3 } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
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

  /** Where a hand's label goes: at the tracked hand, else at the one that a camera saw; undefined when there is neither. */
  handAnchor(side: 'left' | 'right', sample: PoseSample, into: Vector3): Vector3 | undefined {
    const index = side === 'left' ? 0 : 1;
    if ((sample.valid & (PART_BITS.leftHand << index)) === 0) return this.camera.handAnchor(side, into);
    const at = index * HAND_FLOATS;
    return this.group.localToWorld(into.set(sample.hands[at] ?? 0, (sample.hands[at + 1] ?? 0) - 0.03, sample.hands[at + 2] ?? 0));
  }

  override dispose(): void {
    super.dispose();
    this.skeleton.dispose();
    this.camera.dispose();
  }
}
