/// <reference types="webxr" preserve="true" />
/** Reads a WebXR frame into a pose sample: head, controllers' grips and the 25 joints of each hand. */
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { writePoseOfMatrix } from '../matrix-pose.ts';

const MATRIX_FLOATS = 16;

/** What the browser gives for hands: not in every browser, and not in every version of the types. */
interface HandFrame {
  fillPoses?: (spaces: Iterable<XRSpace>, base: XRSpace, transforms: Float32Array) => boolean;
}

/** Captures from one reference space, which should be `local-floor` or `bounded-floor`. */
export class XrCapture {
  readonly #space: XRReferenceSpace;
  readonly #matrices = new Float32Array(HAND_JOINT_COUNT * MATRIX_FLOATS);
  #spaceEpoch = 0;

  constructor(space: XRReferenceSpace) {
    this.#space = space;
    // Somebody recentred, or tracking found itself again elsewhere: positions before and after do not compare.
    space.addEventListener('reset', () => {
      this.#spaceEpoch = (this.#spaceEpoch + 1) % 8;
    });
  }

  /**
   * Overwrites `into` with where everything is in this frame. Parts that are not there are not valid.
   *
   * @param frame - inside its animation frame callback.
   * @param captureMs - now, on the device's clock.
   */
  capture(frame: XRFrame, captureMs: number, into: PoseSample): void {
    into.captureMs = captureMs;
    into.spaceEpoch = this.#spaceEpoch;
    into.valid = 0;
    into.tracked = 0;
    this.#rigid(frame.getViewerPose(this.#space), PART_BITS.head, 0, into);
    for (const source of frame.session.inputSources) {
      if (source.handedness === 'none') continue;
      const side = source.handedness === 'left' ? 0 : 1;
      if (source.hand) this.#hand(frame, source.hand, side, into);
      else if (source.gripSpace) this.#rigid(frame.getPose(source.gripSpace, this.#space), PART_BITS.leftController << side, 1 + side, into);
    }
  }

  #rigid(pose: XRPose | null | undefined, bit: number, place: number, into: PoseSample): void {
    if (!pose) return;
    const { position: p, orientation: q } = pose.transform;
    into.rigid.set([p.x, p.y, p.z, q.x, q.y, q.z, q.w], place * POSE_FLOATS);
    into.valid |= bit;
    // An emulated position comes from a model of an arm or a neck, not from a sensor.
    if (!pose.emulatedPosition) into.tracked |= bit;
  }

  /** A hand counts only whole: `fillPoses` answers false as soon as one joint is missing. */
  #hand(frame: XRFrame, hand: XRHand, side: number, into: PoseSample): void {
    const { fillPoses } = frame as HandFrame;
    if (fillPoses === undefined || !fillPoses.call(frame, hand.values(), this.#space, this.#matrices)) return;
    for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) {
      writePoseOfMatrix(this.#matrices, joint * MATRIX_FLOATS, into.hands, side * HAND_FLOATS + joint * POSE_FLOATS);
    }
    into.valid |= PART_BITS.leftHand << side;
    into.tracked |= PART_BITS.leftHand << side;
  }
}
