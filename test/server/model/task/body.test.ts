import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runner } from '../../../../server/model/runner.ts';
import { packagedPeople } from '../../../../sim/source/package-files.ts';
import { portrait } from '../pictures.ts';
import { lookAtBody, openModel } from './pictures-with-hands.ts';

let bodies: Runner;
beforeAll(async () => {
  bodies = await openModel('blazepose-lite');
}, 120_000);
afterAll(() => bodies?.close());

const NOSE = 0;
const [LEFT_SHOULDER, RIGHT_SHOULDER] = [11, 12];
const [LEFT_HIP, RIGHT_HIP] = [23, 24];

describe('bodies in space', () => {
  it('of most people in photographs are found, upright and of human size', async () => {
    let found = 0;
    const people = await packagedPeople();
    for (const person of people) {
      const look = await lookAtBody(bodies, await portrait(person));
      if (look.presence < 0.5) continue;
      found++;
      const world = (landmark: number, axis: number): number => look.world[landmark * 3 + axis] ?? NaN;
      expect(world(NOSE, 1), JSON.stringify(person)).toBeLessThan(world(LEFT_SHOULDER, 1));
      expect(world(LEFT_SHOULDER, 1)).toBeLessThan(world(LEFT_HIP, 1));
      // The middle of the hips is the origin.
      for (let axis = 0; axis < 3; axis++) expect(Math.abs(world(LEFT_HIP, axis) + world(RIGHT_HIP, axis))).toBeLessThan(0.1);
      const shoulders = Math.hypot(...[0, 1, 2].map((axis) => world(LEFT_SHOULDER, axis) - world(RIGHT_SHOULDER, axis)));
      expect(shoulders).toBeGreaterThan(0.15);
      expect(shoulders).toBeLessThan(0.6);
      expect(look.next.side).toBeGreaterThan(0.2);
    }
    expect(found).toBeGreaterThanOrEqual(people.length / 2);
  });
});
