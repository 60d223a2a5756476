import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writePoseOfMatrix } from '../../../client/matrix-pose.ts';
import { cutAtEntities, describeLanguage, describeResult, novelty } from '../../../client/web/describe.ts';
import { emotionLook } from '../../../client/web/emotions.ts';
import { fragmentFor, readSettings } from '../../../client/web/settings.ts';
import { BatchSizes, ModelTable, Series } from '../../../client/web/stats.ts';
import { Matrix4, Quaternion, Vector3 } from 'three';
import type { ResultMessage } from '../../../protocol/message/result.ts';
import { decimal } from '../support/decimals.ts';

const GESTURE: ResultMessage = {
  type: 'result', slot: 2, model: 'g', version: '1', batchId: 1, batchSize: 4, captureMs: 0, ageMs: 10, value: { task: 'gesture', source: 'tracking', hand: 'left', label: 'fist', score: 0.905 },
};

describe('a pose out of a matrix', () => {
  it('is the pose that three.js composed the matrix from', () => {
    const part = decimal({ min: -1, max: 1 });
    fc.assert(fc.property(fc.tuple(part, part, part, part).filter((q) => Math.hypot(...q) > 0.1), fc.tuple(part, part, part), (q, p) => {
      const quaternion = new Quaternion(...q).normalize();
      const matrix = new Matrix4().compose(new Vector3(...p), quaternion, new Vector3(1, 1, 1));
      const pose = new Float32Array(7);
      writePoseOfMatrix(matrix.elements, 0, pose, 0);
      const found = new Quaternion().fromArray(pose, 3);
      expect(Math.abs(found.dot(quaternion))).toBeCloseTo(1, 5);
      p.forEach((value, axis) => expect(pose[axis]).toBeCloseTo(value, 5));
    }));
  });
});

describe('what the charts show', () => {
  it('gives percentiles for each of the last sixty seconds', () => {
    const series = new Series();
    for (let value = 1; value <= 100; value++) series.add(1000 + value, value);
    series.add(2500, 7);
    expect(series.points(3000)).toEqual([{ secondsAgo: 2, p50: 50.5, p99: expect.closeTo(99.01, 5) as number }, { secondsAgo: 1, p50: 7, p99: 7 }]);
    expect(series.points(61_500)).toHaveLength(1);
    expect(series.points(70_000)).toEqual([]);
  });

  it('thins a busy second evenly and ignores what is not a number', () => {
    const series = new Series();
    for (let index = 0; index < 20_000; index++) series.add(1000, index);
    series.add(1000, Number.NaN);
    const [point] = series.points(1500);
    expect(point?.p50).toBeGreaterThan(9500);
    expect(point?.p50).toBeLessThan(10_500);
  });

  it('counts a batch once, however many results name it, and forgets old ones', () => {
    const sizes = new BatchSizes();
    for (let batch = 0; batch < 600; batch++) for (let item = 0; item < 3; item++) sizes.add('m', batch, batch < 100 ? 8 : 3);
    expect(sizes.histogram()).toEqual([{ size: 3, count: 500 }]);
  });

  it('keeps a model that fell silent, at zero', () => {
    const table = new ModelTable();
    for (let index = 0; index < 30; index++) table.add(index * 100, 'm@1', { ageMs: 20, batchSize: 4 });
    expect(table.rows(2900)).toEqual([{ name: 'm@1', resultsPerS: 10, meanBatchSize: 4, p50AgeMs: 20 }]);
    expect(table.rows(60_000)[0]?.resultsPerS).toBe(0);
  });
});

describe('words for results', () => {
  it('says what a gesture is, and that the same gesture again is no news', () => {
    expect(describeResult(GESTURE)).toBe('left hand: fist 91 %');
    expect(novelty(GESTURE)).toEqual(novelty({ ...GESTURE, batchId: 2, ageMs: 30 }));
  });

  it('cuts a line at what it names, and passes over places that are not in it', () => {
    const entity = (label: string, start: number, end: number) => ({ label, start, end, score: 0.9 });
    expect(cutAtEntities('Ada is in Paris', [entity('person', 0, 3), entity('location', 10, 15)])).toEqual([
      { text: 'Ada', label: 'person' }, { text: ' is in ' }, { text: 'Paris', label: 'location' },
    ]);
    expect(cutAtEntities('Ada', [entity('person', 1, 9), entity('group', 2, 2)])).toEqual([{ text: 'Ada' }]);
  });

  it('says of a script that the model does not read only that', () => {
    const value = { task: 'language', sentiment: { label: 'neutral', score: 0 }, emotions: [], intent: null, moderation: { label: 'ok', score: 0.9, flagged: false } } as const;
    expect(describeLanguage({ ...value, emotions: [], script: 'han' })).toBe('Chinese, moderation only');
    expect(describeLanguage({ ...value, emotions: [] })).toBe('neutral 0 %');
  });

  it('has a look for an emotion that it does not know', () => {
    expect(emotionLook('joy').mouth).toBeGreaterThan(0);
    expect(emotionLook('constructor')).toEqual(emotionLook('neutral'));
  });
});

describe('the page\'s settings', () => {
  it('come from the fragment and go back into it', () => {
    const settings = readSettings('#token=abc.def&session=demo&sessions=demo,lab&spread=1');
    expect(settings).toEqual({ token: 'abc.def', session: 'demo', code: '', name: 'viewer', sessions: ['demo', 'lab'], spread: true, transport: 'ws', camera: 'off' });
    expect(readSettings(fragmentFor({ ...settings, transport: 'rtc', camera: 'h264' }, { session: 'lab' }))).toMatchObject({ transport: 'rtc', camera: 'h264' });
    expect(readSettings('#camera=everything').camera).toBe('off');
    expect(readSettings(fragmentFor(settings, { session: 'lab' }))).toEqual({ ...settings, session: 'lab', sessions: ['lab', 'demo'] });
    expect(readSettings(fragmentFor(settings, { code: 'K7XW2M' }))).toMatchObject({ session: '', code: 'K7XW2M' });
  });
});
