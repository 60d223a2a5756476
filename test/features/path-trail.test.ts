/** Windows of a hand's way, whatever the rate of the samples and however many are lost. */
import { describe, expect, it } from 'vitest';
import { PATH_SPAN_MS, PATH_STEP_MS, PATH_STEPS, PATH_WINDOW_FLOATS } from '../../features/hand-path.ts';
import { PathTrail } from '../../features/path-trail.ts';

const HEAD = [1, 1.6, 2, 0, 1, 0];

/** A point that goes 10 cm a second along x in front of the head, at these times. */
function follow(trail: PathTrail, timesMs: readonly number[], { space = 0, head = HEAD, speed = 0.1 } = {}): void {
  for (const atMs of timesMs) trail.add({ atMs, space, head, point: [head[0]! + (speed * atMs) / 1000, head[1]! - 0.2, head[2]! - 0.5] });
}

const every = (periodMs: number, untilMs: number, fromMs = 0): number[] => Array.from({ length: Math.floor((untilMs - fromMs) / periodMs) + 1 }, (_, at) => fromMs + at * periodMs);

function windowOf(trail: PathTrail): Float32Array | 'still' | 'short' {
  const window = new Float32Array(PATH_WINDOW_FLOATS);
  const state = trail.write(window);
  return state === 'moved' ? window : state;
}

describe('the trail of a hand', () => {
  it.each([9, 14, 33, 100])('gives places at even steps up to the newest, from samples every %i ms', (periodMs) => {
    const trail = new PathTrail();
    const times = every(periodMs, 2000);
    follow(trail, times);
    const window = windowOf(trail) as Float32Array;
    expect([...window.subarray(0, 6)].map((own) => Number(own.toFixed(3)))).toEqual(HEAD);
    for (let step = 0; step < PATH_STEPS; step++) {
      expect(window[6 + step * 3]).toBeCloseTo(((times.at(-1)! - (PATH_STEPS - 1 - step) * PATH_STEP_MS) / 1000) * 0.1, 4);
      expect(window[8 + step * 3]).toBeCloseTo(-0.5, 5);
    }
  });

  it('says nothing until it is as long as a window, and of a hand that rests', () => {
    const trail = new PathTrail();
    follow(trail, every(10, PATH_SPAN_MS - 10));
    expect(windowOf(trail)).toBe('short');
    follow(trail, [PATH_SPAN_MS]);
    expect(windowOf(trail)).toBeInstanceOf(Float32Array);
    follow(trail, every(10, 4000, PATH_SPAN_MS + 10), { speed: 0 });
    expect(windowOf(trail)).toBe('still');
  });

  it('bridges lost samples, and begins anew after a long gap, in another space, and when time runs back', () => {
    const trail = new PathTrail();
    follow(trail, every(10, 2000).filter((atMs) => atMs % 130 < 20));
    expect(windowOf(trail)).toBeInstanceOf(Float32Array);
    follow(trail, [2160]);
    expect(windowOf(trail)).toBe('short');
    follow(trail, every(10, 4000, 2170));
    expect(windowOf(trail)).toBeInstanceOf(Float32Array);
    follow(trail, [4010], { space: 1 });
    expect(windowOf(trail)).toBe('short');
    follow(trail, every(10, 6000, 4020), { space: 1 });
    follow(trail, [5000], { space: 1 });
    expect(windowOf(trail)).toBe('short');
  });

  it('does not take walking for a movement of the hand', () => {
    const trail = new PathTrail();
    for (const atMs of every(10, 2000)) follow(trail, [atMs], { head: [atMs / 1000, 1.6, 0, 0, 1, 0], speed: 0 });
    expect(windowOf(trail)).toBe('still');
  });
});
