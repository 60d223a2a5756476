import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCameraHand } from '../../../../features/camera-hand.ts';
import type { Runner } from '../../../../server/model/runner.ts';
import { dataFolder } from '../../../support/data-folder.ts';
import { photograph, plain } from '../pictures.ts';
import { detect, lookAtHand, openModel } from './pictures-with-hands.ts';

let palms: Runner;
let hands: Runner;
let gestures: Runner;
beforeAll(async () => {
  [palms, hands, gestures] = await Promise.all([openModel('handdetect'), openModel('handlandmark-lite'), openModel('gesture-mlp')]);
}, 120_000);
afterAll(() => Promise.all([palms, hands, gestures].map((runner) => runner?.close())));

/** The photograph of five women, one of whom lays her left hand on her knee, in the picture's lower right. */
const FIVE = 5;
const MIDDLE_TIP = 12;
const WRIST = 0;

describe('hands in a photograph', () => {
  it('are found where they are, each landmark on the hand', async () => {
    const picture = await photograph(FIVE);
    const [found, ...others] = await detect(palms, picture);
    expect(found?.score).toBeGreaterThan(0.9);
    expect(others.every(({ score }) => score < 0.9)).toBe(true);
    if (found === undefined) return;
    expect(found.region.centreX).toBeGreaterThan(0.6);
    const look = await lookAtHand(hands, picture, found.region);
    expect(look).toMatchObject({ hand: 'left' });
    expect(look.presence).toBeGreaterThan(0.9);
    // It points down and to the left, from a wrist above its fingers.
    expect(look.landmarks[MIDDLE_TIP * 3 + 1]).toBeGreaterThan(look.landmarks[WRIST * 3 + 1] ?? NaN);
    const spread = Math.hypot((look.world[MIDDLE_TIP * 3] ?? 0) - (look.world[0] ?? 0), (look.world[MIDDLE_TIP * 3 + 1] ?? 0) - (look.world[1] ?? 0), (look.world[MIDDLE_TIP * 3 + 2] ?? 0) - (look.world[2] ?? 0));
    expect(spread, 'metres from wrist to fingertip').toBeGreaterThan(0.08);
    expect(spread).toBeLessThan(0.25);
  });

  it('are of the other side in the mirror, at the mirrored place', async () => {
    const picture = await photograph(FIVE);
    const mirrored = await sharp(picture).flop().jpeg({ quality: 90 }).toBuffer();
    const [one] = await detect(palms, picture);
    const [other] = await detect(palms, mirrored);
    if (one === undefined || other === undefined) throw new Error('a hand was missed');
    expect(other.region.centreX).toBeCloseTo(1 - one.region.centreX, 1);
    const [look, mirror] = [await lookAtHand(hands, picture, one.region), await lookAtHand(hands, mirrored, other.region)];
    expect([look.hand, mirror.hand]).toEqual(['left', 'right']);
    for (let landmark = 0; landmark < 21; landmark++) {
      expect(Math.abs((mirror.landmarks[landmark * 3] ?? NaN) - (1 - (look.landmarks[landmark * 3] ?? NaN))), `x of ${landmark}`).toBeLessThan(0.03);
      expect(Math.abs((mirror.landmarks[landmark * 3 + 1] ?? NaN) - (look.landmarks[landmark * 3 + 1] ?? NaN)), `y of ${landmark}`).toBeLessThan(0.03);
    }
  });

  it('keep their place in the world of the picture when the region is turned, moved and scaled a little', async () => {
    const picture = await photograph(FIVE);
    const [found] = await detect(palms, picture);
    if (found === undefined) throw new Error('the hand was missed');
    const look = await lookAtHand(hands, picture, found.region);
    const again = await lookAtHand(hands, picture, { ...look.next, angle: look.next.angle + 0.2, side: look.next.side * 1.1 });
    expect(again.presence).toBeGreaterThan(0.9);
    const distances = Array.from({ length: 21 }, (_, at) => Math.hypot((look.landmarks[at * 3] ?? 0) - (again.landmarks[at * 3] ?? 9), (look.landmarks[at * 3 + 1] ?? 0) - (again.landmarks[at * 3 + 1] ?? 9)));
    expect(Math.max(...distances)).toBeLessThan(0.03);
    const worlds = Array.from({ length: 63 }, (_, at) => Math.abs((look.world[at] ?? 0) - (again.world[at] ?? 9)));
    expect(Math.max(...worlds), 'metres').toBeLessThan(0.03);
  });

  it('are not found in grey, and a region without one is unlikely to hold a hand', async () => {
    expect(await detect(palms, await plain(128, 64, 48))).toEqual([]);
    const look = await lookAtHand(hands, await photograph(FIVE), { centreX: 0.1, centreY: 0.1, side: 0.2, angle: 0 });
    expect(look.presence).toBeLessThan(0.5);
  });

  it('are refused with a code where the picture is none, without touching the batch', async () => {
    const picture = await photograph(FIVE);
    const outcomes = await palms.run([{ payload: Uint8Array.of(1, 2, 3), encoding: 'task', part: '' }, { payload: picture, encoding: 'task', part: '' }]);
    expect(outcomes).toMatchObject([{ kind: 'failed', code: 'VIDEO_INVALID' }, { kind: 'done' }]);
  });
});

const photos = dataFolder() === undefined ? undefined : join(dataFolder() ?? '', 'gesture-photos/hand');
/** What each folder of the photographs shows with the raised right hand, in the words of the gesture model. */
const SHOWN: Readonly<Record<string, string>> = {
  closer: 'peace', down: 'thumb', emergency: 'fist', follow: 'call-me', further: 'peace', left: 'thumb', palm: 'open-palm',
  photo: 'rock', right: 'thumb', take_off: 'point', up: 'thumb', video: 'three', video_pause: 'four',
};

async function gestureOf(world: readonly number[], hand: string): Promise<unknown> {
  const [outcome] = await gestures.run([{ payload: encodeCameraHand(world), encoding: 'task', part: hand }]);
  return outcome?.kind === 'done' ? outcome.value : outcome;
}

describe.skipIf(photos === undefined)('hands that make gestures (skipped without the data folder: gesture-photos)', () => {
  it('are right hands with the gesture that is shown, in 50 of 52 photographs or more', async () => {
    let right = 0, all = 0;
    for (const [folder, label] of Object.entries(SHOWN)) {
      for (const file of await readdir(join(photos ?? '', folder))) {
        all++;
        const picture = await readFile(join(photos ?? '', folder, file));
        for (const { region } of await detect(palms, picture)) {
          const look = await lookAtHand(hands, picture, region);
          if (look.hand !== 'right' || look.presence < 0.5) continue;
          const value = await gestureOf(look.world, look.hand);
          if ((value as { label?: string }).label === label) {
            right++;
            expect(value).toMatchObject({ task: 'gesture', source: 'camera', hand: 'right' });
            break;
          }
        }
      }
    }
    expect(all).toBe(52);
    expect(right).toBeGreaterThanOrEqual(50);
  }, 60_000);
});
