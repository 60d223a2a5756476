/** The values behind the golden vectors of the binary formats. */
import { HAND_JOINT_COUNT } from '../joints.ts';
import type { Acknowledgement } from '../codec/acknowledgement.ts';
import type { FramedValue, PoseSampleValue, SnapshotValue, VideoChunkValue } from './formats.ts';

/** A value to encode; `nearMs` is the time with which a decoder unwraps its times. */
export interface Case<Value> {
  readonly name: string;
  readonly value: Value;
  readonly nearMs?: number;
}

const HALF = Math.SQRT1_2;

export const QUATERNIONS: readonly Case<readonly number[]>[] = [
  { name: 'identity', value: [0, 0, 0, 1] },
  { name: 'half a turn about x', value: [1, 0, 0, 0] },
  { name: 'half a turn about y', value: [0, 1, 0, 0] },
  { name: 'half a turn about z', value: [0, 0, 1, 0] },
  { name: 'a quarter turn about y', value: [0, HALF, 0, HALF] },
  { name: 'a negative w is the same turn', value: [0.1, -0.2, 0.3, -0.9273618495] },
  { name: 'x is largest and negative', value: [-0.8, 0.2, -0.4, 0.4] },
  { name: 'y is largest', value: [0.1, 0.9, -0.3, 0.3] },
  { name: 'z is largest', value: [-0.3, 0.1, 0.9, 0.3] },
  { name: 'all components nearly equal', value: [0.49, -0.495, 0.48, 0.53] },
  { name: 'not of unit length', value: [0, 0.6, 0, 1.6] },
  { name: 'zero gives the identity', value: [0, 0, 0, 0] },
];

export const HEAD = [0.12, 1.68, -0.35, 0.05, 0.38, -0.02, 0.9234];
export const LEFT_CONTROLLER = [-0.28, 1.12, -0.61, -0.31, 0.12, 0.08, 0.9397];
export const RIGHT_CONTROLLER = [0.33, 1.05, -0.58, -0.28, -0.15, -0.11, 0.9418];

export const POSES: readonly Case<readonly number[]>[] = [
  { name: 'the origin', value: [0, 0, 0, 0, 0, 0, 1] },
  { name: 'a head', value: HEAD },
  { name: 'a controller', value: LEFT_CONTROLLER },
  { name: 'the furthest corner', value: [32.767, 32.767, 32.767, 0, 0, 0, 1] },
  { name: 'the opposite corner', value: [-32.767, -32.767, -32.767, 0, 0, 0, 1] },
  { name: 'rounds to the nearest millimetre', value: [0.0014, -0.0016, 0.0026, 0, 0, 0, 1] },
];

/** A hand whose fingers bend by `bend` radians a joint; side -1 is the left one. */
export function hand(side: 1 | -1, bend: number): number[][] {
  const wrist = [0.25 * side, 1.1, -0.4, 0.1, 0.2 * side, 0.05, 0.97];
  const joints = [wrist];
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const thumb = joint < 5;
    const finger = thumb ? 0 : Math.floor((joint - 5) / 5) + 1;
    const along = thumb ? joint : ((joint - 5) % 5) + 1;
    const angle = bend * (along - 1);
    const reach = 0.035 + 0.03 * along;
    joints.push([
      0.25 * side + side * (thumb ? -0.03 - 0.008 * along : 0.02 * (finger - 2.5)),
      1.1 - reach * Math.sin(angle) * 0.7,
      -0.4 - reach * Math.cos(angle),
      ...[-Math.sin(angle / 2), 0.1 * side, 0.02, Math.cos(angle / 2)],
    ]);
  }
  return joints;
}

const LEFT_HAND = hand(-1, 0.15);
const RIGHT_HAND = hand(1, 0.3);

export const HANDS: readonly Case<readonly (readonly number[])[]>[] = [
  { name: 'an open left hand', value: LEFT_HAND },
  { name: 'a bent right hand', value: RIGHT_HAND },
  { name: 'every joint in one place', value: Array.from({ length: HAND_JOINT_COUNT }, () => [1, 1, 1, 0, 0, 0, 1]) },
  { name: 'a tip further than a byte reaches, moved to the edge', value: LEFT_HAND.map((joint, index) => (index === 24 ? [-0.25, 1.1, -0.9, ...joint.slice(3)] : joint)) },
];

