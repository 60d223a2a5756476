import { expect, it } from 'vitest';
import { writePoseOfMatrix } from '../../../client/matrix-pose.ts';
import { XrCapture } from '../../../client/web/capture.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';

/** A space of the browser's, as far as a capture sees of it. */
class Space extends EventTarget {}

const pose = (x: number, emulatedPosition = false) => ({ transform: { position: { x, y: 1, z: 2 }, orientation: { x: 0, y: 0, z: 0, w: 1 } }, emulatedPosition });
const TURNED = [0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0.1, 0.2, 0.3, 1];

function frameOf(inputSources: readonly object[], { viewer = pose(0), hasAllJoints = true }: { viewer?: object | null; hasAllJoints?: boolean } = {}): XRFrame {
  return {
    session: { inputSources }, getViewerPose: () => viewer, getPose: (space: { pose: object }) => space.pose,
    fillPoses(_spaces: unknown, _base: unknown, into: Float32Array) {
      for (let joint = 0; joint < 25; joint++) into.set(TURNED, joint * 16);
      return hasAllJoints;
    },
  } as unknown as XRFrame;
}

it('a reset of the reference space begins a new space epoch, and after eight of them the first one again', () => {
  const space = new Space();
  const capture = new XrCapture(space as unknown as XRReferenceSpace);
  const sample = createPoseSample();
  const epochs = Array.from({ length: 10 }, () => {
    capture.capture(frameOf([]), 5, sample);
    space.dispatchEvent(new Event('reset'));
    return sample.spaceEpoch;
  });
  expect(epochs).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1]);
});

it('a frame becomes head, controllers and whole hands; what is emulated is not tracked, and what is gone is not valid', () => {
  const capture = new XrCapture(new Space() as unknown as XRReferenceSpace);
  const sample = createPoseSample();
  const left = { handedness: 'left', gripSpace: { pose: pose(-1, true) } }, right = { handedness: 'right', hand: new Map(), gripSpace: { pose: pose(1) } };
  capture.capture(frameOf([left, right, { handedness: 'none', gripSpace: { pose: pose(7) } }]), 12.5, sample);
  expect(sample).toMatchObject({ captureMs: 12.5, valid: PART_BITS.head | PART_BITS.leftController | PART_BITS.rightHand, tracked: PART_BITS.head | PART_BITS.rightHand });
  expect([...sample.rigid.subarray(7, 10)]).toEqual([-1, 1, 2]);
  const expected = new Float32Array(7);
  writePoseOfMatrix(TURNED, 0, expected, 0);
  expect([...sample.hands.subarray(HAND_FLOATS + 24 * 7, HAND_FLOATS + 25 * 7)]).toEqual([...expected]);
  capture.capture(frameOf([right], { viewer: null, hasAllJoints: false }), 13, sample);
  expect(sample).toMatchObject({ valid: 0, tracked: 0 });
});
