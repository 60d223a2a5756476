/** The optional data folder: its hand poses and photos, and what is said of what is missing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateHand } from '../../../sim/headset/generated-hand.ts';
import { readDataFolder } from '../../../sim/source/data-folder.ts';
import { dataFolder } from '../../support/data-folder.ts';

const folder = dataFolder();

describe('a data folder', () => {
  it.skipIf(folder === undefined)('gives hand poses of the size of a hand and photos (needs the data sets)', async () => {
    const { handPoses, photos } = await readDataFolder(folder ?? '');
    expect(handPoses.length).toBeGreaterThan(20);
    expect(photos.length).toBeGreaterThan(5);
    for (const pose of handPoses) {
      const joints = new Float32Array(175);
      generateHand([pose], { side: 'left', seed: 1 }).write(1000, Float32Array.of(0, 1, 0, 0, 0, 0, 1), 0, joints, 0);
      expect(joints.every(Number.isFinite), pose.name).toBe(true);
      for (let joint = 1; joint < 25; joint++) {
        expect(Math.hypot(joints[joint * 7]! - joints[0]!, joints[joint * 7 + 1]! - joints[1]!, joints[joint * 7 + 2]! - joints[2]!), pose.name).toBeLessThan(0.25);
        expect(Math.hypot(...joints.subarray(joint * 7 + 3, joint * 7 + 7)), pose.name).toBeCloseTo(1, 4);
      }
    }
  });

  it('that is empty is used for nothing, and says so', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'data-'));
    const { handPoses, photos, notes } = await readDataFolder(empty);
    await rm(empty, { recursive: true });
    expect([handPoses, photos]).toEqual([[], []]);
    expect(notes.join('\n')).toMatch(/hand-poses.*was not found[\s\S]*photos.*was not found/);
  });
});
