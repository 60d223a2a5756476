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

/** Times on the wire are in 1/16 ms, modulo 2^32 (74.5 hours). */
export const TICKS_PER_MS = 16;

/**
 * How far the largest component, as the decoder rebuilds it, may slip through the rounding of the other three, in steps.
 * Where all four are near 1/2 and all round the same way it slips by 1.5 steps, and the angle by 0.27 degrees.
 */
const MAX_SLIP_STEPS = 0.6;

/**
 * Packs a unit quaternion into 32 bits: 2 bits say which component is largest, 3 x 10 bits hold the others.
 *
 * @returns an unsigned 32-bit integer: index << 30 | first << 20 | second << 10 | third, in order x, y, z, w.
 * Error at most 0.18 degrees. The input need not be exactly of unit length; zero gives the identity.
 */
export function packQuaternion(x: number, y: number, z: number, w: number): number {
  const ax = Math.abs(x), ay = Math.abs(y), az = Math.abs(z), aw = Math.abs(w);
  let largest = 3, size = aw;
  if (ax > size) { largest = 0; size = ax; }
  if (ay > size) { largest = 1; size = ay; }
  if (az > size) { largest = 2; size = az; }
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  if (!(length > 1e-9)) return joinComponents(3, 0, 0, 0);
  const scale = (SQRT2 * COMPONENT_STEPS) / length;
  switch (largest) {
    case 0: return packComponents(0, y, z, w, x < 0 ? -scale : scale, size * scale);
    case 1: return packComponents(1, x, z, w, y < 0 ? -scale : scale, size * scale);
    case 2: return packComponents(2, x, y, w, z < 0 ? -scale : scale, size * scale);
    default: return packComponents(3, x, y, z, w < 0 ? -scale : scale, size * scale);
  }
}

/** Rounds the three components times `scale`; where the largest would slip too far, the worst one goes the other way. */
function packComponents(largest: number, first: number, second: number, third: number, scale: number, largestSteps: number): number {
  const a = first * scale, b = second * scale, c = third * scale;
  const ra = Math.round(a), rb = Math.round(b), rc = Math.round(c);
  const slipA = (ra - a) * a, slipB = (rb - b) * b, slipC = (rc - c) * c;
  const slip = slipA + slipB + slipC;
  if (Math.abs(slip) <= MAX_SLIP_STEPS * largestSteps) return joinComponents(largest, ra, rb, rc);
  const toward = Math.sign(slip);
  const worst = Math.max(slipA * toward, slipB * toward, slipC * toward);
  if (slipA * toward === worst) return joinComponents(largest, ra - Math.sign(ra - a), rb, rc);
  if (slipB * toward === worst) return joinComponents(largest, ra, rb - Math.sign(rb - b), rc);
  return joinComponents(largest, ra, rb, rc - Math.sign(rc - c));
}

function joinComponents(largest: number, a: number, b: number, c: number): number {
  return ((largest << 30) | ((a + COMPONENT_STEPS) << 20) | ((b + COMPONENT_STEPS) << 10) | (c + COMPONENT_STEPS)) >>> 0;
}

/**
 * Unpacks what `packQuaternion` made, normalised. Any 32 bits give a unit quaternion.
 *
 * @param target - four floats from `offset` are overwritten.
 */
export function unpackQuaternion(packed: number, target: Float32Array, offset: number): void {
  const scale = 1 / (SQRT2 * COMPONENT_STEPS);
  const a = (((packed >>> 20) & 1023) - COMPONENT_STEPS) * scale;
  const b = (((packed >>> 10) & 1023) - COMPONENT_STEPS) * scale;
  const c = ((packed & 1023) - COMPONENT_STEPS) * scale;
  const squares = a * a + b * b + c * c;
  const largest = Math.sqrt(Math.max(0, 1 - squares));
  const norm = squares > 1 ? 1 / Math.sqrt(squares) : 1;
  const index = packed >>> 30;
  target[offset] = index === 0 ? largest : a * norm;
  target[offset + 1] = index === 1 ? largest : index === 0 ? a * norm : b * norm;
  target[offset + 2] = index === 2 ? largest : index === 3 ? c * norm : b * norm;
  target[offset + 3] = index === 3 ? largest : c * norm;
}

/** Metres to int16 millimetres; `NOT_FINITE` for NaN and infinities, undefined behaviour avoided by the caller's range check. */
export function quantisePosition(metres: number): number {
  return Number.isFinite(metres) ? Math.round(metres * 1000) : NOT_FINITE;
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
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}

/** Milliseconds to wire ticks, modulo 2^32. */
export function toTicks(timeMs: number): number {
  const ticks = Math.round(timeMs * TICKS_PER_MS) % 4294967296;
  return ticks < 0 ? ticks + 4294967296 : ticks;
}

/** Wire ticks to the time in milliseconds that is nearest to `nearMs`: right while both are within 37 hours. */
export function fromTicks(ticks: number, nearMs: number): number {
  const nearTicks = Math.round(nearMs * TICKS_PER_MS);
  const difference = (ticks - toTicks(nearMs)) | 0;
  return (nearTicks + difference) / TICKS_PER_MS;
}
