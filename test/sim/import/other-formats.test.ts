/** BVH and head traces: made-up files whose numbers are known, real ones where they are, and malformed ones. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Quaternion, Vector3 } from 'three';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { guessUnit } from '../../../sim/import/bvh-skeleton.ts';
import { importBvh } from '../../../sim/import/bvh.ts';
import { importHeadTrace } from '../../../sim/import/head-trace.ts';
import type { Imported } from '../../../sim/import/imported.ts';

const DATA = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

interface Frame {
  readonly timeMs: number;
  readonly valid: number;
  readonly tracked: number;
  readonly positions: readonly Vector3[];
  readonly orientations: readonly Quaternion[];
}

async function framesOf(imported: Imported): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const { captureDeviceMs, sample } of imported.poses()) {
    const parts = [0, 7, 14];
    frames.push({
      timeMs: captureDeviceMs, valid: sample.valid, tracked: sample.tracked,
      positions: parts.map((at) => new Vector3().fromArray(sample.rigid, at)), orientations: parts.map((at) => new Quaternion().fromArray(sample.rigid, at + 3)),
    });
  }
  return frames;
}

function ahead(orientation: Quaternion | undefined, axis = new Vector3(0, 0, -1)): Vector3 {
  return axis.clone().applyQuaternion(orientation ?? new Quaternion());
}

/** Hips at 100 cm, a head at 160, a left hand 60 to the left; the frame turns the hips a quarter to the left and bends the arm. */
const SKELETON = `HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Head
  {
    OFFSET 0 60 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 20 0
    }
  }
  JOINT LeftHand
  {
    OFFSET 60 40 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 10 0 0
    }
  }
  JOINT RightFoot
  {
    OFFSET 0 -100 0
    CHANNELS 3 Zrotation Yrotation Xrotation
  }
}
MOTION
Frames: 2
Frame Time: 0.02
`;
const STILL = '0 100 0  0 0 0  0 0 0  0 0 0  0 0 0\n';
const TURNED = '0 100 0  0 90 0  0 0 -30  -90 0 0  0 0 0\n';

describe('the importer for BVH', () => {
  it('takes the head from halfway up the skull, looking along the way the skeleton faces', async () => {
    const [still, turned] = await framesOf(importBvh(await file('a.bvh', SKELETON + STILL + TURNED), 'a'));
    expect(still?.valid).toBe(PART_BITS.head | PART_BITS.leftController);
    expect(still?.positions[0]?.toArray()).toEqual([0, expect.closeTo(1.7, 5), 0]);
    // Skeletons face +Z; a quarter turn to the left leads to +X, and -30 degrees about x look up.
    expect(ahead(still?.orientations[0]).z).toBeCloseTo(1, 5);
    expect(ahead(turned?.orientations[0]).toArray()).toEqual([expect.closeTo(Math.cos(Math.PI / 6), 5), expect.closeTo(0.5, 5), expect.closeTo(0, 5)]);
    expect(turned?.timeMs).toBe(20);
  });

  it('gives a hand the grip space of WebXR: the thumb along -Z, the arm along +Y, the back of a left hand along -X', async () => {
    const [still, turned] = await framesOf(importBvh(await file('b.bvh', SKELETON + STILL + TURNED), 'b'));
    const grip = still?.orientations[1];
    expect(still?.positions[1]?.toArray()).toEqual([expect.closeTo(0.6, 5), expect.closeTo(1.4, 5), 0]);
    expect(ahead(grip).z).toBeCloseTo(1, 5);
    expect(ahead(grip, new Vector3(0, 1, 0)).x).toBeCloseTo(-1, 5);
    expect(ahead(grip, new Vector3(-1, 0, 0)).y).toBeCloseTo(1, 5);
    // Bent down by 90 degrees and turned left: the arm is above the hand, the thumb points to +X.
    expect(ahead(turned?.orientations[1], new Vector3(0, 1, 0)).y).toBeCloseTo(1, 5);
    expect(ahead(turned?.orientations[1]).x).toBeCloseTo(1, 5);
  });

  it('guesses the unit from the height, and takes one that is given', async () => {
    expect([1.75, 171, 1800, 67, 30].map(guessUnit)).toEqual([1, 0.01, 0.001, 0.0254, 0.0254 / 0.45]);
    expect(() => guessUnit(4)).toThrow(/RECORDING_INVALID: a skeleton 4 units tall/);
    const [still] = await framesOf(importBvh(await file('c.bvh', SKELETON + STILL + TURNED), 'c', { unitM: 0.005 }));
    expect(still?.positions[0]?.y).toBeCloseTo(0.85, 5);
  });

  it.each([
    ['', /line 1 begins a file without MOTION/],
    ['ROOT Hips\n', /line 1 is not HIERARCHY/],
    ['HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 far\n', /line 4 has no three numbers/],
    ['HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 2 Xposition Wrotation\n', /line 5 has channels that are not/],
    [SKELETON.replace('JOINT Head', 'JOINT Skull') + STILL, /without a joint called Head/],
    [SKELETON.replace('Frame Time: 0.02', 'Frame Time: never') + STILL, /line 32 has no time of a frame/],
    [SKELETON + STILL + '0 100 0  0 0\n', /line 34 has no 15 numbers/],
    [SKELETON + STILL, /1 of 2 frames are there/],
    [SKELETON + STILL + STILL + STILL, /line 35 is one more than the 2 frames/],
  ])('refuses what is malformed with the line (%#)', async (text, message) => {
    await expect(framesOf(importBvh(await file('bad.bvh', text), 'bad'))).rejects.toThrow(message);
  });

  it.skipIf(!existsSync(DATA))('reads a real dancer: mostly to where they look, each hand on its side, arms mostly down', async () => {
    const frames = await framesOf(importBvh(join(DATA, 'cmu-131-bvh/131_01.bvh'), '131_01'));
    expect(frames).toHaveLength(994);
    expect(frames[993]?.timeMs).toBeCloseTo(8275, 0);
    const ways: number[] = [];
    const sides: number[] = [];
    const arms: number[] = [];
    for (const [at, { positions: [head, left, right], orientations }] of frames.entries()) {
      const way = new Vector3().subVectors(head as Vector3, frames[at - 60]?.positions[0] ?? (head as Vector3)).setY(0);
      if (way.length() > 0.2) ways.push(way.normalize().dot(ahead(orientations[0]).setY(0).normalize()));
      sides.push(new Vector3().subVectors(right as Vector3, left as Vector3).dot(ahead(orientations[0], new Vector3(1, 0, 0))));
      arms.push(ahead(orientations[1], new Vector3(0, 1, 0)).y);
      expect(head?.y).toBeGreaterThan(0.7);
      expect(head?.y).toBeLessThan(1.9);
    }
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(ways.length).toBeGreaterThan(300);
    expect(mean(ways)).toBeGreaterThan(0.6);
    expect(mean(sides)).toBeGreaterThan(0.3);
    expect(mean(arms)).toBeGreaterThan(0.3);
  });
});

