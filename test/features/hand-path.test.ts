/** The way of a hand as its owner sees it: the same wherever they stand, and its direction theirs. */
import { describe, expect, it } from 'vitest';
import { decodePathWindow, encodePathWindow, PATH_FEATURE_COUNT, PATH_STEPS, PATH_WINDOW_FLOATS, pathFeatures, SEEN_WIDTH, seenPath } from '../../features/hand-path.ts';

type Vector = readonly [number, number, number];

/** A circle, clockwise as who draws it sees it, at `centre` from a head that faces -Z and was turned by `yaw` about +Y. */
function circle(options: { centre: Vector; radius?: number; yaw?: number; counter?: boolean; head?: Vector; headUp?: Vector }): Float32Array {
  const { centre, radius = 0.1, yaw = 0, counter = false, head = [0, 1.6, 0], headUp = [0, 1, 0] } = options;
  const window = new Float32Array(PATH_WINDOW_FLOATS);
  window.set([...head, ...headUp]);
  const length = Math.hypot(...centre);
  const [fx, fy, fz] = centre.map((own) => own / length) as unknown as Vector;
  // Right and up across the line of sight, for a sight that is not straight down; else as the head has them.
  const rightLength = Math.hypot(fz, fx);
  const right: Vector = rightLength < 0.05 ? [1, 0, 0] : [-fz / rightLength, 0, fx / rightLength];
  const up: Vector = [right[1] * fz - right[2] * fy, right[2] * fx - right[0] * fz, right[0] * fy - right[1] * fx];
  for (let step = 0; step < PATH_STEPS; step++) {
    const angle = ((counter ? -1 : 1) * step * 2 * Math.PI) / PATH_STEPS;
    const [r, u] = [radius * Math.sin(angle), radius * Math.cos(angle)];
    const [x, y, z] = centre.map((own, axis) => own + right[axis]! * r + up[axis]! * u) as unknown as Vector;
    window.set([Math.cos(yaw) * x + Math.sin(yaw) * z, y, Math.cos(yaw) * z - Math.sin(yaw) * x], 6 + step * 3);
  }
  return window;
}

function featuresOf(window: Float32Array): Float32Array {
  const path = new Float32Array(PATH_STEPS * SEEN_WIDTH);
  const features = new Float32Array(PATH_STEPS * PATH_FEATURE_COUNT);
  seenPath(window, path, 0);
  pathFeatures(path, 0, features, 0);
  return features;
}

/** The sum of the sines of all turns: below 0 clockwise, since up is up. */
function turning(features: Float32Array): number {
  return Array.from({ length: PATH_STEPS }, (_, step) => features[step * PATH_FEATURE_COUNT + 4]!).reduce((sum, own) => sum + own, 0);
}

function expectSame(a: Float32Array, b: Float32Array): void {
  a.forEach((value, at) => expect(value).toBeCloseTo(b[at]!, 3));
}

describe('the way of a hand', () => {
  const ahead = featuresOf(circle({ centre: [0.1, -0.3, -0.5] }));

  it('is the same wherever its owner stands, whichever way they face, and however large they draw', () => {
    expectSame(featuresOf(circle({ centre: [0.1, -0.3, -0.5], head: [12, 1.1, -7] })), ahead);
    for (const yaw of [0.5, 2, Math.PI, -1.3]) expectSame(featuresOf(circle({ centre: [0.1, -0.3, -0.5], yaw })), ahead);
    expectSame(featuresOf(circle({ centre: [0.1, -0.3, -0.5], radius: 0.03 })), ahead);
  });

  it('turns clockwise where its owner sees it so: ahead, aside, above and at their feet', () => {
    for (const centre of [[0, 0, -0.5], [0.5, -0.1, 0], [0, 0.6, -0.3], [-0.2, -0.6, -0.2]] as const) {
      expect(turning(featuresOf(circle({ centre })))).toBeLessThan(-4);
      expect(turning(featuresOf(circle({ centre, counter: true })))).toBeGreaterThan(4);
    }
  });

  it('has an up also for who looks straight down, and for a hand on the head', () => {
    expect(turning(featuresOf(circle({ centre: [0, -0.5, 0], headUp: [0, 0, -1] })))).toBeLessThan(-4);
    expect(featuresOf(circle({ centre: [0, -0.5, 0], headUp: [0, -1, 0] })).every(Number.isFinite)).toBe(true);
    expect(featuresOf(new Float32Array(PATH_WINDOW_FLOATS)).every((value) => value === 0)).toBe(true);
  });

  it('stays small when a hand only trembles', () => {
    expect(Math.max(...featuresOf(circle({ centre: [0, 0, -0.5], radius: 0.001 })).filter((_, at) => at % PATH_FEATURE_COUNT < 2))).toBeLessThan(0.1);
    expect(Math.abs(turning(featuresOf(circle({ centre: [0, 0, -0.5], radius: 0.001 }))))).toBeLessThan(1);
  });

  it('goes to a worker as bytes, and is refused with a number that is none', () => {
    const window = circle({ centre: [0.1, -0.3, -0.5] });
    const read = new Float32Array(PATH_WINDOW_FLOATS);
    expect(decodePathWindow(encodePathWindow(window), read)).toBe(true);
    expect(read).toEqual(window);
    window[20] = Number.NaN;
    expect(decodePathWindow(encodePathWindow(window), read)).toBe(false);
  });
});
