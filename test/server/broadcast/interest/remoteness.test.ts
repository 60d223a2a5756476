import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../../protocol/codec/pose-sample.ts';
import { LEAST_REMOTE, remotenessOf } from '../../../../server/broadcast/interest/remoteness.ts';
import { readViewpoint, unknownViewpoint, type Viewpoint } from '../../../../server/broadcast/interest/viewpoint.ts';

interface Placed {
  readonly at: readonly [number, number, number];
  /** Radians about +Y; 0 looks along -Z. */
  readonly yaw?: number;
  readonly hands?: boolean;
}

/** As the gateway gets it: off encoded bytes. */
function viewpointOf({ at, yaw = 0, hands = false }: Placed): Viewpoint {
  const sample = createPoseSample();
  sample.valid = PART_BITS.head | (hands ? PART_BITS.leftHand : 0);
  sample.tracked = sample.valid;
  sample.rigid.set([...at, 0, Math.sin(yaw / 2), 0, Math.cos(yaw / 2)]);
  for (let joint = 0; joint < 25; joint++) sample.hands.set([...at, 0, 0, 0, 1], joint * 7);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  const viewpoint = unknownViewpoint();
  readViewpoint(bytes.subarray(0, size), viewpoint);
  return viewpoint;
}

const QUIET = { speaks: false, slot: 0 };
const metres = fc.double({ min: -30, max: 30, noNaN: true });
const place = fc.tuple(metres, metres, metres);

describe('a viewpoint', () => {
  it('has the place in millimetres and the gaze as a unit vector', () => {
    expect(viewpointOf({ at: [1.5, 1.6, -2] })).toMatchObject({ isPlaced: true, looks: true, showsHands: false, x: 1500, y: 1600, z: -2000 });
    const left = viewpointOf({ at: [0, 0, 0], yaw: Math.PI / 2, hands: true });
    expect(left.showsHands).toBe(true);
    expect(left.gazeX).toBeCloseTo(-1, 2);
    expect(left.gazeZ).toBeCloseTo(0, 2);
  });

  it('of who has no head is that of another part, without a gaze; of nobody there is none', () => {
    const sample = createPoseSample();
    sample.valid = PART_BITS.rightController;
    sample.rigid.set([3, 1, 2, 0, 0, 0, 1], 14);
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    encodePoseSample(sample, bytes, 0);
    const viewpoint = unknownViewpoint();
    readViewpoint(bytes, viewpoint);
    expect(viewpoint).toMatchObject({ isPlaced: true, looks: false, x: 3000, y: 1000, z: 2000 });
    bytes[4] = 0;
    readViewpoint(bytes, viewpoint);
    expect(viewpoint.isPlaced).toBe(false);
  });
});

describe('remoteness', () => {
  it('goes up by one octave with twice the distance', () => {
    const viewer = viewpointOf({ at: [0, 0, 0] });
    const octaves = [3, 6, 12, 24].map((metresAway) => remotenessOf(viewer, viewpointOf({ at: [0, 0, -metresAway] }), QUIET));
    expect(octaves).toEqual([0, 1, 2, 3]);
  });

  it('is an octave more behind the viewer, less for who speaks or shows hands', () => {
    const viewer = viewpointOf({ at: [0, 0, 0] });
    const ahead = remotenessOf(viewer, viewpointOf({ at: [0, 0, -8] }), QUIET);
    expect(remotenessOf(viewer, viewpointOf({ at: [0, 0, 8] }), QUIET)).toBeCloseTo(ahead + 1, 6);
    expect(remotenessOf(viewer, viewpointOf({ at: [0, 0, -8] }), { ...QUIET, speaks: true })).toBeCloseTo(ahead - 2, 6);
    expect(remotenessOf(viewer, viewpointOf({ at: [0, 0, -8], hands: true }), QUIET)).toBeCloseTo(ahead - 0.5, 6);
  });

  it('is the same both ways for two who see each other, and within its bounds for any two', () => {
    fc.assert(fc.property(place, place, fc.double({ min: 0, max: 6.3, noNaN: true }), fc.boolean(), (a, b, yaw, speaks) => {
      const blind = { ...viewpointOf({ at: a }), looks: false };
      const other = { ...viewpointOf({ at: b, yaw }), looks: false };
      expect(remotenessOf(blind, other, QUIET)).toBe(remotenessOf(other, blind, QUIET));
      const octaves = remotenessOf(viewpointOf({ at: a, yaw }), viewpointOf({ at: b }), { speaks, slot: 5 });
      expect(octaves).toBeGreaterThanOrEqual(LEAST_REMOTE);
      expect(octaves).toBeLessThan(7);
    }), { numRuns: 60 });
  });

  it('of all others is below one, and differs, for who has no place', () => {
    const octaves = Array.from({ length: 100 }, (_, slot) => remotenessOf(unknownViewpoint(), viewpointOf({ at: [30, 0, 0] }), { speaks: false, slot }));
    expect(Math.max(...octaves)).toBeLessThan(1);
    expect(new Set(octaves).size).toBe(100);
  });
});
