/** The codecs that the benchmark compares: each encodes and decodes the same recorded samples. */
import { type ArraySchema, Decoder, Encoder, schema, type SchemaType } from '@colyseus/schema';
import { Packr, FLOAT32_OPTIONS } from 'msgpackr';
import { assert } from '../core/assert.ts';
import { decodeAvatarDelta, decodeAvatarKey, encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from '../protocol/codec/delta/avatar-delta.ts';
import { createAvatarState, readAvatarState, toPoseSample } from '../protocol/codec/delta/avatar-state.ts';
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../protocol/joints.ts';

/** What is sent: the poses of a sample's valid parts, in a row. */
export interface Shape {
  readonly name: string;
  readonly valid: number;
  readonly poseCount: number;
}

export const SHAPES: readonly Shape[] = [
  { name: 'head + 2 controllers', valid: 7, poseCount: 3 },
  { name: 'head + 2 x 25 joints', valid: 25, poseCount: 1 + 2 * HAND_JOINT_COUNT },
];

/** One codec, set up for one shape and one run of samples. */
export interface Candidate {
  readonly name: string;
  /** Encodes sample `index`; the result is valid until the next call. */
  encode(index: number): Uint8Array | string;
  /** Decodes what `encode` made of sample `index`, in order; a coordinate of it, so that the work cannot be left out. */
  decode(index: number): number;
  /** All floats of the last decoded sample, to check that nothing was lost. */
  decoded(): number[];
}

/** @param samples - read only; every part of theirs is valid. */
export function createCandidates(shape: Shape, samples: readonly PoseSample[]): Candidate[] {
  const trees = samples.map((sample) => toTree(sample, shape));
  return [
    copresence(shape, samples),
    copresenceDelta(shape, samples),
    objectCodec('JSON', trees, (tree) => JSON.stringify(tree), (text) => JSON.parse(text) as Tree),
    objectCodec('msgpackr', trees, ...packrWith(new Packr({ useRecords: false }))),
    objectCodec('msgpackr, float32 and records', trees, ...packrWith(new Packr({ structures: [], useFloat32: FLOAT32_OPTIONS.ALWAYS }))),
    colyseus(shape, samples),
    dataView(shape, samples),
  ];
}

/** The floats of the valid parts: what every candidate has to carry. */
export function floatsOf(sample: PoseSample, { valid }: Shape): number[] {
  const parts = [0, 1, 2].filter((part) => (valid & (1 << part)) !== 0).flatMap((part) => [...sample.rigid.subarray(part * POSE_FLOATS, (part + 1) * POSE_FLOATS)]);
  const hands = [0, 1].filter((hand) => (valid & (8 << hand)) !== 0).flatMap((hand) => [...sample.hands.subarray(hand * HAND_FLOATS, (hand + 1) * HAND_FLOATS)]);
  return [...parts, ...hands];
}

function copresence(shape: Shape, samples: readonly PoseSample[]): Candidate {
  const masked = samples.map((sample) => ({ ...sample, valid: shape.valid, tracked: shape.valid }));
  const buffer = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(masked[0] as PoseSample, buffer, 0);
  assert(typeof size === 'number', `recorded samples can be encoded, but ${size}`);
  const view = buffer.subarray(0, size);
  const into = createPoseSample();
  const stored = masked.map((sample) => {
    encodePoseSample(sample, buffer, 0);
    return view.slice();
  });
  return {
    name: 'copresence',
    encode(index) {
      encodePoseSample(masked[index] as PoseSample, buffer, 0);
      return view;
    },
    decode(index) {
      decodePoseSample(stored[index] as Uint8Array, 0, 0, into);
      return into.rigid[0] as number;
    },
    decoded: () => floatsOf(into, shape),
  };
}

/**
 * As the server does it: from the bytes that a client sent to a blob of its chain. The first sample is a key; a pass through the samples
 * jumps back to it, as a receiver does who has missed something.
 */
function copresenceDelta(shape: Shape, samples: readonly PoseSample[]): Candidate {
  const plain = copresence(shape, samples);
  const stored = samples.map((_, index) => (plain.encode(index) as Uint8Array).slice());
  const states = stored.map((bytes) => {
    const state = createAvatarState();
    assert(readAvatarState(bytes, 0, state) === bytes.length, 'encoded samples can be read');
    return state;
  });
  const buffer = new Uint8Array(MAX_BLOB_BYTES);
  const read = createAvatarState();
  const into = createAvatarState();
  const older = createAvatarState();
  const sample = createPoseSample();
  const encode = (index: number): Uint8Array => {
    readAvatarState(stored[index] as Uint8Array, 0, read);
    const reference = states[index - 1];
    return buffer.subarray(0, reference === undefined ? encodeAvatarKey(read, undefined, buffer, 0) : encodeAvatarDelta(read, reference, states[index - 2], buffer, 0));
  };
  const blobs = samples.map((_, index) => encode(index).slice());
  return {
    name: 'copresence delta',
    encode,
    decode(index) {
      const blob = blobs[index] as Uint8Array;
      const reference = states[index - 1];
      const problem = reference === undefined ? decodeAvatarKey(blob, 0, blob.length, into, older) : decodeAvatarDelta(blob, 0, blob.length, reference, states[index - 2], into);
      if (problem !== undefined) return NaN;
      toPoseSample(into, 0, sample);
      return sample.rigid[0] as number;
    },
    decoded: () => floatsOf(sample, shape),
  };
}

interface Tree {
  captureMs: number;
  poses: { position: { x: number; y: number; z: number }; orientation: { x: number; y: number; z: number; w: number } }[];
}

function toTree(sample: PoseSample, shape: Shape): Tree {
  const floats = floatsOf(sample, shape);
  const at = (index: number): number => floats[index] as number;
  const poses = Array.from({ length: shape.poseCount }, (_, pose) => {
    const from = pose * POSE_FLOATS;
    return { position: { x: at(from), y: at(from + 1), z: at(from + 2) }, orientation: { x: at(from + 3), y: at(from + 4), z: at(from + 5), w: at(from + 6) } };
  });
  return { captureMs: sample.captureMs, poses };
}

function packrWith(packr: Packr): [(tree: Tree) => Uint8Array, (bytes: Uint8Array) => Tree] {
  return [(tree) => packr.pack(tree), (bytes) => packr.unpack(bytes) as Tree];
}

function objectCodec<Encoded extends Uint8Array | string>(name: string, trees: readonly Tree[], encode: (tree: Tree) => Encoded, decode: (bytes: Encoded) => Tree): Candidate {
  const stored = trees.map((tree) => encode(tree));
  let last = trees[0] as Tree;
  return {
    name,
    encode: (index) => encode(trees[index] as Tree),
    decode(index) {
      last = decode(stored[index] as Encoded);
      return last.poses[0]?.position.x ?? NaN;
    },
    decoded: () => last.poses.flatMap(({ position: p, orientation: q }) => [p.x, p.y, p.z, q.x, q.y, q.z, q.w]),
  };
}

const ColyseusPose = schema({ x: 'float32', y: 'float32', z: 'float32', qx: 'float32', qy: 'float32', qz: 'float32', qw: 'float32' }, 'Pose');
type ColyseusPose = SchemaType<typeof ColyseusPose>;
const ColyseusSample = schema({ captureMs: 'float64', poses: { array: ColyseusPose } }, 'Sample');
type ColyseusSample = SchemaType<typeof ColyseusSample>;

/** State is kept on both sides and changes are sent, so encoding is: assign, encode the changes, forget them. */
function colyseus(shape: Shape, samples: readonly PoseSample[]): Candidate {
  const rows = samples.map((sample) => floatsOf(sample, shape));
  const state = new ColyseusSample();
  for (let pose = 0; pose < shape.poseCount; pose++) (state.poses as ArraySchema<ColyseusPose>).push(new ColyseusPose());
  const encoder = new Encoder(state);
  const mirror = new ColyseusSample();
  const decoder = new Decoder(mirror);
  decoder.decode(encoder.encodeAll().slice());
  encoder.discardChanges();
  const encode = (index: number): Uint8Array => {
    assign(state, rows[index] as number[], (samples[index] as PoseSample).captureMs);
    const bytes = encoder.encode();
    encoder.discardChanges();
    return bytes;
  };
  const stored = samples.map((_, index) => Buffer.from(encode(index)));
  return {
    name: '@colyseus/schema',
    encode,
    decode(index) {
      decoder.decode(stored[index] as Buffer);
      return mirror.poses[0]?.x ?? NaN;
    },
    decoded: () => [...(mirror.poses as ArraySchema<ColyseusPose>)].flatMap(({ x, y, z, qx, qy, qz, qw }) => [x, y, z, qx, qy, qz, qw]),
  };
}

function assign(state: ColyseusSample, floats: readonly number[], captureMs: number): void {
  state.captureMs = captureMs;
  let at = 0;
  for (const pose of state.poses as ArraySchema<ColyseusPose>) {
    pose.x = floats[at++] as number;
    pose.y = floats[at++] as number;
    pose.z = floats[at++] as number;
    pose.qx = floats[at++] as number;
    pose.qy = floats[at++] as number;
    pose.qz = floats[at++] as number;
    pose.qw = floats[at++] as number;
  }
}

/** A float64 of time, then every float as it is. */
function dataView(shape: Shape, samples: readonly PoseSample[]): Candidate {
  const rows = samples.map((sample) => Float32Array.from(floatsOf(sample, shape)));
  const bytes = new Uint8Array(8 + 4 * POSE_FLOATS * shape.poseCount);
  const view = new DataView(bytes.buffer);
  const into = new Float32Array(POSE_FLOATS * shape.poseCount);
  const encode = (index: number): Uint8Array => {
    const floats = rows[index] as Float32Array;
    view.setFloat64(0, (samples[index] as PoseSample).captureMs, true);
    for (let at = 0; at < floats.length; at++) view.setFloat32(8 + 4 * at, floats[at] as number, true);
    return bytes;
  };
  const stored = samples.map((_, index) => encode(index).slice());
  return {
    name: 'float32 DataView',
    encode,
    decode(index) {
      const source = stored[index] as Uint8Array;
      const reader = new DataView(source.buffer, source.byteOffset, source.byteLength);
      const captureMs = reader.getFloat64(0, true);
      for (let at = 0; at < into.length; at++) into[at] = reader.getFloat32(8 + 4 * at, true);
      return captureMs + (into[0] as number);
    },
    decoded: () => [...into],
  };
}
