/** The streams behind the golden vectors of delta snapshots. */
import type { PoseSampleValue } from './formats.ts';
import { poseSampleFormat, toHex } from './formats.ts';
import { type Case, hand, HEAD, LEFT_CONTROLLER, RIGHT_CONTROLLER } from './cases.ts';
import type { DeltaEntryValue, DeltaSnapshotValue } from './delta-format.ts';

/** Between two samples, ms; not quite even, as with a real device. */
const STEP_MS = 13.875;
const START_MS = 60000;

/** A head that turns through a place where another component becomes the largest, and controllers that go along. */
function moving(step: number, changes: Partial<PoseSampleValue> = {}): string {
  const angle = 0.2 + 0.09 * step;
  const head = [...HEAD.slice(0, 3).map((at, axis) => at + 0.004 * step * (axis - 1)), 0.05 * Math.sin(step), Math.sin(angle), -0.02, Math.cos(angle)];
  const shifted = (pose: readonly number[], by: number): number[] => pose.map((value, at) => (at < 3 ? value + by * (step + 0.1 * step * step) : value + 0.01 * step * (at - 4)));
  return sampleHex({
    captureMs: START_MS + STEP_MS * step + (step % 3) / 16,
    tracked: 7,
    spaceEpoch: 0,
    parts: { head, leftController: shifted(LEFT_CONTROLLER, 0.003), rightController: shifted(RIGHT_CONTROLLER, -0.006) },
    ...changes,
  });
}

/** A head and hands whose fingers close, with a wrist that moves. */
function grasping(step: number, tracked = 25): string {
  const place = (joints: readonly (readonly number[])[]): number[][] => joints.map(([x = 0, y = 0, z = 0, ...turn]) => [x, y + 0.003 * step, z - 0.001 * step * step, ...turn]);
  const parts = { head: HEAD, leftHand: place(hand(-1, 0.1 + 0.04 * step)), rightHand: place(hand(1, 0.5 - 0.015 * step)) };
  return sampleHex({ captureMs: START_MS + 27.8125 * step, tracked, spaceEpoch: 2, parts });
}

function sampleHex(value: PoseSampleValue): string {
  return toHex(poseSampleFormat.encode(value));
}

function snapshot(tick: number, entries: DeltaEntryValue[], changes: Partial<DeltaSnapshotValue> = {}): DeltaSnapshotValue {
  return { tick, serverMs: START_MS + 14 * (tick % 1000), key: false, acknowledge: false, entries, ...changes };
}

const key = (slot: number, hex: string, tier = 0): DeltaEntryValue => ({ slot, mode: 'key', tier, sampleHex: hex });
const chain = (slot: number, hex: string, tier = 0): DeltaEntryValue => ({ slot, mode: 'chain', tier, sampleHex: hex });
const against = (slot: number, baselineTick: number, hex: string, tier = 0): DeltaEntryValue => ({ slot, mode: 'baseline', tier, baselineTick, sampleHex: hex });

const STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const STILL: PoseSampleValue = { captureMs: START_MS, tracked: 1, spaceEpoch: 0, parts: { head: HEAD } };
const CORNER = [32.767, -32.767, 32.767, 0, 0, 0, 1];
const OTHER_CORNER = [-32.767, 32.767, -32.767, 0.5, -0.5, -0.5, 0.5];

export const DELTA_STREAMS: readonly Case<readonly DeltaSnapshotValue[]>[] = [
  { name: 'a key snapshot of an empty session', value: [snapshot(1, [], { key: true })] },
  {
    name: 'a head that turns on, with two controllers',
    value: [snapshot(0, [key(3, moving(0))], { key: true }), ...STEPS.map((step) => snapshot(step, [chain(3, moving(step))]))],
    nearMs: START_MS,
  },
  {
    name: 'a key in the middle takes the movement along, and tiers differ',
    value: [
      snapshot(10, [key(0, moving(0)), key(40, moving(1), 2)]),
      snapshot(11, [chain(0, moving(1))]),
      snapshot(12, [key(0, moving(2), 1)]),
      snapshot(14, [chain(0, moving(4), 1), chain(40, moving(5), 2), key(1023, moving(3), 7)]),
    ],
    nearMs: START_MS,
  },
  {
    name: 'hands that close',
    value: [snapshot(0, [key(5, grasping(0), 1)]), ...STEPS.map((step) => snapshot(2 * step, [chain(5, grasping(step, step === 4 ? 9 : 25), 1)]))],
    nearMs: START_MS,
  },
  {
    name: 'parts that come and go, another space, and a time that goes back',
    value: [
      snapshot(4294967294, [key(1, moving(0))]),
      snapshot(4294967295, [chain(1, moving(1, { tracked: 1, parts: { head: HEAD } }))]),
      snapshot(0, [chain(1, moving(2))]),
      snapshot(1, [chain(1, moving(3, { spaceEpoch: 1 }))]),
      snapshot(2, [chain(1, moving(4, { spaceEpoch: 1, captureMs: START_MS - 5000 }))]),
      snapshot(3, [chain(1, moving(5, { tracked: 0, spaceEpoch: 1, parts: {} }))]),
      snapshot(4, [chain(1, grasping(1))]),
    ],
    nearMs: START_MS,
  },
  {
    name: 'from one corner of the range to the other, so that numbers are escaped, after a day',
    value: [
      snapshot(7, [key(0, sampleHex({ ...STILL, parts: { head: CORNER } }))]),
      snapshot(8, [chain(0, sampleHex({ ...STILL, captureMs: START_MS + 86400000, parts: { head: OTHER_CORNER } }))]),
      snapshot(9, [chain(0, sampleHex({ ...STILL, captureMs: START_MS + 86400013.875, parts: { head: CORNER } }))]),
    ],
    nearMs: START_MS,
  },
  {
    name: 'told by what has been acknowledged',
    value: [
      snapshot(16, [key(2, moving(0)), key(6, grasping(0), 1)], { acknowledge: true }),
      snapshot(17, [against(2, 16, moving(1))], { acknowledge: true }),
      snapshot(18, [against(2, 16, moving(2)), against(6, 16, grasping(2), 1)], { acknowledge: true }),
      snapshot(40, [against(2, 18, moving(9)), against(6, 16, grasping(7), 3)], { acknowledge: true }),
    ],
    nearMs: START_MS,
  },
];
