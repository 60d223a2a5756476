/** Rounding to int8, temperatures, thresholds, and the ONNX graph against the trainer's own arithmetic. */
import * as ort from 'onnxruntime-node';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../../features/entity-tokens.ts';
import { randomInt, seededRandom } from '../../../core/random.ts';
import { buildHeads, columnCount, ENTITY_TAGS } from '../../../training/language/heads.ts';
import { languageGraph } from '../../../training/language/graph.ts';
import { createNetwork } from '../../../training/language/network.ts';
import { predict } from '../../../training/language/predict.ts';
import { quantiseTable, quantiseTables, withTables } from '../../../training/language/quantise.ts';
import type { EncodedSamples } from '../../../training/language/samples.ts';
import { readLanguageGraph } from '../../../training/language/read-graph.ts';
import { createTagger, encodeEntityTexts, TaggerPass } from '../../../training/language/tagger.ts';
import type { TaggedText } from '../../../training/language/tagger.ts';
import { coolHead, fitTemperature, middleOfBest, smoothed } from '../../../training/language/tuning.ts';

const heads = buildHeads(['greeting', 'time']);
const shape = { buckets: 300, dim: 16, hidden: 24, columns: columnCount(heads), wideRows: 11 };
const network = createNetwork(shape, seededRandom(11));
network.wide.forEach((_, at) => (network.wide[at] = Math.sin(at * 1.3)));
network.wide.fill(0, 0, shape.columns);
const tables = quantiseTables(network);
const rounded = withTables(network, tables);

const tagger = createTagger(shape.dim, 12, seededRandom(12));

/** Rows of features as a batch for the graph, padded to `length`, with the tokens of `texts`. */
function batch(rows: readonly (readonly number[])[], length: number, texts: readonly TaggedText[] = []): Record<string, ort.Tensor> {
  const ids = new Int32Array(rows.length * length);
  rows.forEach((row, index) => ids.set(row, index * length));
  const tokens = new Int32Array(rows.length * ENTITY_TOKENS * TOKEN_FEATURES);
  texts.forEach((text, index) => tokens.set(text.ids, index * ENTITY_TOKENS * TOKEN_FEATURES));
  return { ids: new ort.Tensor('int32', ids, [rows.length, length]), tokens: new ort.Tensor('int32', tokens, [rows.length, ENTITY_TOKENS, TOKEN_FEATURES]) };
}

/** Rows that fit the small table. */
function tagged(text: string): TaggedText {
  const [own] = encodeEntityTexts([{ text, entities: [] }]);
  return { ...own!, ids: own!.ids.map((id) => (id === 0 ? 0 : 1 + (id % (shape.buckets - 1)))) };
}

function encodedRows(rows: readonly (readonly number[])[], classes: readonly number[] = []): EncodedSamples {
  const starts = new Int32Array(rows.length + 1);
  rows.forEach((row, index) => (starts[index + 1] = (starts[index] ?? 0) + row.length));
  const samples = rows.map((_, index) => ({ text: '', targets: [{ head: 'intent' as const, classes: [classes[index] ?? 0] }] }));
  return { samples, ids: Int32Array.from(rows.flat()), starts };
}

