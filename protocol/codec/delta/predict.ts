/**
 * What a decoder expects of the next sample, in whole numbers, so that every language gets the same.
 *
 * Head, controllers and wrists go on as fast as they went. A finger's joint stays where it was on the joint before it: that one's turn since
 * the reference carries it along.
 */
import { HAND_JOINTS } from '../../joints.ts';

/** The sum of the squares of an orientation's four components, in steps of the wire: 2 * 511 * 511. */
const SQUARES = 522242;
const ZERO = 511;
const LARGEST_COMPONENT = 1023;
/** Orientations that are multiplied have eight times the steps of the wire. */
const FINE_BITS = 3;
/** A turn between two orientations is in 1/16384; the product of two fine orientations is in 1/(64 * 522242 / 16384), which is 2040. */
const TURN_BITS = 14;
const TURN_DIVISOR = 2040;
/** A multiple of the divisor that makes every product positive, since division cuts off towards zero. */
const TURN_BIAS = 32768;
/** Ratio of two times, in 1/256, and its largest. */
const RATIO_BITS = 8;
const MAX_RATIO = 4 << RATIO_BITS;
const MAX_MM = 32767;

/** By joint, the row of the joint that it hangs on; the wrist's own is itself. */
export const PARENT_OF: readonly number[] = HAND_JOINTS.map((joint, index) => (joint === 'wrist' || joint.endsWith('-metacarpal') ? 0 : index - 1));

/** What is expected of x, y, z, and of the three components in the frame of a given largest one. Overwritten by each call. */
export const expected = new Int32Array(6);

const first = new Int32Array(4);
const second = new Int32Array(4);
/** The reference's orientation of the joint that `expectTurned` was called for last. */
const held = new Int32Array(4);
/** The turn of the joint that others hang on, x, y, z, w. */
const turn = new Int32Array(4);

/** How far into its future a movement is continued, in 1/256 of the time that it is known for. */
export function timeRatio(aheadTicks: number, knownTicks: number): number {
  if (aheadTicks <= 0 || knownTicks <= 0) return 0;
  const ratio = Math.floor((aheadTicks * (1 << RATIO_BITS)) / knownTicks);
  return ratio > MAX_RATIO ? MAX_RATIO : ratio;
}

/** Expects a position that goes on by `ratio`; @returns how far, the sum of the three axes. */
export function expectPosition(reference: Int16Array, older: Int16Array, at: number, ratio: number): number {
  let moved = 0;
  for (let axis = 0; axis < 3; axis++) {
    const from = reference[at + axis]!;
    const step = ((from - older[at + axis]!) * ratio + (1 << (RATIO_BITS - 1))) >> RATIO_BITS;
    const to = from + step;
    expected[axis] = to > MAX_MM ? MAX_MM : to < -MAX_MM ? -MAX_MM : to;
    moved += step < 0 ? -step : step;
  }
  return moved;
}

/** Expects a position where it was. */
export function holdPosition(reference: Int16Array, at: number): void {
  expected[0] = reference[at]!;
  expected[1] = reference[at + 1]!;
  expected[2] = reference[at + 2]!;
}

/** Expects an orientation that goes on by `ratio`. @param at - of the largest component. @returns how far, the sum of three components. */
export function expectOrientation(reference: Int16Array, older: Int16Array, at: number, ratio: number, largest: number): number {
  let moved = 0;
  if (reference[at] === largest && older[at] === largest) {
    for (let index = 1; index < 4; index++) {
      const from = reference[at + index]!;
      const step = ((from - older[at + index]!) * ratio + (1 << (RATIO_BITS - 1))) >> RATIO_BITS;
      expected[2 + index] = clampComponent(from + step);
      moved += step < 0 ? -step : step;
    }
    return moved;
  }
  refine(reference, at, first);
  refine(older, at, second);
  const sign = first[0]! * second[0]! + first[1]! * second[1]! + first[2]! * second[2]! + first[3]! * second[3]! < 0 ? -1 : 1;
  for (let index = 0; index < 4; index++) {
    const from = first[index]!;
    const step = ((from - sign * second[index]!) * ratio + (1 << (RATIO_BITS - 1))) >> RATIO_BITS;
    second[index] = from + step;
    moved += step < 0 ? -step : step;
  }
  select(second, largest, FINE_BITS);
  return moved >> FINE_BITS;
}

/** Expects an orientation as it was. */
export function holdOrientation(reference: Int16Array, at: number, largest: number): void {
  if (reference[at] === largest) {
    expected[3] = reference[at + 1]!;
    expected[4] = reference[at + 2]!;
    expected[5] = reference[at + 3]!;
    return;
  }
  refine(reference, at, first);
  select(first, largest, FINE_BITS);
}

/**
 * How the joint at `at` has turned since the reference, for the joint that hangs on it.
 *
 * @param isHeld - `expectTurned` was called for this joint, and for no other since.
 * @returns false when it has not turned at all.
 */
