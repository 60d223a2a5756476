/** Worlds whose headsets move as people in recordings did. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';
import { readMotions, RecordedMotion } from '../../../sim/world/recorded-motion.ts';
import { signatureOfPose } from '../../../sim/world/signature.ts';
import { runWorld } from '../../../sim/world/world.ts';
import { writeGood } from '../../recording/support.ts';
import { outcomes } from './support/broken-pieces.ts';

const SIGNATURE = { session: 3, headset: 14 };

/** Two people of a recording, one with a hand. */
async function recordedMotions(): Promise<Awaited<ReturnType<typeof readMotions>>> {
  const folder = await mkdtemp(join(tmpdir(), 'motion-'));
  try {
    await writeFile(join(folder, 'two.mcap'), await writeGood());
    return await readMotions(join(folder, 'two.mcap'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a recorded motion', () => {
  it('is signed so that the wire brings the signature through, and stays within 3.2 cm of what was recorded', async () => {
    const [track] = await packagedTracks(1);
    const motion = new RecordedMotion([track!], seededRandom(1));
    const [sample, back] = [createPoseSample(), createPoseSample()];
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const heights: number[] = [];
    let pausesMs = 0;
    for (let step = 0; step < track!.timesMs.length; step++) {
      pausesMs += motion.take(sample, SIGNATURE);
      expect(encodePoseSample(sample, bytes, 0)).toBeTypeOf('number');
      decodePoseSample(bytes, 0, 0, back);
      expect(signatureOfPose(back)).toEqual(SIGNATURE);
      heights.push(sample.rigid[1]!);
    }
    // Once around: every pause, and every height, as recorded.
    expect(pausesMs).toBeCloseTo((track!.timesMs.at(-1) ?? 0) * (1 + 1 / (track!.timesMs.length - 1)), 3);
    const recorded = Array.from({ length: track!.timesMs.length }, (_, index) => track!.rigid[index * 21 + 1]!);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(heights) - mean(recorded))).toBeLessThan(0.032);
  });

  it('keeps the shape of a hand', async () => {
    const track = (await recordedMotions()).find(({ hands }) => hands !== undefined)!;
    const sample = createPoseSample();
    new RecordedMotion([track], seededRandom(2)).take(sample, SIGNATURE);
    expect(sample.valid & PART_BITS.rightHand).toBe(PART_BITS.rightHand);
    const [wrist, tip] = [175, 175 + 24 * 7];
    for (const axis of [0, 1, 2]) expect(sample.hands[tip + axis]! - sample.hands[wrist + axis]!).toBeCloseTo(track.hands![tip + axis]! - track.hands![wrist + axis]!, 5);
  });
});

describe('a world with a recording', () => {
  it('keeps every rule, and is the same again from the same seed', async () => {
    const seed = 17;
    const motions = [...(await recordedMotions()), ...(await packagedTracks(2))];
    const [once, again] = [await runWorld({ seed, minutes: 0.05, motions }), await runWorld({ seed, minutes: 0.05, motions })];
    expect(once.violation).toBeUndefined();
    expect(again).toEqual(once);
    expect((await runWorld({ seed, minutes: 0.05 })).hash).not.toBe(once.hash);
  });

  it('still notices answers that are swapped', async () => {
    const motions = (await recordedMotions()).filter(({ hands }) => hands !== undefined);
    const pool = outcomes((outcome) => (outcome.kind === 'done' ? { ...outcome, items: [...outcome.items].reverse() } : outcome));
    const plan = { sessions: 1, headsets: 6, devices: 1, batchPolicy: 'auto', costScale: 1, maxBatchSize: 8, videoHz: 0, hands: true, spectatorShare: 0, refusingShare: 0, intruders: 0, thieves: 0 } as const;
    const { violation } = await runWorld({ seed: 2, minutes: 0.1, motions, plan, sabotage: { pool } });
    expect(violation?.rule).toMatch(/right-answer|isolation/);
  });
});
