/** The TypeScript SDK's part of the comparison, a process of its own: codec-process.ts <inputs>. Measures once for each line on standard input, as client/cpp/test/codec-bench.cpp does. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Emitter } from '../../client/emitter.ts';
import { SessionView } from '../../client/session-view.ts';
import { ManualClock, systemClock } from '../../core/clock.ts';
import { readContainer } from '../../protocol/codec/container.ts';
import { DeltaSnapshotReader } from '../../protocol/codec/delta/delta-snapshot.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../protocol/codec/snapshot.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import { decodeInputs } from '../../test/client/kit/outcomes.ts';
import { PEOPLE, TICK_MS } from './data.ts';

const FRAME_MS = 1000 / 90;
const clock = systemClock();
const inputs = decodeInputs(readFileSync(process.argv[2] ?? ''));
const samples = inputs.filter(({ format }) => format === 'pose-sample').map(({ bytes }) => bytes);
const [hands, rigid] = [true, false].map((isHand) => samples.filter((bytes) => (((bytes[4] ?? 0) & PART_BITS.leftHand) !== 0) === isHand)) as [Uint8Array[], Uint8Array[]];
const snapshot = inputs.find(({ format }) => format === 'snapshot')?.bytes ?? new Uint8Array();
const deltas: Uint8Array[] = [];
for (const { format, bytes } of inputs) if (format === 'delta-stream') readContainer(bytes, (_kind, payload) => deltas.push(payload.slice()));
const frames = Math.ceil(((deltas.length - 1) * TICK_MS) / FRAME_MS - 1e-9) + 1;
const scratch = createPoseSample();
const encoded = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
/** Where results go, so that no compiler leaves the work out. */
let sink = 0;

const decodeAll = (all: readonly Uint8Array[]): PoseSample[] => all.map((bytes) => {
  const sample = createPoseSample();
  decodePoseSample(bytes, 0, 0, sample);
  return sample;
});
function encodeEach(all: readonly PoseSample[]): void {
  for (const sample of all) sink += Number(encodePoseSample(sample, encoded, 0));
}
function decodeEach(all: readonly Uint8Array[]): void {
  for (const bytes of all) sink += Number(decodePoseSample(bytes, 0, 0, scratch));
}

function readDeltas(): void {
  const reader = new DeltaSnapshotReader({ baselines: 0 });
  for (const bytes of deltas) {
    reader.read(bytes, 0, (_slot, { state }) => {
      sink += state.ints[0] ?? 0;
    });
  }
}

/** All frames of the stream: what has come is taken in, then everybody is drawn. */
function drawFrames(): void {
  const manual = new ManualClock();
  const view = new SessionView(manual, new Emitter(), { interpolate: true, snapshots: { acknowledge: () => undefined, askAnew: () => undefined } });
  const participants = Array.from({ length: PEOPLE }, (_, slot): ParticipantInfo => ({ slot, participantId: `p${slot}`, name: 'n', role: 'participant', presence: 'live' }));
  view.joined({ type: 'joined', session: 's', slot: PEOPLE, participantId: 'p', role: 'participant', grants: [], resumed: false, resumeToken: 't', resumeMs: 1, tickRateHz: 72, recording: false, participants });
  for (let next = 0; next < deltas.length; manual.advance(FRAME_MS)) {
    for (; next < deltas.length && next * TICK_MS <= manual.nowMs(); next++) view.take(deltas[next] as Uint8Array, 'deltaSnapshot');
    for (let slot = 0; slot < PEOPLE; slot++) {
      view.avatarNow(slot, scratch);
      sink += scratch.rigid[0] ?? 0;
    }
  }
}

/** Nanoseconds a call. */
function measure(sliceMs: number, calls: number, run: () => void): number {
  const startMs = clock.nowMs();
  let runs = 0;
  do {
    run();
    runs++;
  } while (clock.nowMs() - startMs < sliceMs);
  return ((clock.nowMs() - startMs) * 1e6) / runs / calls;
}

const [rigidSamples, handSamples] = [decodeAll(rigid), decodeAll(hands)];
for await (const line of createInterface({ input: process.stdin })) {
  const sliceMs = Number(line);
  console.log(JSON.stringify({
    'encode head + 2 controllers': measure(sliceMs, rigid.length, () => encodeEach(rigidSamples)),
    'decode head + 2 controllers': measure(sliceMs, rigid.length, () => decodeEach(rigid)),
    'encode head + 2 hands': measure(sliceMs, hands.length, () => encodeEach(handSamples)),
    'decode head + 2 hands': measure(sliceMs, hands.length, () => decodeEach(hands)),
    'decode a snapshot of 20': measure(sliceMs, 1, () => {
      decodeSnapshot(snapshot, 0, scratch, (slot) => {
        sink += slot;
      });
    }),
    'decode deltas of 20': measure(sliceMs, deltas.length, readDeltas),
    'a frame with 20': measure(sliceMs, frames, drawFrames),
  }));
}
process.exitCode = Number.isFinite(sink) ? 0 : 1;
