/**
 * A snapshot: the newest pose sample of every participant that moved since the one before, for one tick.
 *
 * Layout: u32 tick; u32 server time in 1/16 ms; u8 flags (bit 0: key, everybody is in it); u16 count; then for each
 * participant a u16 slot and its encoded pose sample, whose capture time is on the server's clock.
 */
import type { ErrorCode } from '../../core/errors.ts';
import { checkPoseSample, decodePoseSample, type PoseSample } from './pose-sample.ts';
import { fromTicks, readUint16, readUint32, toTicks, writeUint16, writeUint32 } from './quantise.ts';

export const SNAPSHOT_HEADER_BYTES = 11;
export const SNAPSHOT_ENTRY_BYTES = 2;

export interface SnapshotHeader {
  readonly tick: number;
  /** When it was made, server clock. */
  readonly serverMs: number;
  readonly key: boolean;
  readonly count: number;
}

/** One participant's part: the encoded sample with its capture time on the server's clock. */
export interface SnapshotEntry {
  readonly slot: number;
  /** Exactly one encoded pose sample. Read only. */
  readonly sample: Uint8Array;
}

/** Encodes a snapshot into a new buffer, which the caller owns. @bound one allocation, one copy of each sample. */
export function encodeSnapshot(header: { tick: number; serverMs: number; key: boolean }, entries: readonly SnapshotEntry[]): Uint8Array {
  let size = SNAPSHOT_HEADER_BYTES;
  for (const entry of entries) size += SNAPSHOT_ENTRY_BYTES + entry.sample.length;
  const bytes = new Uint8Array(size);
  writeUint32(bytes, 0, header.tick);
  writeUint32(bytes, 4, toTicks(header.serverMs));
  bytes[8] = header.key ? 1 : 0;
  writeUint16(bytes, 9, entries.length);
  let at = SNAPSHOT_HEADER_BYTES;
  for (const { slot, sample } of entries) {
    writeUint16(bytes, at, slot);
    bytes.set(sample, at + SNAPSHOT_ENTRY_BYTES);
    at += SNAPSHOT_ENTRY_BYTES + sample.length;
  }
  return bytes;
}

/**
 * Decodes a snapshot, calling `visit` for each participant once the whole has been seen to be well formed.
 *
 * @param nearMs - a server time within 37 hours.
 * @param scratch - overwritten for each participant; `visit` copies what it keeps.
 * @returns the header, or what is wrong.
 */
export function decodeSnapshot(
  bytes: Uint8Array,
  nearMs: number,
  scratch: PoseSample,
  visit: (slot: number, sample: PoseSample, sampleBytes: number) => void,
): SnapshotHeader | ErrorCode {
  const problem = checkSnapshot(bytes);
  if (problem !== undefined) return problem;
  const header = { tick: readUint32(bytes, 0), serverMs: fromTicks(readUint32(bytes, 4), nearMs), key: (bytes[8]! & 1) === 1, count: readUint16(bytes, 9) };
  let at = SNAPSHOT_HEADER_BYTES;
  for (let entry = 0; entry < header.count; entry++) {
    const slot = readUint16(bytes, at);
    const size = decodePoseSample(bytes, at + SNAPSHOT_ENTRY_BYTES, header.serverMs, scratch);
    if (typeof size === 'string') return size;
    visit(slot, scratch, size);
    at += SNAPSHOT_ENTRY_BYTES + size;
  }
  return header;
}

function checkSnapshot(bytes: Uint8Array): ErrorCode | undefined {
  if (bytes.length < SNAPSHOT_HEADER_BYTES || bytes[8]! > 1) return 'MESSAGE_INVALID';
  const count = readUint16(bytes, 9);
  let at = SNAPSHOT_HEADER_BYTES;
  for (let entry = 0; entry < count; entry++) {
    const size = checkPoseSample(bytes, at + SNAPSHOT_ENTRY_BYTES);
    if (typeof size === 'string') return size;
    at += SNAPSHOT_ENTRY_BYTES + size;
  }
  return at === bytes.length ? undefined : 'MESSAGE_INVALID';
}
