/** What bytes of any kind are read as, in one line each, so that decoders in several languages can be compared on the same inputs. See client/cpp/test/outcomes.hpp. */
import type { ErrorCode } from '../../../core/errors.ts';
import { readContainer } from '../../../protocol/codec/container.ts';
import { decodeDown } from '../../../protocol/codec/control.ts';
import { writeAvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import { DeltaSnapshotReader } from '../../../protocol/codec/delta/delta-snapshot.ts';
import { decodeHand, HAND_BYTES, HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample, decodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../../protocol/codec/snapshot.ts';

/** In the order of their numbers in the file. */
export const INPUT_FORMATS = ['container', 'pose-sample', 'snapshot', 'delta-stream', 'hand', 'control'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];
export interface Input {
  readonly format: InputFormat;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 5;

/** One input after the other: u8 format, u32 length, bytes. */
export function encodeInputs(inputs: readonly Input[]): Uint8Array {
  const file = new Uint8Array(inputs.reduce((size, { bytes }) => size + HEADER_BYTES + bytes.length, 0));
  const view = new DataView(file.buffer);
  let at = 0;
  for (const { format, bytes } of inputs) {
    file[at] = INPUT_FORMATS.indexOf(format);
    view.setUint32(at + 1, bytes.length, true);
    file.set(bytes, at + HEADER_BYTES);
    at += HEADER_BYTES + bytes.length;
  }
  return file;
}

export function decodeInputs(file: Uint8Array): Input[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const inputs: Input[] = [];
  for (let at = 0; at + HEADER_BYTES <= file.length;) {
    const start = at + HEADER_BYTES;
    const end = start + view.getUint32(at + 1, true);
    inputs.push({ format: INPUT_FORMATS[file[at] ?? 0] ?? 'control', bytes: file.slice(start, end) });
    at = end;
  }
  return inputs;
}

/** A line for each input: the code, or NONE, and a hash over what came out. */
export function outcomesOf(file: Uint8Array): string[] {
  return decodeInputs(file).map(({ format, bytes }) => {
    const hash = new Hash();
    return `${READERS[format](bytes, hash) ?? 'NONE'} ${hash.toString()}`;
  });
}

/** FNV-1a. */
class Hash {
  #value = 2166136261;

  add(value: number, bytes: number): void {
    for (let at = 0; at < bytes; at++) this.#value = Math.imul(this.#value ^ ((value >>> (8 * at)) & 255), 16777619) >>> 0;
  }

  addAll(bytes: Uint8Array): void {
    for (const byte of bytes) this.add(byte, 1);
  }

  toString(): string {
    return this.#value.toString(16).padStart(8, '0');
  }
}

const READERS: Readonly<Record<InputFormat, (bytes: Uint8Array, hash: Hash) => ErrorCode | undefined>> = {
  container: (bytes, hash) => readContainer(bytes, (kind, payload) => {
    hash.add(kind, 1);
    hash.addAll(payload);
  }),
  'pose-sample'(bytes, hash) {
    const sample = createPoseSample();
    const size = decodePoseSample(bytes, 0, 0, sample);
    if (typeof size === 'string') return size;
    hash.add(size, 4);
    for (const value of [sample.valid, sample.tracked, sample.spaceEpoch]) hash.add(value, 1);
    return undefined;
  },
  snapshot(bytes, hash) {
    const header = decodeSnapshot(bytes, 0, createPoseSample(), (slot, { valid }) => {
      hash.add(slot, 2);
      hash.add(valid, 1);
    });
    return typeof header === 'string' ? header : undefined;
  },
  'delta-stream'(bytes, hash) {
    const reader = new DeltaSnapshotReader({ baselines: 4 });
    const sample = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    return readContainer(bytes, (_kind, payload) => {
      const snapshot = reader.read(payload, 0, (slot, { state, tier, isKey }) => {
        hash.add(slot, 2);
        hash.add(tier, 1);
        hash.add(isKey ? 1 : 0, 1);
        hash.addAll(sample.subarray(0, writeAvatarState(state, sample, 0)));
      });
      hash.add(typeof snapshot === 'string' ? 1 : 0, 1);
      if (typeof snapshot !== 'string') for (const slot of snapshot.missing) hash.add(slot, 2);
    });
  },
  hand: (bytes) => (bytes.length < HAND_BYTES ? 'MESSAGE_INVALID' : decodeHand(bytes, 0, new Float32Array(HAND_FLOATS), 0) ? undefined : 'POSE_NOT_FINITE'),
  control: (bytes) => (decodeDown(bytes).kind === 'message' ? undefined : 'MESSAGE_INVALID'),
};
