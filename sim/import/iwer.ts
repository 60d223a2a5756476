/**
 * Imports what iwer's ActionRecorder writes: `{schema: [[index, input]], frames: [[t, px, py, pz, qx, qy, qz, qw, inputs...]]}`.
 *
 * Each input of a frame is `[index, target ray (7), grip (7)?, hand (25 x 8)?, gamepad?]`. The joints of a hand are in the
 * space of the target ray, not of the room, with a radius after each pose.
 */
import { Quaternion, Vector3 } from 'three';
import { createPoseSample, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { HAND_JOINTS } from '../../protocol/joints.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { elements, finite, finiteList, member, parseJson, refuse, type Place } from './json-place.ts';
import { PoseTrackBuilder, type PoseTrack } from './pose-track.ts';

interface InputSchema {
  /** 0 left, 1 right; undefined for an input that is on neither side. */
  readonly side: number | undefined;
  readonly hasGrip: boolean;
  readonly hasHand: boolean;
  /** For each recorded joint, its place in HAND_JOINTS. */
  readonly joints: readonly number[];
}

const POSE_AT = 1;
const INPUTS_AT = 8;
/** A pose and a radius. */
const JOINT_NUMBERS = 8;

/**
 * Reads a recording.
 *
 * @param name - what the track is called.
 * @throws CopresenceError RECORDING_INVALID with the place.
 */
export function importIwer(text: string, name: string): PoseTrack {
  const root = parseJson(text);
  const schemas = readSchemas(member(root, 'schema'));
  const frames = member(root, 'frames');
  const builder = new PoseTrackBuilder();
  const sample = createPoseSample();
  for (const frame of elements(frames)) {
    const parts = elements(frame);
    const timeMs = finite(parts[0] ?? frame);
    sample.valid = PART_BITS.head;
    writePose(numbersFrom(frame, parts, POSE_AT), sample.rigid, 0);
    for (const input of parts.slice(INPUTS_AT)) readInput(input, schemas, sample);
    sample.tracked = sample.valid;
    builder.add(timeMs, sample);
  }
  if (builder.length < 2) refuse(frames, 'has fewer than two frames');
  return builder.build(name, 'measured');
}

function readSchemas(place: Place): Map<number, InputSchema> {
  return new Map(elements(place).map((entry) => {
    const [index, schema] = elements(entry);
    if (index === undefined || schema === undefined) return refuse(entry, 'is not an index and an input');
    const hasHand = member(schema, 'hasHand').value === true;
    const handedness = member(schema, 'handedness').value;
    const side = handedness === 'left' ? 0 : handedness === 'right' ? 1 : undefined;
    return [finite(index), { side, hasGrip: member(schema, 'hasGrip').value === true, hasHand, joints: hasHand ? readJoints(schema) : [] }];
  }));
}

function readJoints(schema: Place): number[] {
  return elements(member(schema, 'jointSequence')).map((joint) => {
    const index = HAND_JOINTS.findIndex((known) => known === joint.value);
    return index === -1 ? refuse(joint, 'is no joint of a hand') : index;
  });
}

function readInput(input: Place, schemas: ReadonlyMap<number, InputSchema>, sample: PoseSample): void {
  const parts = elements(input);
  const schema = schemas.get(finite(parts[0] ?? input));
  if (schema === undefined) return refuse(input, 'is of an input that the schema does not have');
  if (schema.side === undefined) return;
  const ray = numbersFrom(input, parts, POSE_AT);
  const rest = parts.slice(POSE_AT + POSE_FLOATS);
  const grip = schema.hasGrip ? rest.shift() : undefined;
  const hand = schema.hasHand ? rest.shift() : undefined;
  // A bare hand has no controller beside it.
  if (grip !== undefined || hand === undefined) {
    writePose(grip === undefined ? ray : finiteList(grip, POSE_FLOATS), sample.rigid, (1 + schema.side) * POSE_FLOATS);
    sample.valid |= PART_BITS.leftController << schema.side;
  }
  if (hand === undefined) return;
  writeHand(finiteList(hand, schema.joints.length * JOINT_NUMBERS), { schema, side: schema.side, ray }, sample);
}

const rayPosition = new Vector3();
const rayOrientation = new Quaternion();
const position = new Vector3();
const orientation = new Quaternion();

function writeHand(numbers: readonly number[], from: { schema: InputSchema; side: number; ray: readonly number[] }, sample: PoseSample): void {
  rayPosition.fromArray(from.ray);
  rayOrientation.fromArray(from.ray, 3).normalize();
  from.schema.joints.forEach((joint, index) => {
    position.fromArray(numbers, index * JOINT_NUMBERS).applyQuaternion(rayOrientation).add(rayPosition);
    orientation.fromArray(numbers, index * JOINT_NUMBERS + 3).normalize().premultiply(rayOrientation);
    const at = from.side * HAND_FLOATS + joint * POSE_FLOATS;
    position.toArray(sample.hands, at);
    orientation.toArray(sample.hands, at + 3);
  });
  sample.valid |= PART_BITS.leftHand << from.side;
}

function numbersFrom(whole: Place, parts: readonly Place[], start: number): number[] {
  if (parts.length < start + POSE_FLOATS) refuse(whole, 'ends before its pose does');
  return parts.slice(start, start + POSE_FLOATS).map(finite);
}

/** The recorder rounds to three digits, so its quaternions are made unit again. */
function writePose(numbers: readonly number[], into: Float32Array, at: number): void {
  into.set(numbers.slice(0, 3), at);
  orientation.fromArray(numbers, 3).normalize().toArray(into, at + 3);
}
