/** The text features: known hashes, bounds for any input, and disguises that change nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fnv1a, MAX_TEXT_FEATURES, TEXT_BUCKETS, textFeatures } from '../../features/text.ts';
import { MAX_TEXT_UNITS, normalizeText, scriptOf, styleOf, tokenize } from '../../features/text-tokens.ts';

function featuresOf(text: string, maxFeatures = MAX_TEXT_FEATURES): number[] {
  const ids = new Int32Array(maxFeatures);
  return [...ids.subarray(0, textFeatures({ text, ids, offset: 0, maxFeatures }))];
}

function words(text: string): string[] {
  return tokenize(text).map((token) => token.folded);
}

/** Any UTF-16 at all, lone surrogates among them, and alphabets that the tokenizer treats specially. */
const anyText = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', 'B', ' ', '@', '$', '0', '.', 'w', '/', ':', '\ud83d', 'ﷺ', '\u0301'), maxLength: 1500 }),
);

describe('hashing', () => {
  it('gives the published FNV-1a values', () => {
    // Noll's test vectors (draft-eastlake-fnv).
    expect(fnv1a('')).toBe(0x811c9dc5);
    expect(fnv1a('a')).toBe(0xe40c292c);
    expect(fnv1a('foobar')).toBe(0xbf9cf968);
  });

  it('hashes the UTF-8 bytes, with a lone surrogate as U+FFFD', () => {
    const reference = (text: string): number =>
      new TextEncoder().encode(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
    fc.assert(fc.property(anyText, (text) => fnv1a(text) === reference(text)));
  });

  it('numbers features as documented, so that another language can', () => {
    const expected = ['scapitals 5', 'sdigits 0', 'wno', 'cno>', 'c<no', 'c<no>'].map((feature) => 1 + (fnv1a(feature) % (TEXT_BUCKETS - 1)));
    expect([...featuresOf('NO')].sort()).toEqual(expected.sort());
    expect(featuresOf('no way')).toContain(1 + (fnv1a('bno way') % (TEXT_BUCKETS - 1)));
  });
});

describe('bounds', () => {
  it('writes at most maxFeatures different ids from 1 up, then padding, and nothing outside its place', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 600 }), (text, maxFeatures) => {
        const ids = new Int32Array(maxFeatures + 4).fill(-7);
        const count = textFeatures({ text, ids, offset: 2, maxFeatures });
        const written = [...ids.subarray(2, 2 + count)];
        expect(count).toBeLessThanOrEqual(maxFeatures);
        expect(new Set(written).size).toBe(count);
        expect(written.every((id) => id >= 1 && id < TEXT_BUCKETS)).toBe(true);
        expect([...ids.subarray(2 + count, 2 + maxFeatures)].every((id) => id === 0)).toBe(true);
        expect([ids[0], ids[1], ids[maxFeatures + 2], ids[maxFeatures + 3]]).toEqual([-7, -7, -7, -7]);
      }),
    );
  });

  it('gives the same ids every time', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(featuresOf(text)).toEqual(featuresOf(text));
      }),
    );
  });

  it('gives fewer features as a prefix of more', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 100 }), (text, maxFeatures) => {
        expect(featuresOf(text, maxFeatures)).toEqual(featuresOf(text).slice(0, maxFeatures));
      }),
    );
  });

  it.each(['a', ' ', '!', '@', '0', '.', '\ud83d', 'ﷺ', 'ab', "a'", 'http://', 'w'])(
    'looks only at the start of ten megabytes of %j',
    (unit) => {
      const text = unit.repeat(10_000_000 / unit.length);
      expect(normalizeText(text).length).toBeLessThanOrEqual(MAX_TEXT_UNITS);
      expect(featuresOf(text)).toEqual(featuresOf(text.slice(0, MAX_TEXT_UNITS)));
    },
  );

  it('gives no features for nothing', () => {
    expect(featuresOf('')).toEqual([]);
    expect(featuresOf(' \n\t\u200b')).toEqual([]);
  });
});

describe('normalisation', () => {
  it('reads full-width, shouted and stretched letters as the plain word', () => {
    expect(words('ＨＥＬＬＯ')).toEqual(['hello']);
    expect(words('soooooo')).toEqual(words('soo'));
  });

  it('reads look-alike digits and signs inside a word as letters', () => {
    expect(words('sh1t b@stard 1di0t a$$')).toEqual(['shit', 'bastard', 'idiot', 'ass']);
  });

  it('reads spelled-out letters as a word too', () => {
    expect(words('s p a m')).toContain('spam');
    expect(words('s.p.a.m')).toContain('spam');
    expect(words('i a')).not.toContain('ia');
  });

  it('tells how much is shouted and how much is digits', () => {
    expect(styleOf('hello')).toEqual(['capitals 0', 'digits 0']);
    expect(styleOf('Hello my dear friends')).toEqual(['capitals 2', 'digits 0']);
    expect(styleOf('CALL 0800')).toEqual(['capitals 5', 'digits 4']);
    expect(styleOf(' ?!')).toEqual([]);
  });

  it('reads Chinese in runs of one to three characters, and what is written in between as before', () => {
    const ids = (features: string[]): number[] => features.map((feature) => 1 + (fnv1a(feature) % (TEXT_BUCKETS - 1)));
    expect(words('我爱VR世界!')).toEqual(['我爱', 'vr', '世界', '!']);
    expect([...featuresOf('你好吗')].sort()).toEqual(ids(['h你', 'h好', 'h吗', 'h你好', 'h好吗', 'h你好吗']).sort());
  });

  it('tells the script of most letters', () => {
    expect(['hello', '你好 hi', 'Привет', '¿qué tal?', '😀 12', 'ok 我们都喜欢'].map(scriptOf)).toEqual(['latin', 'han', 'other', 'latin', undefined, 'han']);
  });

  it('collapses links, mentions and numbers', () => {
    expect(words('see https://a.example/x?y=1 @bob_1 10.50')).toEqual(['see', '<url>', '<mention>', '<number-middle>']);
    expect(words('www.example.com')).toEqual(['<url>']);
    expect(featuresOf('call 07712345678')).toEqual(featuresOf('call 07798765432'));
  });

  it('sees through invisible characters and stacked accents', () => {
    expect(words('id\u200biot')).toEqual(['idiot']);
    expect(words('i\u0336\u0335d\u0336iot')).toEqual(['idiot']);
  });
});
