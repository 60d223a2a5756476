/** Tokens that keep their places, their rows, and entities out of tags. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntities } from '../../features/entities.ts';
import { ENTITY_TOKENS, entityFeatures, entityTokens, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import { LANGUAGE_ROWS, languageFeatures, wordRow } from '../../features/language-input.ts';
import { fnv1a, TEXT_BUCKETS, textFeatures } from '../../features/text.ts';

const anyText = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('a', 'B', ' ', '@', '#', '0', '.', '-', "'", 'w', '/', ':', '你', '\ud83d', '\u0301'), maxLength: 1500 }),
);
const pieces = (text: string): string[] => entityTokens(text).map(({ start, end }) => text.slice(start, end));

describe('tokens', () => {
  it('are words, what an apostrophe cuts off, mentions, topics, links, signs and Chinese characters', () => {
    expect(pieces("Ada's at @The_Pub with U.S. folks, see https://x.y/z #now 你好!")).toEqual(
      ['Ada', "'s", 'at', '@The_Pub', 'with', 'U.S', '.', 'folks', ',', 'see', 'https://x.y/z', '#now', '你', '好', '!'],
    );
  });

  it('lie in the text in their order, at most so many, none over another, none with a space', () => {
    fc.assert(fc.property(anyText, (text) => {
      const spans = entityTokens(text);
      expect(spans.length).toBeLessThanOrEqual(ENTITY_TOKENS);
      spans.forEach(({ start, end }, index) => {
        expect(start).toBeGreaterThanOrEqual(spans[index - 1]?.end ?? 0);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(/\s/.test(text.slice(start, end))).toBe(false);
      });
    }));
  });

  it.each(['a', "'", '@', '.', '-', 'a-', 'http://', '你'])('take no time on ten megabytes of %j', (unit) => {
    expect(entityTokens(unit.repeat(10_000_000 / unit.length)).length).toBeLessThanOrEqual(ENTITY_TOKENS);
  });

  it('have the rows of the documented features, each once', () => {
    const row = (feature: string): number => 1 + (fnv1a(feature) % (TEXT_BUCKETS - 1));
    const ids = new Int32Array(ENTITY_TOKENS * TOKEN_FEATURES);
    entityFeatures('Zürich-West No http://x 12', ids, 0);
    const style = `capitals 3`;
    const rowsOf = (token: number): number[] => [...ids.subarray(token * TOKEN_FEATURES, (token + 1) * TOKEN_FEATURES)];
    expect(rowsOf(0)).toEqual([wordRow('zürich-west'), ...['wzürich-west', 'xZürich-West', 'eXx-Xx', `eXx-Xx ${style}`, 'p<zür', 'pest>', 'pst>'].map(row)]);
    // A word of two letters ends in itself, whole or not.
    expect(rowsOf(1)).toEqual([wordRow('no'), ...['wno', 'xNo', 'eXx', `eXx ${style}`, 'p<no', 'pno>'].map(row), 0]);
    expect(rowsOf(2).slice(0, 3)).toEqual([wordRow('<url>'), row('w<url>'), row('xhttp://x')]);
    expect(rowsOf(3).slice(0, 4)).toEqual([wordRow('<number>'), row('w<number>'), row('x12'), row('ed')]);
  });

  it('have rows within the table and their own place, and padding behind them', () => {
    fc.assert(fc.property(anyText, (text) => {
      const size = ENTITY_TOKENS * TOKEN_FEATURES;
      const ids = new Int32Array(size + 2).fill(-7);
      const count = entityFeatures(text, ids, 1).length;
      expect([ids[0], ids[size + 1]]).toEqual([-7, -7]);
      const rows = [...ids.subarray(1, size + 1)];
      expect(rows.every((row) => row >= 0 && row < LANGUAGE_ROWS)).toBe(true);
      expect(rows.slice(count * TOKEN_FEATURES).every((row) => row === 0)).toBe(true);
    }));
  });
});

describe('what the model reads of a line', () => {
  it('is rows of its words first, then its features', () => {
    const ids = new Int32Array(64);
    const count = languageFeatures({ text: 'Hello you, hello!', ids, offset: 0, maxFeatures: 64 });
    const features = new Int32Array(62);
    const own = textFeatures({ text: 'Hello you, hello!', ids: features, offset: 0, maxFeatures: 62 });
    expect(count).toBe(own + 2);
    expect([...ids]).toEqual([wordRow('hello'), wordRow('you'), ...features]);
    expect(wordRow('hello')).toBeGreaterThanOrEqual(TEXT_BUCKETS);
  });

  it('is never more than asked for, of any text', () => {
    fc.assert(fc.property(anyText, fc.integer({ min: 1, max: 600 }), (text, maxFeatures) => {
      const ids = new Int32Array(maxFeatures + 1).fill(-7);
      const count = languageFeatures({ text, ids, offset: 0, maxFeatures });
      expect(count).toBeLessThanOrEqual(maxFeatures);
      expect([...ids.subarray(0, count)].every((row) => row > 0 && row < LANGUAGE_ROWS)).toBe(true);
      expect([...ids.subarray(count, maxFeatures)].every((row) => row === 0)).toBe(true);
      expect(ids[maxFeatures]).toBe(-7);
    }));
  });
});

describe('entities', () => {
  const tags = ['O', 'B-person', 'B-place', 'I-person', 'I-place'];
  const spans = [{ start: 0, end: 3 }, { start: 4, end: 7 }, { start: 8, end: 12 }];
  const decode = (rows: number[][], threshold = 0.5) => decodeEntities({ spans, scores: rows.flat(), start: 0, tags, threshold });

  it('join tokens that go on, with the mean of their probabilities', () => {
    const found = decode([[0.1, 0.8, 0, 0.1, 0], [0.2, 0.1, 0, 0.6, 0.1], [0.9, 0, 0.1, 0, 0]]);
    expect(found).toEqual([{ label: 'person', start: 0, end: 7, score: expect.closeTo(0.7) as number }]);
  });

  it('begin anew at each B', () => {
    expect(decode([[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]).map(({ label, start }) => `${label} ${start}`)).toEqual(['person 0', 'person 4', 'place 8']);
  });

  it('never go on with another label, nor out of nothing, even where the tags say so', () => {
    expect(decode([[0.1, 0, 0.1, 0.8, 0], [0.4, 0, 0, 0, 0.6], [1, 0, 0, 0, 0]]).map(({ label, start, end }) => `${label} ${start}-${end}`)).toEqual(['place 0-7']);
    fc.assert(fc.property(fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }), { minLength: 3, maxLength: 3 }), (rows) => {
      const found = decode(rows);
      found.forEach(({ start, end, score }, index) => {
        expect(start).toBeGreaterThanOrEqual(found[index - 1]?.end ?? 0);
        expect(end).toBeGreaterThan(start);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
      });
    }));
  });

  it('are those of the likeliest tags of all that may follow each other', () => {
    const mayFollow = (from: string, to: string): boolean => !to.startsWith('I-') || (from !== 'O' && from.slice(2) === to.slice(2));
    const paths = tags.flatMap((a) => tags.flatMap((b) => tags.map((c) => [a, b, c]))).filter((path) => path.every((to, at) => mayFollow(path[at - 1] ?? 'O', to)));
    const chance = (rows: number[][], path: string[]): number => path.reduce((product, tag, at) => product * (rows[at]![tags.indexOf(tag)]! * (tag === 'O' ? 0.3 / 0.7 : 1)), 1);
    // A coarse grid, so that many tokens' own likeliest tags may follow each other and many may not.
    fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 997 }), { minLength: 5, maxLength: 5 }), { minLength: 3, maxLength: 3 }), (rows) => {
      const best = paths.reduce((one, other) => (chance(rows, other) > chance(rows, one) ? other : one));
      const starts = best.flatMap((tag, at) => (tag.startsWith('B-') ? [`${tag.slice(2)} ${spans[at]!.start}`] : []));
      const found = decode(rows, 0.3);
      if (paths.filter((path) => chance(rows, path) > chance(rows, best) * 0.999999).length === 1) expect(found.map(({ label, start }) => `${label} ${start}`)).toEqual(starts);
    }));
  });

  it('are fewer with a high threshold and more with a low one', () => {
    const rows = [[0.6, 0.4, 0, 0, 0], [0.6, 0, 0.4, 0, 0], [0.9, 0.1, 0, 0, 0]];
    expect([0.3, 0.5, 0.9].map((threshold) => decode(rows, threshold).length)).toEqual([2, 0, 0]);
  });

  it('are none in a line without tokens', () => {
    expect(decodeEntities({ spans: [], scores: [], start: 0, tags, threshold: 0.5 })).toEqual([]);
  });
});