export function setTurn(ints: Int16Array, reference: Int16Array, at: number, isHeld: boolean): boolean {
  const same = ints[at + 3] === reference[at + 3] && ints[at + 4] === reference[at + 4] && ints[at + 5] === reference[at + 5] && ints[at + 6] === reference[at + 6];
  if (same) return false;
  refine(ints, at + 3, first);
  if (!isHeld) refine(reference, at + 3, held);
  const ax = first[0]!, ay = first[1]!, az = first[2]!, aw = first[3]!;
  const bx = held[0]!, by = held[1]!, bz = held[2]!, bw = held[3]!;
  turn[0] = toTurn((Math.imul(ax, bw) - Math.imul(aw, bx) - Math.imul(ay, bz) + Math.imul(az, by)) | 0);
  turn[1] = toTurn((Math.imul(ax, bz) + Math.imul(ay, bw) - Math.imul(aw, by) - Math.imul(az, bx)) | 0);
  turn[2] = toTurn((Math.imul(ay, bx) - Math.imul(ax, by) + Math.imul(az, bw) - Math.imul(aw, bz)) | 0);
  turn[3] = toTurn((Math.imul(aw, bw) + Math.imul(ax, bx) + Math.imul(ay, by) + Math.imul(az, bz)) | 0);
  return true;
}

/** Expects a joint carried along by the one at `parent`, which has moved and, if `turned`, has turned by what `setTurn` found. */
export function expectJointPosition(ints: Int16Array, reference: Int16Array, at: number, parent: number, turned: boolean): void {
  let x = reference[at]! - reference[parent]!, y = reference[at + 1]! - reference[parent + 1]!, z = reference[at + 2]! - reference[parent + 2]!;
  if (turned) {
    x <<= 4; y <<= 4; z <<= 4;
    const tx = turn[0]!, ty = turn[1]!, tz = turn[2]!, tw = turn[3]!;
    const cx = (Math.imul(ty, z) - Math.imul(tz, y)) >> (TURN_BITS - 1), cy = (Math.imul(tz, x) - Math.imul(tx, z)) >> (TURN_BITS - 1), cz = (Math.imul(tx, y) - Math.imul(ty, x)) >> (TURN_BITS - 1);
    x = (x + ((Math.imul(tw, cx) + Math.imul(ty, cz) - Math.imul(tz, cy)) >> TURN_BITS) + 8) >> 4;
    y = (y + ((Math.imul(tw, cy) + Math.imul(tz, cx) - Math.imul(tx, cz)) >> TURN_BITS) + 8) >> 4;
    z = (z + ((Math.imul(tw, cz) + Math.imul(tx, cy) - Math.imul(ty, cx)) >> TURN_BITS) + 8) >> 4;
  }
  expected[0] = clampByte(ints[parent]! + x);
  expected[1] = clampByte(ints[parent + 1]! + y);
  expected[2] = clampByte(ints[parent + 2]! + z);
}

/** Expects the orientation of the reference, turned by what `setTurn` found. @param at - of the largest component. */
export function expectTurned(reference: Int16Array, at: number, largest: number): void {
  refine(reference, at, held);
  const tx = turn[0]!, ty = turn[1]!, tz = turn[2]!, tw = turn[3]!;
  const x = held[0]!, y = held[1]!, z = held[2]!, w = held[3]!;
  second[0] = (Math.imul(tw, x) + Math.imul(tx, w) + Math.imul(ty, z) - Math.imul(tz, y)) | 0;
  second[1] = (Math.imul(tw, y) - Math.imul(tx, z) + Math.imul(ty, w) + Math.imul(tz, x)) | 0;
  second[2] = (Math.imul(tw, z) + Math.imul(tx, y) - Math.imul(ty, x) + Math.imul(tz, w)) | 0;
  second[3] = (Math.imul(tw, w) - Math.imul(tx, x) - Math.imul(ty, y) - Math.imul(tz, z)) | 0;
  select(second, largest, TURN_BITS + FINE_BITS);
}

/** The four components of an orientation, fine; the largest is not negative. */
function refine(ints: Int16Array, at: number, into: Int32Array): void {
  const a = ints[at + 1]! - ZERO, b = ints[at + 2]! - ZERO, c = ints[at + 3]! - ZERO;
  const rest = SQUARES - a * a - b * b - c * c;
  const largest = rest > 0 ? Math.sqrt(rest << (2 * FINE_BITS)) | 0 : 0;
  const index = ints[at]!;
  into[0] = index === 0 ? largest : a << FINE_BITS;
  into[1] = index === 1 ? largest : (index === 0 ? a : b) << FINE_BITS;
  into[2] = index === 2 ? largest : (index === 3 ? c : b) << FINE_BITS;
  into[3] = index === 3 ? largest : c << FINE_BITS;
}

/** Expects the three components beside `largest`, after negation where that one is negative. @param bits - to shift away. */
function select(components: Int32Array, largest: number, bits: number): void {
  const sign = components[largest]! < 0 ? -1 : 1;
  const half = 1 << (bits - 1);
  expected[3] = clampComponent(ZERO + ((sign * components[largest === 0 ? 1 : 0]! + half) >> bits));
  expected[4] = clampComponent(ZERO + ((sign * components[largest < 2 ? 2 : 1]! + half) >> bits));
  expected[5] = clampComponent(ZERO + ((sign * components[largest === 3 ? 2 : 3]! + half) >> bits));
}

function toTurn(product: number): number {
  return (((product + TURN_DIVISOR / 2 + TURN_BIAS * TURN_DIVISOR) / TURN_DIVISOR) | 0) - TURN_BIAS;
}

function clampComponent(value: number): number {
  return value < 0 ? 0 : value > LARGEST_COMPONENT ? LARGEST_COMPONENT : value;
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

