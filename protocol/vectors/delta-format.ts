/** Delta snapshots as plain JSON values: those of one stream in a row, since each leans on those before it. */
import { assert } from '../../core/assert.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { frameMessage, KIND, readContainer } from '../codec/container.ts';
import { createAvatarState, readAvatarState, writeAvatarState, type AvatarState } from '../codec/delta/avatar-state.ts';
import { AvatarBaselineWriter } from '../codec/delta/baselines.ts';
import { AvatarChainWriter } from '../codec/delta/chain.ts';
import { type DeltaEntry, DeltaSnapshotReader, encodeDeltaSnapshot } from '../codec/delta/delta-snapshot.ts';
import { MAX_POSE_SAMPLE_BYTES } from '../codec/pose-sample.ts';
import type { Format } from './format.ts';

/** Samples that a reader keeps to be told by: more than any stream of the vectors goes back. */
const BASELINES = 64;

export interface DeltaEntryValue {
  slot: number;
  mode: 'key' | 'chain' | 'baseline';
  tier: number;
  baselineTick?: number;
  /** The sample as it would stand in a snapshot of kind 16. */
  sampleHex: string;
}

export interface DeltaSnapshotValue {
  tick: number;
  serverMs: number;
  key: boolean;
  acknowledge: boolean;
  entries: DeltaEntryValue[];
}

interface Writers {
  readonly chain: AvatarChainWriter;
  readonly baselines: AvatarBaselineWriter;
}

/** A packet whose messages are all delta snapshots. With `acknowledge` a key has no movement, since what follows continues none. */
export const deltaStreamFormat: Format<readonly DeltaSnapshotValue[]> = {
  encode(snapshots) {
    const writers = new Map<number, Writers>();
    const framed = snapshots.map((snapshot) => {
      const entries = snapshot.entries.map((entry) => encodeEntry(entry, snapshot, writers));
      return frameMessage(KIND.deltaSnapshot, encodeDeltaSnapshot(snapshot, entries));
    });
    return Uint8Array.from(Buffer.concat(framed));
  },
  decode(bytes, nearMs) {
    const payloads: Uint8Array[] = [];
    const problem = readContainer(bytes, (_, payload) => payloads.push(payload));
    if (problem !== undefined) return problem;
    const reader = new DeltaSnapshotReader({ baselines: BASELINES });
    const snapshots: DeltaSnapshotValue[] = [];
    for (const payload of payloads) {
      const snapshot = decodeOne(reader, payload, nearMs);
      if (typeof snapshot === 'string') return snapshot;
      snapshots.push(snapshot);
    }
    return snapshots;
  },
};

function encodeEntry(value: DeltaEntryValue, snapshot: DeltaSnapshotValue, writers: Map<number, Writers>): DeltaEntry {
  const { slot, mode, tier, baselineTick } = value;
  const { chain, baselines } = writers.get(slot) ?? { chain: new AvatarChainWriter(), baselines: new AvatarBaselineWriter(BASELINES) };
  writers.set(slot, { chain, baselines });
  const state = createAvatarState();
  assert(typeof readAvatarState(Buffer.from(value.sampleHex, 'hex'), 0, state) === 'number', `slot ${slot} is no sample`);
  chain.advance(state);
  baselines.advance(snapshot.tick, state);
  const blob = mode === 'chain' ? chain.delta() : mode === 'baseline' ? baselines.against(baselineTick ?? 0) : snapshot.acknowledge ? baselines.key() : chain.key();
  assert(blob !== undefined, `slot ${slot} in tick ${snapshot.tick} cannot be told as ${mode}`);
  if (mode === 'chain') return { slot, mode, blob };
  return mode === 'key' ? { slot, mode, tier, blob } : { slot, mode, tier, baselineTick: baselineTick ?? 0, blob };
}

function decodeOne(reader: DeltaSnapshotReader, payload: Uint8Array, nearMs: number): DeltaSnapshotValue | ErrorCode {
  const entries: DeltaEntryValue[] = [];
  const snapshot = reader.read(payload, nearMs, (slot, { state, tier, isKey, baselineTick }) => {
    const mode = isKey ? 'key' : baselineTick === undefined ? 'chain' : 'baseline';
    entries.push({ slot, mode, tier, ...(baselineTick === undefined ? {} : { baselineTick }), sampleHex: sampleHex(state) });
  });
  if (typeof snapshot === 'string') return snapshot;
  const { tick, serverMs, key, acknowledge, missing } = snapshot;
  // A vector shows what is told, so all of it has to be known.
  return missing.length > 0 ? 'MESSAGE_INVALID' : { tick, serverMs, key, acknowledge, entries };
}

function sampleHex(state: AvatarState): string {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return Buffer.from(bytes.subarray(0, writeAvatarState(state, bytes, 0))).toString('hex');
}
