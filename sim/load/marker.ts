/**
 * Who sent a pose, and when that was meant to be, written into the pose itself.
 *
 * A server maps capture times onto its own clock and need not keep them exact; it has to pass positions on. So the left
 * controller's position, three int16 of millimetres, carries 17 bits of the sender's number and 28 bits of time. The
 * latency that a receiver reads from it owes nothing to clock synchronisation, and is the same for servers that have none.
 */
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_BYTES, POSE_FLOATS, readInt16, TICKS_PER_MS, writeInt16 } from '../../protocol/codec/quantise.ts';

/** Senders have numbers below this. */
export const MAX_SENDERS = 2 ** 17;
/** Times repeat after this many ticks: 4.6 hours. */
const TIME_TICKS = 2 ** 28;
const TIME_PERIOD_MS = TIME_TICKS / TICKS_PER_MS;
/** An int16 other than -32768, which stands for "not a number", has room for 15 bits. */
const HALF = 2 ** 14;
const MASK = 2 ** 15 - 1;
/** Capture time, valid and tracked parts, then the head. */
const MARKER_OFFSET = 6 + POSE_BYTES;
const NEEDED_PARTS = PART_BITS.head | PART_BITS.leftController;

export interface Marker {
  readonly sender: number;
  /** On the machine's monotonic clock. */
  readonly intendedMs: number;
}

/** Writes a marker into an encoded sample that has a head and a left controller. @param sender - below MAX_SENDERS. */
export function writeMarker(sample: Uint8Array, offset: number, sender: number, intendedMs: number): void {
  const ticks = ((Math.round(intendedMs * TICKS_PER_MS) % TIME_TICKS) + TIME_TICKS) % TIME_TICKS;
  const at = offset + MARKER_OFFSET;
  writeInt16(sample, at, (ticks & MASK) - HALF);
  writeInt16(sample, at + 2, ((ticks >> 15) | ((sender & 3) << 13)) - HALF);
  writeInt16(sample, at + 4, (sender >> 2) - HALF);
}

/** Whether an encoded sample has the parts that a marker needs. */
export function canHoldMarker(sample: Uint8Array, offset: number): boolean {
  return (sample[offset + 4]! & NEEDED_PARTS) === NEEDED_PARTS;
}

/** The sender's number in an encoded sample. */
export function readSender(sample: Uint8Array, offset: number): number {
  const at = offset + MARKER_OFFSET;
  return (((readInt16(sample, at + 2) + HALF) >> 13) & 3) | ((readInt16(sample, at + 4) + HALF) << 2);
}

/** When the sample was meant to be captured. @param nearMs - within 2.3 hours of it. */
export function readIntendedMs(sample: Uint8Array, offset: number, nearMs: number): number {
  const at = offset + MARKER_OFFSET;
  const ticks = (readInt16(sample, at) + HALF) | (((readInt16(sample, at + 2) + HALF) & 8191) << 15);
  const ms = ticks / TICKS_PER_MS;
  return ms + Math.round((nearMs - ms) / TIME_PERIOD_MS) * TIME_PERIOD_MS;
}

/** The marker of a decoded sample, whose millimetres are whole ones again once rounded. @param scratch - 22 bytes or more, overwritten. */
export function markerOfSample(sample: PoseSample, scratch: Uint8Array): void {
  for (let axis = 0; axis < 3; axis++) writeInt16(scratch, MARKER_OFFSET + 2 * axis, Math.round((sample.rigid[POSE_FLOATS + axis] ?? 0) * 1000));
  scratch[4] = sample.valid;
}
