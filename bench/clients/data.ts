/** What the clients' codecs are measured with: the same bytes for all of them, made of recorded movement. */
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import { createAvatarState, readAvatarState } from '../../protocol/codec/delta/avatar-state.ts';
import { AvatarChainWriter } from '../../protocol/codec/delta/chain.ts';
import { encodeDeltaSnapshot, type DeltaEntry } from '../../protocol/codec/delta/delta-snapshot.ts';
import { encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';
import { encodeInputs, type Input } from '../../test/client/kit/outcomes.ts';
import { recordedSamples } from '../codec-data.ts';

export const PEOPLE = 20;
export const TICK_MS = 1000 / 72;
/** Two seconds. */
const TICKS = 144;
const SAMPLES = 100;
/** Everybody moves as the same recording does, begun so many samples later than the one before. */
const APART = 7;
const RIGID = PART_BITS.head | PART_BITS.leftController | PART_BITS.rightController;
const HANDS = PART_BITS.head | PART_BITS.leftHand | PART_BITS.rightHand;

/** A file as of outcomes.ts: samples of head and controllers, as many of head and hands, a snapshot of 20 with hands, and a stream of delta snapshots of 20 with hands as one packet. */
export function benchInputs(): Uint8Array {
  const recorded = recordedSamples(TICKS + PEOPLE * APART);
  const bytesOf = (index: number, valid: number, captureMs: number): Uint8Array => encode(recorded[index] as PoseSample, valid, captureMs);
  const samples = [RIGID, HANDS].flatMap((valid) => Array.from({ length: SAMPLES }, (_, index): Input => ({ format: 'pose-sample', bytes: bytesOf(index, valid, index * TICK_MS) })));
  const people = Array.from({ length: PEOPLE }, (_, slot) => slot);
  const snapshot = encodeSnapshot({ tick: 0, serverMs: 0, key: true }, people.map((slot) => ({ slot, sample: bytesOf(slot * APART, HANDS, 0) })));
  const chains = people.map(() => new AvatarChainWriter());
  const state = createAvatarState();
  const stream = Array.from({ length: TICKS }, (_, tick) => {
    const entries = chains.map((chain, slot): DeltaEntry => {
      readAvatarState(bytesOf(tick + slot * APART, HANDS, tick * TICK_MS), 0, state);
      chain.advance(state);
      return tick === 0 ? { slot, mode: 'key', tier: 0, blob: chain.key() ?? new Uint8Array() } : { slot, mode: 'chain', blob: chain.delta() ?? new Uint8Array() };
    });
    return frameMessage(KIND.deltaSnapshot, encodeDeltaSnapshot({ tick, serverMs: tick * TICK_MS, key: tick === 0, acknowledge: false }, entries));
  });
  return encodeInputs([...samples, { format: 'snapshot', bytes: snapshot }, { format: 'delta-stream', bytes: Buffer.concat(stream) }]);
}

function encode(sample: PoseSample, valid: number, captureMs: number): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample({ ...sample, valid, tracked: valid, captureMs }, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.subarray(0, size);
}
