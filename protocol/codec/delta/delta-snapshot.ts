/**
 * A snapshot whose samples are told as blobs, each of which is made once for all receivers.
 *
 * Layout: u32 tick; u32 server time in 1/16 ms; u8 flags (bit 0: everybody is in it, and whole; bit 1: the sender wants acknowledgements); then for each
 * participant, slots ascending: LEB128 of the slots left out since the one before times four, plus the entry's mode; with mode 0 a u8 with the tier; with
 * mode 2 a LEB128 of eight times how many ticks ago the baseline was sent, plus the tier; LEB128 of the blob's length; the blob.
 */
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../limits.ts';
import { fromTicks, readUint32, toTicks, writeUint32 } from '../quantise.ts';
import type { AvatarState } from './avatar-state.ts';
import { AvatarHistory } from './baselines.ts';
import { AvatarChainReader } from './chain.ts';

export const DELTA_SNAPSHOT_HEADER_BYTES = 9;
/** How an entry's blob is to be read: whole, after the one before, or after the one sent with a tick. */
export const DELTA_MODES = { key: 0, chain: 1, baseline: 2 } as const;

export interface DeltaSnapshotHeader {
  readonly tick: number;
  /** When it was made, server clock. */
  readonly serverMs: number;
  /** Everybody is in it, and whole. */
  readonly key: boolean;
  /** The sender tells what differs from what it knows to have arrived. */
  readonly acknowledge: boolean;
}

/** One participant's part. The blob is read only. */
export type DeltaEntry =
  /** `tier`: the slot comes every 2^tier ticks at most, from here on. */
  | { readonly slot: number; readonly mode: 'key'; readonly tier: number; readonly blob: Uint8Array }
  | { readonly slot: number; readonly mode: 'chain'; readonly blob: Uint8Array }
  | { readonly slot: number; readonly mode: 'baseline'; readonly tier: number; readonly baselineTick: number; readonly blob: Uint8Array };

/** What a snapshot tells of one participant. */
export interface ToldState {
  /** Read only, and overwritten later. */
  readonly state: AvatarState;
  readonly tier: number;
  /** Of the entry. */
  readonly bytes: number;
  /** It does not lean on an earlier one. */
  readonly isKey: boolean;
  /** The tick of the sample that it is told by; undefined for a key and in a chain. */
  readonly baselineTick: number | undefined;
}

const MOST_TIERS = 8;

/** What a snapshot told. */
export interface DeltaSnapshot extends DeltaSnapshotHeader {
  /** Participants in it. */
  readonly count: number;
  /** Slots whose sample cannot be known, since what it is told by is not there: they need a key. */
  readonly missing: readonly number[];
}

const KEY = 1;
const ACKNOWLEDGE = 2;
const NONE: readonly number[] = [];

/**
 * Joins blobs to a snapshot, in a new buffer that the caller owns.
 *
 * @param entries - slots strictly ascending.
 * @bound one allocation, one copy of each blob.
 */
export function encodeDeltaSnapshot(header: DeltaSnapshotHeader, entries: readonly DeltaEntry[]): Uint8Array {
  let size = DELTA_SNAPSHOT_HEADER_BYTES;
  let previous = -1;
  for (const entry of entries) {
    size += entryHeadBytes(entry, header.tick, previous) + entry.blob.length;
    previous = entry.slot;
  }
  const bytes = new Uint8Array(size);
  writeUint32(bytes, 0, header.tick);
  writeUint32(bytes, 4, toTicks(header.serverMs));
  bytes[8] = (header.key ? KEY : 0) | (header.acknowledge ? ACKNOWLEDGE : 0);
  let at = DELTA_SNAPSHOT_HEADER_BYTES;
  previous = -1;
  for (const entry of entries) {
    at = writeLength(bytes, at, ((entry.slot - previous - 1) << 2) | DELTA_MODES[entry.mode]);
    if (entry.mode === 'key') bytes[at++] = entry.tier;
    if (entry.mode === 'baseline') at = writeLength(bytes, at, baselineHead(entry, header.tick));
    at = writeLength(bytes, at, entry.blob.length);
    bytes.set(entry.blob, at);
    at += entry.blob.length;
    previous = entry.slot;
  }
  return bytes;
}

/** Bytes of an entry beside its blob. @param previousSlot - of the entry before; -1 for the first. */
export function entryHeadBytes(entry: DeltaEntry, tick: number, previousSlot: number): number {
  const told = entry.mode === 'chain' ? 0 : entry.mode === 'key' ? 1 : lengthBytes(baselineHead(entry, tick));
  return lengthBytes((entry.slot - previousSlot - 1) << 2) + told + lengthBytes(entry.blob.length);
}

function baselineHead({ tier, baselineTick }: { readonly tier: number; readonly baselineTick: number }, tick: number): number {
  return MOST_TIERS * ((tick - baselineTick) >>> 0) + tier;
}

/** The header of a snapshot, to ignore one that is late before it is read; undefined when it is cut off or has an unknown flag. */
export function readDeltaSnapshotHeader(bytes: Uint8Array, nearMs: number): DeltaSnapshotHeader | undefined {
  if (bytes.length < DELTA_SNAPSHOT_HEADER_BYTES || bytes[8]! > (KEY | ACKNOWLEDGE)) return undefined;
  return { tick: readUint32(bytes, 0), serverMs: fromTicks(readUint32(bytes, 4), nearMs), key: (bytes[8]! & KEY) !== 0, acknowledge: (bytes[8]! & ACKNOWLEDGE) !== 0 };
}

