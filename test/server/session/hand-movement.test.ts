/** When a hand is looked at, and when what is seen of it is a movement to tell of. */
import { describe, expect, it } from 'vitest';
import { PATH_WINDOW_BYTES } from '../../../features/hand-path.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { HandMovement } from '../../../server/session/hand-movement.ts';

interface Pose {
  readonly atMs: number;
  readonly parts?: number;
  readonly spaceEpoch?: number;
  readonly still?: boolean;
}

/** A controller, or a hand, that draws a circle each second. */
function encoded({ atMs, parts = PART_BITS.head | PART_BITS.rightController, spaceEpoch = 0, still = false }: Pose): Uint8Array {
  const sample = createPoseSample();
  const angle = still ? 0 : (atMs / 1000) * 2 * Math.PI;
  const place = [0.2 + 0.1 * Math.sin(angle), 1.3 + 0.1 * Math.cos(angle), -0.4, 0, 0, 0, 1];
  Object.assign(sample, { captureMs: atMs, valid: parts, tracked: parts, spaceEpoch });
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1, ...place, ...place]);
  for (let joint = 0; joint < 50; joint++) sample.hands.set(place, joint * 7);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.subarray(0, size);
}

/** Times at which a window is to be looked at. */
function looksOf(poses: readonly Pose[], movement = new HandMovement()): number[] {
  return poses.flatMap((pose) => {
    const window = movement.look(encoded(pose), 'right', pose.atMs);
    if (window !== undefined) expect(window).toHaveLength(PATH_WINDOW_BYTES);
    return window === undefined ? [] : [pose.atMs];
  });
}

const stream = (untilMs: number, changes: Partial<Pose> = {}, fromMs = 0): Pose[] => Array.from({ length: Math.round((untilMs - fromMs) / 14) }, (_, at) => ({ atMs: fromMs + at * 14, ...changes }));

describe('a hand or controller on its way', () => {
  it('is looked at some eight times a second, from when there is a whole window', () => {
    const looks = looksOf(stream(3000));
    expect(looks[0]).toBeGreaterThanOrEqual(900);
    expect(looks[0]).toBeLessThan(920);
    expect(looks.length).toBeGreaterThanOrEqual(17);
    expect(looks.length).toBeLessThanOrEqual(19);
    expect(looksOf(stream(3000, { parts: PART_BITS.head | PART_BITS.rightHand }))).toEqual(looks);
  });

  it('is not looked at while it rests, without a head, or on the other side', () => {
    expect(looksOf(stream(3000, { still: true }))).toEqual([]);
    expect(looksOf(stream(3000, { parts: PART_BITS.rightController }))).toEqual([]);
    expect(looksOf(stream(3000, { parts: PART_BITS.head | PART_BITS.leftController | PART_BITS.leftHand }))).toEqual([]);
  });

  it('begins anew when the space is reset, when a hand takes the place of a controller, and after forgetting', () => {
    const again = (changes: Partial<Pose>, between?: (movement: HandMovement) => void): number[] => {
      const movement = new HandMovement();
      looksOf(stream(2000), movement);
      between?.(movement);
      return looksOf(stream(4000, changes, 2002), movement);
    };
    for (const looks of [again({ spaceEpoch: 1 }), again({ parts: PART_BITS.head | PART_BITS.rightHand }), again({}, (movement) => movement.forget())]) {
      expect(looks[0]).toBeGreaterThanOrEqual(2900);
    }
    expect(again({})[0]).toBeLessThan(2120);
  });
});

/** What is told of labels that are seen every 120 ms; a dot is nothing, a dash no answer. */
function toldOf(seen: string): string {
  const movement = new HandMovement();
  return [...seen].map((label, at) => (label !== '-' && movement.isBegun(label === '.' ? 'none' : label, 1000 + at * 120) ? label : ' ')).join('').trimEnd();
}

describe('[RES6] a movement', () => {
  it('is told once, when it has been seen for a while', () => {
    expect(toldOf('..ccccccccccccccccccc..')).toBe('     c');
  });

  it('is not told of what is seen for a moment, or with something else between', () => {
    expect(toldOf('.ccc..cc.c..cc')).toBe('');
    expect(toldOf('cckcckcckcckcck')).toBe('');
  });

  it('goes on over moments in which nothing was seen or answered', () => {
    expect(toldOf('.cccccc.ccc..ccccc-ccc')).toBe('    c');
    expect(toldOf('.c-cc')).toBe('    c');
  });

  it('is told again after a rest, and another one at once', () => {
    expect(toldOf('.ccccc....ccccc')).toBe('    c');
    expect(toldOf('.ccccc.....ccccc')).toBe('    c         c');
    expect(toldOf('.cccckkkkkcccc')).toBe('    c   k    c');
  });

  it('is judged by what was captured: an answer that comes late says nothing', () => {
    const movement = new HandMovement();
    expect([1000, 1120, 1240, 1230, 1100].map((atMs) => movement.isBegun('c', atMs))).toEqual([false, false, false, false, false]);
    expect(movement.isBegun('c', 1360)).toBe(true);
  });
});
