/**
 * Which delta snapshots have arrived, where some may not.
 *
 * Layout: u32 newest tick; u32, whose bit n says whether the snapshot n + 1 ticks before it has arrived too.
 */
import type { ErrorCode } from '../../core/errors.ts';
import { readUint32, writeUint32 } from './quantise.ts';

export const ACKNOWLEDGEMENT_BYTES = 8;
/** Ticks before the newest of which an acknowledgement tells. */
export const ACKNOWLEDGED_BEFORE = 32;

export interface Acknowledgement {
  readonly tick: number;
  /** Unsigned, 32 bits. */
  readonly earlier: number;
}

export function encodeAcknowledgement({ tick, earlier }: Acknowledgement): Uint8Array {
  const bytes = new Uint8Array(ACKNOWLEDGEMENT_BYTES);
  writeUint32(bytes, 0, tick);
  writeUint32(bytes, 4, earlier);
  return bytes;
}

export function decodeAcknowledgement(bytes: Uint8Array): Acknowledgement | ErrorCode {
  if (bytes.length !== ACKNOWLEDGEMENT_BYTES) return 'MESSAGE_INVALID';
  return { tick: readUint32(bytes, 0), earlier: readUint32(bytes, 4) };
}

/** Whether the snapshot of a tick is among those that have arrived. */
export function acknowledges({ tick, earlier }: Acknowledgement, asked: number): boolean {
  const before = (tick - asked) | 0;
  if (before === 0) return true;
  return before > 0 && before <= ACKNOWLEDGED_BEFORE && ((earlier >>> (before - 1)) & 1) === 1;
}
