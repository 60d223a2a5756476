/** Numbers as few bytes: positions in millimetres, orientations as their smallest three components. */

/** Floats of one pose: position x, y, z in metres, then the unit quaternion x, y, z, w. */
export const POSE_FLOATS = 7;
/** Three int16 and one uint32. */
export const POSE_BYTES = 10;
/** The int16 that stands for "not a number"; a decoder refuses it. */
export const NOT_FINITE = -32768;
/** Furthest coordinate from the origin, metres. */
export const MAX_POSITION_M = 32.767;

const SQRT2 = Math.SQRT2;
/** 10 bits a component: -511..511 stands for -1/sqrt(2)..1/sqrt(2), so that zero is exact. */
const COMPONENT_STEPS = 511;
/** What one step of a component stands for. */
const STEP = 1 / (SQRT2 * COMPONENT_STEPS);

/** Times on the wire are in 1/16 ms, modulo 2^32 (74.5 hours). */
export const TICKS_PER_MS = 16;

/**
 * How far the largest component, as the decoder rebuilds it, may slip through the rounding of the other three, in steps.
 * Where all four are near 1/2 and all round the same way it slips by 1.5 steps, and the angle by 0.27 degrees.
 */
const MAX_SLIP_STEPS = 0.6;

const scratch = new Float32Array(4);

/**
 * Packs a unit quaternion into 32 bits: 2 bits say which component is largest, 3 x 10 bits hold the others.
 *
 * @returns an unsigned 32-bit integer: index << 30 | first << 20 | second << 10 | third, in order x, y, z, w.
 * Error at most 0.18 degrees. The input need not be exactly of unit length; zero gives the identity.
 */
export function packQuaternion(x: number, y: number, z: number, w: number): number {
  scratch[0] = x;
  scratch[1] = y;
  scratch[2] = z;
  scratch[3] = w;
  return packQuaternionAt(scratch, 0) >>> 0;
}

/**
 * As `packQuaternion`, of the four floats at `from`, as a signed integer.
 *
 * Arguments and results that are not small integers are boxed when a call is not inlined, which takes longer than packing.
 */
export function packQuaternionAt(floats: Float32Array, from: number): number {
  const x = floats[from]!, y = floats[from + 1]!, z = floats[from + 2]!, w = floats[from + 3]!;
  const ax = Math.abs(x), ay = Math.abs(y), az = Math.abs(z);
  let largest = 3, size = Math.abs(w), signed = w, first = x, second = y, third = z;
  if (ax > size) { largest = 0; size = ax; signed = x; first = y; second = z; third = w; }
  if (ay > size) { largest = 1; size = ay; signed = y; first = x; second = z; third = w; }
  if (az > size) { largest = 2; size = az; signed = z; first = x; second = y; third = w; }
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  if (!(length > 1e-9)) return joinComponents(3, COMPONENT_STEPS, COMPONENT_STEPS, COMPONENT_STEPS);
  const scale = ((signed < 0 ? -SQRT2 : SQRT2) * COMPONENT_STEPS) / length;
  const a = first * scale + COMPONENT_STEPS, b = second * scale + COMPONENT_STEPS, c = third * scale + COMPONENT_STEPS;
  // All three are positive, so cutting off the fraction rounds to the nearest.
  const ra = (a + 0.5) | 0, rb = (b + 0.5) | 0, rc = (c + 0.5) | 0;
  const slip = (ra - a) * first + (rb - b) * second + (rc - c) * third;
  if (Math.abs(slip) > MAX_SLIP_STEPS * size) return packAgainstSlip(largest, first, second, third, scale);
  return joinComponents(largest, ra, rb, rc);
}

/** Rounds the component that adds most to the slip the other way. */
function packAgainstSlip(largest: number, first: number, second: number, third: number, scale: number): number {
  const a = first * scale + COMPONENT_STEPS, b = second * scale + COMPONENT_STEPS, c = third * scale + COMPONENT_STEPS;
  const ra = (a + 0.5) | 0, rb = (b + 0.5) | 0, rc = (c + 0.5) | 0;
  const toward = (ra - a) * first + (rb - b) * second + (rc - c) * third < 0 ? -1 : 1;
  const slipA = (ra - a) * first * toward, slipB = (rb - b) * second * toward, slipC = (rc - c) * third * toward;
  if (slipA >= slipB && slipA >= slipC) return joinComponents(largest, ra - Math.sign(ra - a), rb, rc);
  if (slipB >= slipC) return joinComponents(largest, ra, rb - Math.sign(rb - b), rc);
  return joinComponents(largest, ra, rb, rc - Math.sign(rc - c));
}

function joinComponents(largest: number, a: number, b: number, c: number): number {
  return (largest << 30) | (a << 20) | (b << 10) | c;
}

/**
 * Unpacks what `packQuaternion` made, normalised. Any 32 bits give a unit quaternion.
 *
 * @param packed - signed or unsigned.
 * @param target - four floats from `offset` are overwritten.
 */
export function unpackQuaternion(packed: number, target: Float32Array, offset: number): void {
  let a = (((packed >>> 20) & 1023) - COMPONENT_STEPS) * STEP;
  let b = (((packed >>> 10) & 1023) - COMPONENT_STEPS) * STEP;
  let c = ((packed & 1023) - COMPONENT_STEPS) * STEP;
  const squares = a * a + b * b + c * c;
  let largest = 0;
  if (squares <= 1) {
    largest = Math.sqrt(1 - squares);
  } else {
    const norm = 1 / Math.sqrt(squares);
    a *= norm; b *= norm; c *= norm;
  }
  const index = packed >>> 30;
  target[offset] = index === 0 ? largest : a;
  target[offset + 1] = index === 1 ? largest : index === 0 ? a : b;
  target[offset + 2] = index === 2 ? largest : index === 3 ? c : b;
  target[offset + 3] = index === 3 ? largest : c;
}

/** Metres to int16 millimetres, to the nearest; `NOT_FINITE` for what is no number or beyond MAX_POSITION_M. */
export function quantisePosition(metres: number): number {
  const mm = metres * 1000;
  // Shifted to be positive, cutting off the fraction rounds down; NaN fails the comparison.
  return mm > -32767.5 && mm < 32767.5 ? ((mm + 32768.5) | 0) - 32768 : NOT_FINITE;
}

export function writeInt16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 255;
  bytes[offset + 1] = (value >> 8) & 255;
}

export function readInt16(bytes: Uint8Array, offset: number): number {
  return (((bytes[offset + 1]! << 8) | bytes[offset]!) << 16) >> 16;
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  writeInt16(bytes, offset, value);
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 1]! << 8) | bytes[offset]!;
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 255;
  bytes[offset + 1] = (value >>> 8) & 255;
  bytes[offset + 2] = (value >>> 16) & 255;
  bytes[offset + 3] = (value >>> 24) & 255;
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset) >>> 0;
}

export function readInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
}

/** Milliseconds to wire ticks, modulo 2^32. */
export function toTicks(timeMs: number): number {
  const ticks = Math.round(timeMs * TICKS_PER_MS);
  // The remainder operator on doubles is a slow call; this is exact too, as it divides by a power of two.
  return ticks - Math.floor(ticks / 4294967296) * 4294967296;
}

/** Wire ticks to the time in milliseconds that is nearest to `nearMs`: right while both are within 37 hours. */
export function fromTicks(ticks: number, nearMs: number): number {
  const nearTicks = Math.round(nearMs * TICKS_PER_MS);
  const difference = (ticks - toTicks(nearMs)) | 0;
  return (nearTicks + difference) / TICKS_PER_MS;
}