export const POSE_SAMPLES: readonly Case<PoseSampleValue>[] = [
  { name: 'nothing is known', value: { captureMs: 0, tracked: 0, spaceEpoch: 0, parts: {} } },
  { name: 'a head', value: { captureMs: 1234.5, tracked: 1, spaceEpoch: 0, parts: { head: HEAD } } },
  {
    name: 'a head and two controllers, the left one estimated',
    value: { captureMs: 98765.0625, tracked: 5, spaceEpoch: 1, parts: { head: HEAD, leftController: LEFT_CONTROLLER, rightController: RIGHT_CONTROLLER } },
    nearMs: 98700,
  },
  {
    name: 'a head and two hands',
    value: { captureMs: 5000, tracked: 25, spaceEpoch: 7, parts: { head: HEAD, leftHand: LEFT_HAND, rightHand: RIGHT_HAND } },
    nearMs: 4000,
  },
  { name: 'a right hand alone', value: { captureMs: 5000, tracked: 0, spaceEpoch: 2, parts: { rightHand: RIGHT_HAND } } },
  {
    name: 'everything',
    value: {
      captureMs: 60000.5,
      tracked: 31,
      spaceEpoch: 3,
      parts: { head: HEAD, leftController: LEFT_CONTROLLER, rightController: RIGHT_CONTROLLER, leftHand: LEFT_HAND, rightHand: RIGHT_HAND },
    },
  },
  { name: 'a time after the counter went round, near a time before', value: { captureMs: 268435460, tracked: 1, spaceEpoch: 0, parts: { head: HEAD } }, nearMs: 268435400 },
  { name: 'a negative time', value: { captureMs: -12.25, tracked: 0, spaceEpoch: 0, parts: {} } },
];

const sampleOf = (index: number): PoseSampleValue => POSE_SAMPLES[index]?.value as PoseSampleValue;

export const SNAPSHOTS: readonly Case<SnapshotValue>[] = [
  { name: 'a key snapshot of an empty session', value: { tick: 1, serverMs: 100, key: true, entries: [] } },
  { name: 'one who moved', value: { tick: 4294967295, serverMs: 1300, key: false, entries: [{ slot: 3, sample: sampleOf(1) }] } },
  {
    name: 'a key snapshot of three',
    value: {
      tick: 4321,
      serverMs: 60010,
      key: true,
      entries: [
        { slot: 0, sample: { ...sampleOf(2), captureMs: 59990 } },
        { slot: 7, sample: { ...sampleOf(3), captureMs: 59999.9375 } },
        { slot: 1023, sample: { ...sampleOf(0), captureMs: 60000 } },
      ],
    },
    nearMs: 60000,
  },
];

export const ACKNOWLEDGEMENTS: readonly Case<Acknowledgement>[] = [
  { name: 'the newest alone', value: { tick: 7, earlier: 0 } },
  { name: 'every second one, over the end of the count', value: { tick: 3, earlier: 0xaaaaaaaa } },
];

export const VIDEO_CHUNKS: readonly Case<VideoChunkValue>[] = [
  { name: 'a JPEG (its first and last bytes only)', value: { captureMs: 2000.5, codec: 'jpeg', kind: 'key', width: 640, height: 480, bytesHex: 'ffd8ffe000104a464946ffd9' } },
  { name: 'the largest picture', value: { captureMs: 3000, codec: 'jpeg', kind: 'key', width: 1920, height: 1080, bytesHex: 'ffd8ffd9' } },
  { name: 'a VP8 key picture (its header only)', value: { captureMs: 3500, codec: 'vp8', kind: 'key', width: 320, height: 240, bytesHex: '1002009d012a4001f000' } },
  { name: 'a VP8 delta', value: { captureMs: 4000, codec: 'vp8', kind: 'delta', width: 320, height: 240, bytesHex: '310100' } },
  { name: 'a VP8 delta that no later picture needs', value: { captureMs: 4066.5, codec: 'vp8', kind: 'delta', discardable: true, width: 320, height: 240, bytesHex: '310100' } },
  { name: 'an H.264 delta, in Annex B', value: { captureMs: 4133, codec: 'h264', kind: 'delta', width: 1280, height: 720, bytesHex: '00000001419a' } },
];

export const CONTAINERS: readonly Case<readonly FramedValue[]>[] = [
  { name: 'one message', value: [{ kind: 2, payloadHex: '000102' }] },
  { name: 'an empty payload', value: [{ kind: 1, payloadHex: '' }] },
  { name: 'three messages', value: [{ kind: 1, payloadHex: '80' }, { kind: 2, payloadHex: '00112233' }, { kind: 16, payloadHex: 'ff' }] },
  { name: 'the longest payload with one byte of length', value: [{ kind: 2, payloadHex: 'a5'.repeat(127) }] },
  { name: 'the shortest payload with two bytes of length', value: [{ kind: 2, payloadHex: 'a5'.repeat(128) }, { kind: 2, payloadHex: '5a' }] },
  { name: 'a kind that this version does not know', value: [{ kind: 200, payloadHex: 'c0ffee' }] },
];
