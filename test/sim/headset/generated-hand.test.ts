/** Generated hands: finite, through the measured poses, and with bones that keep their length. */
import { describe, expect, it } from 'vitest';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { generateHand } from '../../../sim/headset/generated-hand.ts';
import { handPoseFromPositions, measuredHandPoses, PARENTS, toLocal } from '../../../sim/headset/hand-poses.ts';

const GRIP = Float32Array.of(0.3, 1.1, -0.2, 0, 0.6, 0, 0.8);

function jointsAt(timeMs: number, side: 'left' | 'right'): Float32Array {
  const joints = new Float32Array(175);
  generateHand(measuredHandPoses(), { side, seed: 3 }).write(timeMs, GRIP, 0, joints, 0);
  return joints;
}

describe('the measured poses', () => {
  it('have 25 joints with unit quaternions, and fingers that reach along -z', () => {
    for (const { name, local } of measuredHandPoses()) {
      for (let joint = 0; joint < 25; joint++) expect(Math.hypot(...local.subarray(joint * 7 + 3, joint * 7 + 7)), name).toBeCloseTo(1, 4);
      expect(local[12 * 7 + 2], name).toBeLessThan(-0.02);
      expect(Math.hypot(...local.subarray(12 * 7, 12 * 7 + 3))).toBeLessThan(0.08);
    }
  });

  it('can be made from places alone', () => {
    const straight = Array.from({ length: 25 }, (_, joint): [number, number, number] => [0.01 * (joint % 5), 0, -0.02 * joint - 0.01]);
    const { local } = handPoseFromPositions('straight', straight);
    expect(local.every(Number.isFinite)).toBe(true);
    for (let joint = 1; joint < 25; joint++) expect(Math.hypot(...local.subarray(joint * 7 + 3, joint * 7 + 7))).toBeCloseTo(1, 5);
  });
});

describe.each(['left', 'right'] as const)('a generated %s hand', (side) => {
  it('is finite and encodes at every moment', () => {
    const sample = createPoseSample();
    sample.valid = side === 'left' ? PART_BITS.leftHand : PART_BITS.rightHand;
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    for (let timeMs = 0; timeMs < 20_000; timeMs += 137) {
      const joints = jointsAt(timeMs, side);
      expect(joints.every(Number.isFinite)).toBe(true);
      sample.hands.set(joints, side === 'left' ? 0 : 175);
      expect(typeof encodePoseSample(sample, bytes, 0)).toBe('number');
    }
  });

  it('reaches each of the measured poses', () => {
    const poses = measuredHandPoses();
    const hand = generateHand(poses, { side, seed: 3 });
    const seen = new Set<string>();
    for (let slot = 0; slot < 40; slot++) {
      const timeMs = slot * 1800 + 1000;
      const pose = poses.find(({ name }) => name === hand.poseNameAt(timeMs))!;
      seen.add(pose.name);
      const local = toLocal(jointsAt(timeMs, side));
      for (let joint = 1; joint < 25; joint++) {
        const mirror = side === 'left' ? 1 : -1;
        expect(local[joint * 7]!).toBeCloseTo(pose.local[joint * 7]! * mirror, 4);
        expect(local[joint * 7 + 1]!).toBeCloseTo(pose.local[joint * 7 + 1]!, 4);
        expect(local[joint * 7 + 2]!).toBeCloseTo(pose.local[joint * 7 + 2]!, 4);
      }
    }
    expect(seen.size).toBe(poses.length);
  });

  it('moves without a jump', () => {
    let before = jointsAt(0, side);
    for (let timeMs = 5; timeMs < 8000; timeMs += 5) {
      const after = jointsAt(timeMs, side);
      for (let joint = 0; joint < 25; joint++) {
        const moved = Math.hypot(after[joint * 7]! - before[joint * 7]!, after[joint * 7 + 1]! - before[joint * 7 + 1]!, after[joint * 7 + 2]! - before[joint * 7 + 2]!);
        expect(moved).toBeLessThan(0.01);
      }
      before = after;
    }
  });

  it('has its wrist behind the grip', () => {
    const joints = jointsAt(500, side);
    expect(Math.hypot(joints[0]! - GRIP[0]!, joints[1]! - GRIP[1]!, joints[2]! - GRIP[2]!)).toBeCloseTo(0.09, 4);
    expect(PARENTS[6]).toBe(5);
    expect(PARENTS[5]).toBe(0);
  });
});
