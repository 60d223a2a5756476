/** What a participant's newest sample says of who may be interesting to whom: where they are, where they look, whether hands show. */
import { PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { readInt16, readInt32, unpackQuaternion } from '../../../protocol/codec/quantise.ts';

/** Where somebody is, in the session's space, and where they look. Overwritten by `readViewpoint`. */
export interface Viewpoint {
  /** Whether the place is known at all. */
  isPlaced: boolean;
  /** Whether it is known where they look. */
  looks: boolean;
  /** Whether sensors see one of their hands. */
  showsHands: boolean;
  /** Whole millimetres. */
  x: number;
  y: number;
  z: number;
  /** Unit vector of the gaze, by the head alone. */
  gazeX: number;
  gazeY: number;
  gazeZ: number;
}

/** Of an encoded sample: behind the capture time, and where the first part begins. */
const VALID_AT = 4;
const TRACKED_AT = 5;
const PARTS_AT = 6;
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;
/** Behind the three coordinates of a pose. */
const ORIENTATION_AT = 6;

const turn = new Float32Array(4);

export function unknownViewpoint(): Viewpoint {
  return { isPlaced: false, looks: false, showsHands: false, x: 0, y: 0, z: 0, gazeX: 0, gazeY: 0, gazeZ: -1 };
}

/**
 * Reads a viewpoint off an encoded sample without decoding it. Without a head the place is that of the first part there is.
 *
 * @param sample - one checked pose sample. Read only. @param into - overwritten. @bound no allocation.
 */
export function readViewpoint(sample: Uint8Array, into: Viewpoint): void {
  const valid = sample[VALID_AT] ?? 0;
  into.isPlaced = valid !== 0;
  into.looks = (valid & PART_BITS.head) !== 0;
  into.showsHands = ((sample[TRACKED_AT] ?? 0) & HANDS) !== 0;
  if (!into.isPlaced) return;
  into.x = readInt16(sample, PARTS_AT);
  into.y = readInt16(sample, PARTS_AT + 2);
  into.z = readInt16(sample, PARTS_AT + 4);
  if (into.looks) readGaze(sample, into);
}

/** -Z of the head, turned by its orientation. */
function readGaze(sample: Uint8Array, into: Viewpoint): void {
  unpackQuaternion(readInt32(sample, PARTS_AT + ORIENTATION_AT), turn, 0);
  const [x = 0, y = 0, z = 0, w = 1] = turn;
  into.gazeX = -2 * (x * z + w * y);
  into.gazeY = -2 * (y * z - w * x);
  into.gazeZ = 2 * (x * x + y * y) - 1;
}
