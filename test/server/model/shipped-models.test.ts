import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../../core/assert.ts';
import { systemClock } from '../../../core/clock.ts';
import { HAND_BYTES } from '../../../protocol/codec/hand.ts';
import { resultValue } from '../../../protocol/message/result.ts';
import type { BodyPoseValue, LanguageValue, ResultValue } from '../../../protocol/message/result.ts';
import type { InferenceRequest, ItemOutcome } from '../../../server/flow.ts';
import { startModelPool } from '../../../server/model/pool.ts';
import type { ModelPool } from '../../../server/model/pool.ts';
import { packagedPeople } from '../../../sim/source/package-files.ts';
import { photograph, png, portrait, withStatedSize } from './pictures.ts';
import { batchOf, request } from './requests.ts';

const root = join(import.meta.dirname, '../../..');
const modelsFolder = join(root, 'models');
const isPublished = (name: string): boolean => existsSync(join(modelsFolder, name, '1/manifest.json'));
const models = ['movenet-lightning', 'gesture-mlp', 'avatar-language'].filter(isPublished);

let pool: ModelPool;

beforeAll(async () => {
  const options = { workerCount: 1, models: models.map((name) => ({ name, deadlineMs: 100 })), modelsFolder, cacheFolder: join(root, '.cache/models'), probeMs: 3_600_000 };
  pool = await startModelPool({ clock: systemClock() }, options);
}, 240_000);

afterAll(() => pool?.close());

async function run(model: string, requests: readonly InferenceRequest[]): Promise<readonly ItemOutcome[]> {
  const outcome = await pool.devices[0]?.run(batchOf(model, requests));
  assert(outcome?.kind === 'done', 'the worker is well');
  return outcome.items;
}

function valueOf(outcome: ItemOutcome | undefined): ResultValue {
  assert(outcome?.kind === 'done', 'the item has a result');
  // What the wire takes: finite, in range, of the right length.
  return resultValue.parse(outcome.value);
}

async function bodyOf(payload: Uint8Array): Promise<BodyPoseValue> {
  const value = valueOf((await run('movenet-lightning', [request(payload)]))[0]);
  assert(value.task === 'body-pose', 'a body pose model finds body poses');
  return value;
}

const NOSE = 0;
const SHOULDERS = [5, 6];
const HIPS = [11, 12];
const y = (body: BodyPoseValue, joint: number): number => body.keypoints[joint * 3 + 1] ?? NaN;

describe.skipIf(!isPublished('movenet-lightning'))('movenet-lightning, from a JPEG to a body', () => {
  it('finds each of eight people, the nose above the shoulders and these above the hips', async () => {
    const people = await packagedPeople();
    expect(people).toHaveLength(8);
    for (const person of people) {
      const body = await bodyOf(await portrait(person));
      expect(body.score, JSON.stringify(person)).toBeGreaterThan(0.3);
      for (const shoulder of SHOULDERS) {
        expect(y(body, NOSE)).toBeLessThan(y(body, shoulder));
        for (const hip of HIPS) expect(y(body, shoulder)).toBeLessThan(y(body, hip));
      }
    }
  });

  it('finds the same person, mirrored, in a mirrored picture', async () => {
    const [person] = await packagedPeople();
    assert(person !== undefined, 'there are people');
    const picture = await portrait(person);
    const body = await bodyOf(picture);
    const mirrored = await bodyOf(await sharp(picture).flop().jpeg({ quality: 90 }).toBuffer());
    expect(Math.abs((body.keypoints[0] ?? NaN) + (mirrored.keypoints[0] ?? NaN) - 1)).toBeLessThan(0.05);
    expect(Math.abs(y(body, NOSE) - y(mirrored, NOSE))).toBeLessThan(0.05);
  });

  it('gives a batch what it gives each picture alone, whatever else is in the batch', async () => {
    const good = await Promise.all([1, 2, 3].map(photograph));
    const broken = [good[0]?.subarray(0, 9000) ?? new Uint8Array(0), await png(), withStatedSize(await photograph(4), 50_000, 50_000)];
    const mixed = good.flatMap((payload, index) => [broken[index] ?? payload, payload]);
    const outcomes = await run('movenet-lightning', mixed.map((payload) => request(payload)));
    for (const [index, payload] of mixed.entries()) {
      const outcome = outcomes[index];
      if (index % 2 === 0) {
        expect(outcome).toEqual({ kind: 'failed', code: 'VIDEO_INVALID' });
        continue;
      }
      const together = valueOf(outcome) as BodyPoseValue;
      const alone = await bodyOf(payload);
      together.keypoints.forEach((value, at) => expect(Math.abs(value - (alone.keypoints[at] ?? NaN))).toBeLessThanOrEqual(1e-4));
    }
  });
});

describe.skipIf(!isPublished('gesture-mlp'))('gesture-mlp, from an encoded hand to a label', () => {
  it('labels any hand with a label and a score of the wire', async () => {
    const hands = Array.from({ length: 16 }, (_, seed) => Uint8Array.from({ length: HAND_BYTES }, (_unused, at) => (at * 37 * (seed + 1)) % 127));
    const outcomes = await run('gesture-mlp', hands.map((hand, index) => request(hand, index % 2 === 0 ? 'left' : 'right')));
    for (const [index, outcome] of outcomes.entries()) {
      const value = valueOf(outcome);
      expect(value.task === 'gesture' && value.hand).toBe(index % 2 === 0 ? 'left' : 'right');
    }
  });
});

describe.skipIf(!isPublished('avatar-language'))('avatar-language, from text to what it says', () => {
  const say = async (...texts: string[]): Promise<LanguageValue[]> => {
    const outcomes = await run('avatar-language', texts.map((text) => request(new TextEncoder().encode(text), '1')));
    return outcomes.map((outcome) => valueOf(outcome) as LanguageValue);
  };

  it('tells thanks from a complaint', async () => {
    const [thanks, complaint] = await say('thank you so much, this is wonderful!', 'this is terrible, I hate how it stutters');
    expect([thanks?.sentiment.label, complaint?.sentiment.label]).toEqual(['positive', 'negative']);
  });

  it('gives a message the same answer alone and in a batch', async () => {
    const texts = ['hi', 'could you show me where the map is, I have been walking in circles for an hour and my friends are waiting', 'no way'];
    const together = await say(...texts);
    for (const [index, text] of texts.entries()) {
      const [alone] = await say(text);
      expect(together[index]?.sentiment.label).toBe(alone?.sentiment.label);
      expect(Math.abs((together[index]?.sentiment.score ?? NaN) - (alone?.sentiment.score ?? NaN))).toBeLessThanOrEqual(1e-4);
    }
  });
});
