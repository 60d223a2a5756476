/**
 * Who made an input, written into the input itself, so that it can be seen at the far end whose it was.
 *
 * Poses carry it in their first position, pictures in a comment, chat in its text; the simulated models copy it from
 * what they were given into what they answer.
 */
import type { InferenceRequest, ModelValue } from '../../server/flow.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_BYTES, HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';

/** Two small numbers, from 1. */
export interface Signature {
  readonly session: number;
  readonly headset: number;
}

export function sameSignature(one: Signature | undefined, other: Signature | undefined): boolean {
  return one !== undefined && one.session === other?.session && one.headset === other.headset;
}

export function describeSignature(signature: Signature | undefined): string {
  return signature === undefined ? 'nobody' : `headset ${signature.headset} of session ${signature.session}`;
}

// ── poses ───────────────────────────────────────────────────────────────────

/** Writes a head, and hands if wanted, whose first coordinates are the signature in millimetres. */
export function signPose(sample: PoseSample, { session, headset }: Signature, options: { readonly hands: boolean; readonly step: number }): void {
  const x = session / 1000;
  const y = headset / 1000;
  const z = -(options.step % 30_000) / 1000;
  sample.valid = PART_BITS.head | (options.hands ? PART_BITS.leftHand | PART_BITS.rightHand : 0);
  sample.tracked = sample.valid;
  for (let at = 0; at < 3 * POSE_FLOATS; at += POSE_FLOATS) sample.rigid.set([x, y, z, 0, 0, 0, 1], at);
  if (!options.hands) return;
  for (let at = 0; at < 2 * HAND_FLOATS; at += POSE_FLOATS) sample.hands.set([x, y, z, 0, 0, 0, 1], at);
}

/** A signature takes the last so many millimetres of a coordinate, so that a recorded movement keeps the rest of it. */
const SIGNED_MM = 64;

/** Signs a recorded sample: its head and its hands are moved by at most half of SIGNED_MM in x and in y. */
export function signRecordedPose(sample: PoseSample, signature: Signature): void {
  moveOntoSignature(sample.rigid, 0, POSE_FLOATS, signature);
  moveOntoSignature(sample.hands, 0, HAND_FLOATS, signature);
  moveOntoSignature(sample.hands, HAND_FLOATS, 2 * HAND_FLOATS, signature);
}

/** All poses from `from` to before `to` go along with the first, so that a hand keeps its shape. */
function moveOntoSignature(floats: Float32Array, from: number, to: number, { session, headset }: Signature): void {
  const [x, y] = [floats[from] ?? 0, floats[from + 1] ?? 0];
  const [moveX, moveY] = [signedCoordinate(x, session) - x, signedCoordinate(y, headset) - y];
  for (let at = from; at < to; at += POSE_FLOATS) {
    floats[at] = (floats[at] ?? 0) + moveX;
    floats[at + 1] = (floats[at + 1] ?? 0) + moveY;
  }
}

function signedCoordinate(metres: number, sign: number): number {
  return (Math.round((metres * 1000 - sign) / SIGNED_MM) * SIGNED_MM + sign) / 1000;
}

/** What a coordinate is signed with. */
function signOf(mm: number): number {
  return ((mm % SIGNED_MM) + SIGNED_MM) % SIGNED_MM;
}

export function signatureOfPose(sample: PoseSample): Signature {
  return { session: signOf(Math.round((sample.rigid[0] ?? 0) * 1000)), headset: signOf(Math.round((sample.rigid[1] ?? 0) * 1000)) };
}

// ── names and chat ──────────────────────────────────────────────────────────

/** A display name, and the beginning of every line of chat. */
export function signText({ session, headset }: Signature, tail = ''): string {
  return `${session}.${headset}.${tail}`;
}

export function signatureOfText(text: string): Signature | undefined {
  const match = /^(\d+)\.(\d+)\./.exec(text);
  return match === null ? undefined : { session: Number(match[1]), headset: Number(match[2]) };
}

// ── pictures ────────────────────────────────────────────────────────────────

/** The start of a picture and of a comment of two bytes. */
const MARKER = [0xff, 0xd8, 0xff, 0xfe, 0x00, 0x04];
/** Baseline, 8 bits, 240 x 320, one component. */
const FRAME_HEADER = [0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0xf0, 0x01, 0x40, 0x01, 0x01, 0x11, 0x00];

/** The header of a JPEG with the signature as its comment, padded to a size; there is no picture behind it. */
export function signedPicture({ session, headset }: Signature, bytes: number): Uint8Array {
  const header = [...MARKER, session, headset, ...FRAME_HEADER];
  const picture = new Uint8Array(Math.max(bytes, header.length));
  picture.set(header);
  return picture;
}

// ── what the models were given, and what they answer ────────────────────────

const decoder = new TextDecoder();

/** Read from the payload alone; undefined when no headset of this world signed it. */
export function signatureOfPayload({ task, payload }: Pick<InferenceRequest, 'task' | 'payload'>): Signature | undefined {
  if (task === 'language') return signatureOfText(decoder.decode(payload));
  if (task === 'gesture') return payload.length === HAND_BYTES ? handSignature(payload) : cameraHandSignature(payload);
  if (task === 'dynamic-gesture') return pathSignature(payload);
  const [session, headset] = payload.subarray(MARKER.length);
  const isSigned = MARKER.every((byte, at) => payload[at] === byte);
  return isSigned && session !== undefined && headset !== undefined ? { session, headset } : undefined;
}

function handSignature(payload: Uint8Array): Signature {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { session: signOf(view.getInt16(0, true)), headset: signOf(view.getInt16(2, true)) };
}

/** What `encodeCameraHand` made of landmarks: x and y of the first as float32 metres, y turned round. */
function cameraHandSignature(payload: Uint8Array): Signature {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { session: Math.round(view.getFloat32(0, true) * 1000), headset: -Math.round(view.getFloat32(4, true) * 1000) };
}

/** A window of a movement begins with where its head is: x and y as float32 metres. */
function pathSignature(payload: Uint8Array): Signature {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { session: signOf(Math.round(view.getFloat32(0, true) * 1000)), headset: signOf(Math.round(view.getFloat32(4, true) * 1000)) };
}

/** Whose input a value says that it is about; undefined when it says nothing, as a picture without hands. */
export function signatureOfValue(value: ModelValue): Signature | undefined {
  switch (value.task) {
    case 'gesture':
    case 'dynamic-gesture':
      return signatureOfText(value.label);
    case 'language':
      return signatureOfText(value.sentiment.label);
    case 'body-pose':
      return fromNumbers(value.keypoints);
    case 'body-3d':
    case 'body-landmarks':
    case 'hand-landmarks':
      return fromNumbers(value.world);
    case 'hands':
      return value.hands[0] && fromNumbers(value.hands[0].world);
    case 'hand-detection':
    case 'tensors':
      return undefined;
    default:
      return value satisfies never;
  }
}

/** Thousandths, so that they also pass for shares of a picture or metres. */
export function toNumbers({ session, headset }: Signature): [number, number] {
  return [session / 1000, headset / 1000];
}

function fromNumbers([session, headset]: readonly number[]): Signature {
  return { session: Math.round((session ?? 0) * 1000), headset: Math.round((headset ?? 0) * 1000) };
}