describe('the exported graph', () => {
  let session: ort.InferenceSession;
  beforeAll(async () => {
    session = await ort.InferenceSession.create(languageGraph({ network, tagger, heads }, tables), { intraOpNumThreads: 1 });
  });
  const random = seededRandom(4);
  const rows = [0, 1, 5, 40, 100].map((count) => Array.from({ length: count }, () => 1 + randomInt(random, shape.buckets - 1)));

  it('gives the probabilities of the trainer on the rounded table, to 1e-4', async () => {
    const outputs = await session.run(batch(rows, 100));
    for (const head of Object.values(heads)) {
      const expected = predict(rounded, encodedRows(rows), head);
      const given = outputs[head.name]?.data as Float32Array;
      expect(outputs[head.name]?.dims).toEqual([rows.length, head.classes.length]);
      const furthest = Math.max(...Array.from(given, (value, at) => Math.abs(value - (expected[at] ?? NaN))));
      expect(furthest).toBeLessThanOrEqual(1e-4);
    }
  });

  it('gives a row the same numbers whatever its padding and whoever shares its batch', async () => {
    const alone = await session.run(batch([rows[2] ?? []], 5));
    const padded = await session.run(batch(rows, 512));
    for (const head of Object.values(heads)) {
      const width = head.classes.length;
      const together = (padded[head.name]?.data as Float32Array).slice(2 * width, 3 * width);
      const single = alone[head.name]?.data as Float32Array;
      together.forEach((value, at) => expect(Math.abs(value - (single[at] ?? NaN))).toBeLessThan(1e-6));
    }
  });

  it('tags tokens as the trainer does, whoever shares the batch, and nothing behind them', async () => {
    const texts = ['Ada is in Paris', '', 'no', 'word '.repeat(80)].map(tagged);
    const pass = new TaggerPass(tagger);
    const outputs = await session.run(batch(texts.map(() => []), 1, texts));
    const width = ENTITY_TAGS.length;
    expect(outputs['entity']?.dims).toEqual([4, ENTITY_TOKENS, width]);
    const given = outputs['entity']?.data as Float32Array;
    texts.forEach((text, row) => {
      const expected = pass.predict(rounded.embedding, text);
      expected.forEach((value, at) => expect(Math.abs(value - (given[row * ENTITY_TOKENS * width + at] ?? NaN))).toBeLessThanOrEqual(1e-4));
    });
    const alone = await session.run(batch([[]], 1, texts.slice(0, 1)));
    const first = alone['entity']?.data as Float32Array;
    for (let at = 0; at < 4 * width; at++) expect(Math.abs((first[at] ?? NaN) - (given[at] ?? NaN))).toBeLessThan(1e-6);
    expect([...first.subarray(4 * width)].every((value) => value === 0)).toBe(true);
  });

  it('has the same answers with the float32 table, but for the rounding', async () => {
    const float = await ort.InferenceSession.create(languageGraph({ network, tagger, heads }), { intraOpNumThreads: 1 });
    const outputs = await float.run(batch(rows, 100));
    for (const head of Object.values(heads)) {
      const expected = predict(network, encodedRows(rows), head);
      (outputs[head.name]?.data as Float32Array).forEach((value, at) => expect(Math.abs(value - (expected[at] ?? NaN))).toBeLessThanOrEqual(1e-5));
    }
  });

  it('can be read back where it is not rounded', () => {
    expect(readLanguageGraph(languageGraph({ network, tagger, heads }), heads)).toEqual({ network, tagger, heads });
    expect(() => readLanguageGraph(languageGraph({ network, tagger, heads }, tables), heads)).toThrow(/no float32 constant embedding/);
  });

  it('answers a message without features with finite numbers', async () => {
    const outputs = await session.run(batch([[]], 1));
    for (const head of Object.values(heads)) expect([...(outputs[head.name]?.data as Float32Array)].every(Number.isFinite)).toBe(true);
  });
});

describe('quantiseTable', () => {
  it('is never off by more than half a step of the column', () => {
    const value = fc.float({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 12, maxLength: 12 }).map((values) => Float32Array.from(values)), (values) => {
        const { values: integers, scales } = quantiseTable(values, 3);
        integers.forEach((integer, at) => {
          const scale = scales[at % 3] ?? 0;
          expect(Math.abs(integer * scale - (values[at] ?? 0))).toBeLessThanOrEqual(scale * 0.501);
        });
      }),
    );
  });

  it('keeps zero at zero, which padding relies on', () => {
    expect([...quantiseTable(Float32Array.of(0, 0, 3, -8), 2).values]).toEqual([0, 0, 127, -127]);
  });
});

describe('tuning', () => {
  it('finds the temperature that a head was heated by', () => {
    const heated = createNetwork(shape, seededRandom(11));
    const random = seededRandom(8);
    const rows = Array.from({ length: 4000 }, () => [1 + randomInt(random, 299), 1 + randomInt(random, 299)]);
    coolHead(heated, heads.intent, 0.2);
    const probabilities = predict(heated, encodedRows(rows), heads.intent);
    // Labels drawn from the model's own probabilities: it is calibrated until it is heated further.
    const classes = rows.map((_, row) => {
      const chance = random.next();
      const [first = 0, second = 0] = probabilities.subarray(row * 3, row * 3 + 3);
      return chance < first ? 0 : chance < first + second ? 1 : 2;
    });
    coolHead(heated, heads.intent, 1 / 3);
    expect(Math.abs(fitTemperature(heated, heads.intent, encodedRows(rows, classes)) - 3)).toBeLessThan(0.4);
  });

  it('takes the middle of the widest plateau', () => {
    const scores = [0, 1, 0, 1, 1, 1, 0.5];
    expect(middleOfBest([0, 1, 2, 3, 4, 5, 6], (candidate) => scores[candidate] ?? 0)).toBe(4);
  });

  it('evens chance out of neighbours, and leaves what is even already', () => {
    expect(smoothed([1, 1, 1, 1], 2)).toEqual([1, 1, 1, 1]);
    expect(smoothed([0, 0, 1, 0, 0], 1)).toEqual([0, 0.25, 0.5, 0.25, 0]);
  });
});