describe('the importer for head traces', () => {
  it('turns unnamed columns so that the head looks where the file says, with y up', async () => {
    const frames = await framesOf(importHeadTrace(await file('t.csv', '0,0.074796,0.014531,0.030553,0.99662,0.033534,0.1482,0.98839\n0.0233,0.067363,0.019285,0.030711,0.99707,0.042595,0.13315,0.99018\n'), 't'));
    expect(frames.map(({ timeMs }) => timeMs)).toEqual([0, expect.closeTo(23.3, 6)]);
    expect(ahead(frames[0]?.orientations[0]).toArray()).toEqual([expect.closeTo(0.0335, 3), expect.closeTo(0.148, 3), expect.closeTo(-0.988, 3)]);
    expect(frames[0]).toMatchObject({ valid: PART_BITS.head, tracked: 0 });
    expect(frames[0]?.positions[0]?.y).toBeCloseTo(1.2, 6);
  });

  it('finds named columns: angles in degrees, positions, times in milliseconds', async () => {
    const degrees = await framesOf(importHeadTrace(await file('d.csv', 'time_ms,lat,lon\r\n500,0,90\r\n510,30,0\r\n'), 'd'));
    expect(degrees[1]?.timeMs).toBe(10);
    expect(ahead(degrees[0]?.orientations[0]).x).toBeCloseTo(1, 5);
    expect(ahead(degrees[1]?.orientations[0]).y).toBeCloseTo(0.5, 5);
    const places = await framesOf(importHeadTrace(await file('p.csv', 't;x;y;z;qx;qy;qz;qw\n1;0.5;1.6;-1;0;0;0;1\n'), 'p'));
    expect(places[0]).toMatchObject({ tracked: PART_BITS.head });
    expect(places[0]?.positions[0]?.toArray()).toEqual([0.5, expect.closeTo(1.6, 6), -1]);
    const yaw = await framesOf(importHeadTrace(await file('y.csv', 'timestamp,yaw,pitch,roll\n0,90,0,0\n'), 'y'));
    expect(ahead(yaw[0]?.orientations[0]).x).toBeCloseTo(-1, 5);
  });

  it.each([
    ['', /line 1 begins a trace without a moment/],
    ['some,words\n', /line 1 neither names columns/],
    ['t,qx,qy,qz,qw\n0,0,0,0,1\n1,0,0,zero,1\n', /line 3 has no 5 numbers/],
    ['t,qx,qy,qz,qw\n0,0,0,0,0.5\n', /line 2 has no unit quaternion/],
    ['t,lat,lon\n1,0,0\n1,0,0\n', /line 3 is not later/],
    ['0,0,0,0,1,1,0,0\n', /line 1 looks another way/],
  ])('refuses %j with the line', async (text, message) => {
    await expect(framesOf(importHeadTrace(await file('bad.csv', text), 'bad'))).rejects.toThrow(message);
  });

  it.skipIf(!existsSync(DATA))('reads a real trace', async () => {
    const frames = await framesOf(importHeadTrace(join(DATA, '360dataset-head-traces/Traces/0EUCC2/0EUCC2_29.csv'), 'trace'));
    expect(frames.length).toBeGreaterThan(3000);
    expect((frames.length * 1000) / (frames.at(-1)?.timeMs ?? 1)).toBeGreaterThan(50);
  });
});