interface Entry {
  readonly slot: number;
  readonly participant: Participant;
  readonly tier: number;
  readonly bytes: number;
  readonly isKey: boolean;
  readonly baselineTick: number | undefined;
}

interface Participant {
  readonly chain: AvatarChainReader;
  readonly history: AvatarHistory | undefined;
  tier: number;
}

/** The receiving side: what it has of every participant. */
export class DeltaSnapshotReader {
  readonly #participants = new Map<number, Participant>();
  readonly #baselines: number;
  #decoded: Entry[] = [];
  #missing: number[] = [];
  #at = 0;

  /** @param baselines - samples of each participant that are kept to be told by; 0 on a stream that keeps its order. */
  constructor({ baselines }: { baselines: number }) {
    this.#baselines = baselines;
  }

  /**
   * Takes a snapshot, calling `visit` for each participant whose sample is known, once the whole has been seen to be well formed.
   *
   * @param nearMs - a server time within 37 hours.
   * @returns what it told, or what is wrong; then it had no effect.
   */
  read(bytes: Uint8Array, nearMs: number, visit: (slot: number, told: ToldState) => void): DeltaSnapshot | ErrorCode {
    const header = readDeltaSnapshotHeader(bytes, nearMs);
    if (header === undefined) return 'MESSAGE_INVALID';
    this.#decoded.length = 0;
    this.#missing = [];
    this.#at = DELTA_SNAPSHOT_HEADER_BYTES;
    let count = 0;
    for (let slot = -1; this.#at < bytes.length; count++) {
      const next = this.#readEntry(bytes, header, slot);
      if (typeof next === 'string') return next;
      slot = next;
    }
    for (const { slot, participant, tier, bytes: size, isKey, baselineTick } of this.#decoded) {
      participant.chain.commit();
      participant.tier = tier;
      const state = participant.chain.newest;
      participant.history?.add(header.tick, state);
      this.#participants.set(slot, participant);
      visit(slot, { state, tier, bytes: size, isKey, baselineTick });
    }
    return { ...header, count, missing: this.#missing.length === 0 ? NONE : this.#missing };
  }

  /** The newest sample of a participant; undefined before the first. Read only, and overwritten later. */
  newest(slot: number): AvatarState | undefined {
    return this.#participants.get(slot)?.chain.newest;
  }

  /** Drops what is known of a participant who left. */
  forget(slot: number): void {
    this.#participants.delete(slot);
  }

  /** Decodes one entry at `#at`, without effect yet. @returns its slot, or what is wrong. */
  #readEntry(bytes: Uint8Array, header: DeltaSnapshotHeader, previous: number): number | ErrorCode {
    const entryAt = this.#at;
    const head = this.#readLength(bytes);
    const slot = previous + 1 + (head >> 2);
    const mode = head & 3;
    const told = mode === DELTA_MODES.baseline ? this.#readLength(bytes) : mode === DELTA_MODES.key ? (bytes[this.#at++] ?? -1) : 0;
    const age = told < 0 ? -1 : told >> 3;
    const baselineTick = (header.tick - age) >>> 0;
    const length = this.#readLength(bytes);
    const start = this.#at;
    this.#at += length;
    const bad = head < 0 || (mode === DELTA_MODES.key && told >= MOST_TIERS) || mode > DELTA_MODES.baseline || age < 0 || length < 0 || this.#at > bytes.length || slot >= LIMITS.participantsPerSession;
    if (bad || (header.key && mode !== DELTA_MODES.key)) return 'MESSAGE_INVALID';
    const participant = this.#participants.get(slot) ?? this.#meet(mode);
    const baseline = mode === DELTA_MODES.baseline ? participant?.history?.at(baselineTick) : undefined;
    const isTold = mode === DELTA_MODES.key || (mode === DELTA_MODES.chain ? participant?.chain.follows === true : baseline !== undefined);
    if (participant === undefined || !isTold) {
      this.#missing.push(slot);
      return slot;
    }
    const { chain } = participant;
    const problem = mode === DELTA_MODES.key ? chain.decodeKey(bytes, start, this.#at) : baseline === undefined ? chain.decodeDelta(bytes, start, this.#at) : chain.decodeAgainst(baseline, bytes, start, this.#at);
    if (problem !== undefined) return problem;
    const tier = mode === DELTA_MODES.chain ? participant.tier : told & (MOST_TIERS - 1);
    this.#decoded.push({ slot, participant, tier, bytes: this.#at - entryAt, isKey: mode === DELTA_MODES.key, baselineTick: baseline === undefined ? undefined : baselineTick });
    return slot;
  }

  /** A participant of whom a key is the first that comes; nothing is kept for others. */
  #meet(mode: number): Participant | undefined {
    if (mode !== DELTA_MODES.key) return undefined;
    return { chain: new AvatarChainReader(), history: this.#baselines > 0 ? new AvatarHistory(this.#baselines) : undefined, tier: 0 };
  }

  /** A LEB128 of at most 4 bytes at `#at`; -1 when it is cut off, longer, or longer than it need be. */
  #readLength(bytes: Uint8Array): number {
    let value = 0;
    for (let shift = 0; shift < 28 && this.#at < bytes.length; shift += 7) {
      const byte = bytes[this.#at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return byte === 0 && shift > 0 ? -1 : value;
    }
    return -1;
  }
}

function writeLength(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

function lengthBytes(value: number): number {
  return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}
