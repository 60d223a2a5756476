/** Data sets: what is refused, what is cleaned, how they are cut, balanced and augmented. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { NO_AUGMENTATION, augmentSamples, mirrorHand, turnHand } from '../../../training/dataset/augment.ts';
import { warpTime } from '../../../training/dataset/warp-time.ts';
import { nearestRows, smote } from '../../../training/dataset/balance.ts';
import { cleanSamples } from '../../../training/dataset/clean.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { inspectDataset, inspection } from '../../../training/dataset/inspection.ts';
import { mailText, readCsv, readJsonLines } from '../../../training/dataset/sources.ts';
import { splitSamples } from '../../../training/dataset/split.ts';
import { datasetNameOf, makeDataset, openDataset, writeDataset } from '../../../training/dataset/store.ts';
import { classCounts, toTable } from '../../../training/dataset/table.ts';
import type { Table } from '../../../training/dataset/table.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'dataset-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const COLUMNS = { layout: { kind: 'columns', width: 2 }, steps: 1 } as const;

function samplesOf(count: number, participants: number): LabelledSample[] {
  const random = seededRandom(3);
  return Array.from({ length: count }, (_, index) => {
    const label = index % 3 === 0 ? 'wave' : 'rest';
    return { id: `s${index}`, participant: `p${index % participants}`, label, values: [randomNormal(random), randomNormal(random) + (label === 'wave' ? 4 : 0)] };
  });
}

function draft(samples: LabelledSample[], name = 'gestures') {
  return { name, ...COLUMNS, samples, sources: [], history: ['made'] };
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return String((error as { code?: string }).code);
  }
  return 'none';
};

describe('a data set on disk', () => {
  it('has its content as its version and comes back as it was', () => {
    const one = makeDataset(draft(samplesOf(30, 10)));
    expect(makeDataset(draft(samplesOf(30, 10), 'other')).description.version).toBe(one.description.version);
    expect(makeDataset(draft(samplesOf(31, 10))).description.version).not.toBe(one.description.version);
    const own = join(folder, 'gestures');
    expect(writeDataset(own, one)).toBe(join(own, one.description.version));
    expect(openDataset(own)).toEqual(one);
    expect(readdirSync(own).sort()).toEqual([one.description.version, 'current'].sort());
  });

  it('with a changed sample is refused as tampered, with a pointer out of its folder as invalid', () => {
    const own = join(folder, 'tampered');
    const path = join(writeDataset(own, makeDataset(draft(samplesOf(30, 10)))), 'samples.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"rest"', '"wave"'));
    expect(codeOf(() => openDataset(own))).toBe('DATASET_TAMPERED');
    writeFileSync(join(own, 'current'), '../../etc');
    expect(codeOf(() => openDataset(own))).toBe('DATASET_INVALID');
  });

  it('that is empty, of one label, with an id twice, of a wrong width or an impossible name is refused', () => {
    const [first, ...rest] = samplesOf(9, 3) as [LabelledSample, ...LabelledSample[]];
    for (const samples of [[], samplesOf(9, 3).filter(({ label }) => label === 'rest'), [first, first, ...rest], [{ ...first, values: [1] }, ...rest]]) {
      expect(codeOf(() => makeDataset(draft(samples)))).toBe('DATASET_INVALID');
    }
    expect(codeOf(() => makeDataset(draft([first, ...rest], '../x')))).toBe('DATASET_INVALID');
    expect(codeOf(() => datasetNameOf('/tmp/Übel name'))).toBe('DATASET_INVALID');
  });
});

describe('a label that is called as something every object has', () => {
  const named = (label: string): LabelledSample[] => samplesOf(12, 4).map((sample) => (sample.label === 'wave' ? { ...sample, label } : sample));

  it('is counted as any other, also where cleaning leaves nothing of it', async () => {
    const samples = named('constructor');
    const { description } = makeDataset(draft(samples));
    expect(description).toMatchObject({ labels: ['constructor', 'rest'], counts: { constructor: 4, rest: 8 } });
    const datasetFolder = writeDataset(join(folder, 'named'), makeDataset(draft(samples.map((sample) => (sample.label === 'constructor' ? { ...sample, values: [null, null] } : sample)))));
    const { labels } = await inspectDataset({ datasetFolder });
    expect(labels[0]).toEqual({ label: 'constructor', samples: 4, kept: 0, participants: 0 });
    expect(inspection.safeParse(await inspectDataset({ datasetFolder })).success).toBe(true);
  });

  it('is refused where it could not be counted', () => {
    expect(() => makeDataset(draft(named('__proto__')))).toThrow(/DATASET_INVALID[\s\S]*__proto__ cannot be a label/);
    const line = JSON.stringify({ id: '1', participant: 'p', label: '__proto__', values: [1, 2] });
    expect(() => readJsonLines(Buffer.from(line), 'named.jsonl', { steps: 1 })).toThrow(/DATASET_INVALID: named.jsonl:1: [\s\S]*__proto__ cannot be a label/);
  });
});

describe('reading sources', () => {
  it('takes numbers, gaps and participants out of a CSV file, and names the line that is wrong', () => {
    const text = 'who,what,a,b\nann,wave,1,2\nben,rest,NaN,\n';
    const read = readCsv(new TextEncoder().encode(text), 'f.csv', { label: 'what', participant: 'who' });
    expect(read.samples.map(({ participant, label, values }) => [participant, label, values])).toEqual([['ann', 'wave', [1, 2]], ['ben', 'rest', [null, null]]]);
    expect(() => readCsv(new TextEncoder().encode(`${text}cy,wave,1,x\n`), 'f.csv', { label: 'what', participant: 'who' })).toThrow("DATASET_INVALID: f.csv:4, column 'b': 'x' is no number");
    expect(codeOf(() => readCsv(new TextEncoder().encode(text), 'f.csv', { label: 'nothing' }))).toBe('CONFIG_INVALID');
  });

  it('takes from a CSV file no row that the data set could not be opened with, and no column for another', () => {
    const read = (text: string, changes: object = {}): ReturnType<typeof readCsv> => readCsv(new TextEncoder().encode(text), 'f.csv', { label: 'what', participant: 'who', ...changes });
    // One person, whatever blanks are around the name.
    expect(new Set(read('who,what,a\nann,wave,1\n" ann ",rest,2\n').samples.map(({ participant }) => participant))).toEqual(new Set(['ann']));
    expect(() => read('who,what,a\nann,wave,1\n,rest,2\n')).toThrow('DATASET_INVALID: f.csv:3: a participant of 0 characters, not 1..200');
    expect(() => read(`who,what,a\n${'x'.repeat(201)},wave,1\n`)).toThrow('f.csv:2: a participant of 201 characters');
    expect(() => read('who,what,a,a\nann,wave,1,2\n')).toThrow("DATASET_INVALID: f.csv has more than one column called 'a'");
    for (const wild of ['Infinity', '1e300', '0x10', '1e999']) expect(() => read(`who,what,a\nann,wave,${wild}\n`)).toThrow(/column 'a': '.*' is no number/);
    // A row's number, as pandas writes it, tells the label where a file is sorted by label.
    expect(() => read(',who,what,a\n0,ann,wave,1\n')).toThrow("DATASET_INVALID: f.csv: column 1 has no name");
    expect(read(',who,what,a\n0,ann,wave,1\n', { leaveOut: [''] }).samples[0]?.values).toEqual([1]);
    expect(() => read('who;what;a\nann;wave;1\n')).toThrow(/CONFIG_INVALID: .*fields are parted by commas/);
    const [sample] = read('row,who,what,site,a\n7,ann,wave,,1\n', { leaveOut: ['row'], group: 'site' }).samples;
    expect(sample).toEqual({ id: 'line-2', participant: 'ann', label: 'wave', values: [1] });
    expect(codeOf(() => read('who,what,a\nann,wave,1\n', { leaveOut: ['row'] }))).toBe('CONFIG_INVALID');
  });

  it('names the line of JSON that is none, or not UTF-8', () => {
    expect(() => readJsonLines(new TextEncoder().encode('{"id":"1","participant":"a","label":"x","values":[1]}\n{"id":\n'), 'f.jsonl', { steps: 1 })).toThrow('DATASET_INVALID: f.jsonl:2: no JSON: {"id":');
    expect(() => readJsonLines(Buffer.from('{"id":"1","participant":"J\u00f6rg","label":"x","values":[1]}\n', 'latin1'), 'f.jsonl', { steps: 1 })).toThrow('f.jsonl:1: not UTF-8');
  });

  it('takes subject and body of a mail and no other header', () => {
    expect(mailText('From: a@b\nSubject: Win\n  big\nX-List: secret\n\nBuy now\n')).toBe('Win big\nBuy now\n');
  });
});

describe('cleaning', () => {
  const base: LabelledSample = { id: 'a', participant: 'p', label: 'x', values: [1, 2] };
  it('removes empty, mostly missing, equal and contradicting samples, and says of each why', () => {
    const samples = [
      base, { ...base, id: 'b' }, { ...base, id: 'c', values: [null, null] }, { ...base, id: 'd', values: [3, null] },
      { ...base, id: 'e', values: [5, 6] }, { ...base, id: 'f', values: [5, 6], label: 'y' },
    ];
    const { report, samples: kept } = cleanSamples(samples, COLUMNS, { maxMissingShare: 0.2, outlierScore: 8, minPerLabel: 1 });
    expect(Object.fromEntries(report.removed.map(({ id, reason }) => [id, reason]))).toEqual({ b: 'duplicate', c: 'empty', d: 'too-much-missing', e: 'contradiction', f: 'contradiction' });
    expect(kept.map(({ id }) => id)).toEqual(['a']);
  });

  it('takes a value far from its label for an outlier, fills gaps over time and refuses impossible hands', () => {
    const far = { ...base, id: 'far', label: 'rest', values: [0, 900] };
    expect(cleanSamples([...samplesOf(60, 10), far], COLUMNS).report.removed).toEqual([{ id: 'far', reason: 'outlier' }]);
    const gap = { ...base, values: [0, null, 4, null] };
    const filled = cleanSamples([gap], { layout: { kind: 'columns', width: 1 }, steps: 4 }, { maxMissingShare: 1, outlierScore: 8, minPerLabel: 1 });
    expect([filled.samples[0]?.values, filled.report.filledValues]).toEqual([[0, 2, 4, 4], 2]);
    const hand = { ...base, values: Array.from({ length: 75 }, (_, at) => at) };
    expect(cleanSamples([hand], { layout: { kind: 'hand' }, steps: 1 }).report.byReason).toEqual({ 'invalid-joints': 1 });
  });
});

describe('cutting', () => {
  it('keeps every participant on one side and every label on all', () => {
    const parts = splitSamples(samplesOf(310, 31), 5);
    const people = Object.values(parts).map((own) => new Set(own.map(({ participant }) => participant)));
    expect(people.reduce((sum, own) => sum + own.size, 0)).toBe(31);
    expect(parts.train.length / 310).toBeCloseTo(0.7, 1);
    for (const own of Object.values(parts)) expect(own.filter(({ label }) => label === 'wave').length / own.length).toBeCloseTo(1 / 3, 1);
    expect(splitSamples(samplesOf(310, 31), 5)).toEqual(parts);
  });

  it('refuses parts that share a participant or a sample, and too few participants', () => {
    const cut = samplesOf(30, 30).map((sample, index) => ({ ...sample, part: (['train', 'validation', 'test'] as const)[Math.floor(index / 10)] ?? 'train' }));
    expect(codeOf(() => splitSamples(cut, 1))).toBe('none');
    expect(codeOf(() => splitSamples(cut.map((sample, index) => (index > 28 ? { ...sample, participant: 'p0' } : sample)), 1))).toBe('DATASET_LEAKS');
    expect(codeOf(() => splitSamples(cut.map((sample, index) => (index > 28 ? { ...sample, values: cut[0]?.values ?? [] } : sample)), 1))).toBe('DATASET_LEAKS');
    expect(codeOf(() => splitSamples(samplesOf(30, 2), 1))).toBe('DATASET_INVALID');
  });
});

describe('encoding', () => {
  it('of a moving hand holds its shape at each step and how far the wrist has gone, mirrored for a left hand', () => {
    const hand = Array.from({ length: 75 }, (_, at) => Math.sin(at * 7) * 0.05);
    const values = [...hand, ...hand.map((value, at) => (at % 3 === 0 ? value + 0.25 : value))];
    const sample = { id: 'a', participant: 'p', label: 'x', values };
    const encoding = { kind: 'hand-motion', steps: 2, width: 94 } as const;
    const { features } = toTable([sample], ['x'], encoding);
    expect(features.length).toBe(188);
    // The shape stays the same to float32, the wrist has gone 25 cm along x.
    for (let at = 0; at < 88; at++) expect(features[94 + at]).toBeCloseTo(features[at] ?? Number.NaN, 4);
    expect(features[94 + 88]).toBeCloseTo(0.25, 5);
    expect(toTable([{ ...sample, handedness: 'left' }], ['x'], encoding).features[94 + 88]).toBeCloseTo(-0.25, 5);
  });
});

describe('balancing and augmenting', () => {
  const table: Table = { features: Float32Array.of(0, 0, 1, 0, 4, 0, 9, 9, 8, 9, 9, 8, 7, 9, 9, 7), classes: Int32Array.of(0, 0, 0, 1, 1, 1, 1, 1), count: 8, width: 2, steps: 1, classCount: 2 };
  it('SMOTE fills the small class with points between a row and one of its nearest', () => {
    expect(nearestRows(table, 0, [0, 1, 2], 2)).toEqual([1, 2]);
    const even = smote(table, seededRandom(1), 1);
    expect(classCounts(even)).toEqual([5, 5]);
    expect(even.features.subarray(0, 16)).toEqual(table.features);
    // With one neighbour, row 0 and 1 have each other: the new points lie on the line between them.
    for (const at of [16, 18]) {
      expect(even.features[at]).toBeGreaterThan(0);
      expect(even.features[at]).toBeLessThan(1);
      expect(even.features[at + 1]).toBe(0);
    }
  });

  it('mirrors twice to the same, keeps lengths when it turns, and keeps both ends of time', () => {
    const hand = Array.from({ length: 75 }, (_, at) => Math.sin(at));
    expect(mirrorHand(mirrorHand(hand))).toEqual(hand);
    const turned = turnHand(hand, 1) as number[];
    const apart = (values: readonly number[]): number => Math.hypot(values[0]! - values[72]!, values[1]! - values[73]!, values[2]! - values[74]!);
    expect(apart(turned)).toBeCloseTo(apart(hand), 9);
    expect(turned).not.toEqual(hand);
    const warped = warpTime([0, 1, 2, 3, 4], 1, 5, 0.2) as number[];
    expect([warped[0], warped[4]]).toEqual([0, 4]);
    expect(warped[2]).toBeCloseTo(2.8, 9);
  });

  it('makes copies only, with names of their own, the same for the same seed', () => {
    const make = () => augmentSamples(samplesOf(4, 4), COLUMNS, { ...NO_AUGMENTATION, copies: 2, noise: 0.1 }, seededRandom(2));
    expect(make().map(({ id }) => id).filter((id) => id.startsWith('s0'))).toEqual(['s0', 's0~1', 's0~2']);
    expect(make()).toEqual(make());
    expect(make().slice(0, 4)).toEqual(samplesOf(4, 4));
  });
});
