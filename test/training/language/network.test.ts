/** The trainer's arithmetic: gradients against finite differences, losses, and learning on a small problem. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { buildHeads, columnCount } from '../../../training/language/heads.ts';
import type { HeadName } from '../../../training/language/heads.ts';
import { crossEntropy, probabilitiesOf } from '../../../training/language/loss.ts';
import { backward, createActivations, createDenseGradients, createNetwork, forward, poolScale } from '../../../training/language/network.ts';
import { MeanWeights } from '../../../training/language/mean-weights.ts';
import { Adam, SparseAdagrad } from '../../../training/language/optimisers.ts';
import { bestClasses, predict } from '../../../training/language/predict.ts';
import { encodeSamples } from '../../../training/language/samples.ts';
import type { Sample, Target } from '../../../training/language/samples.ts';
import { entitiesFound } from '../../../training/language/entity-figures.ts';
import { Trainer } from '../../../training/language/trainer.ts';
import { createTagger, createTaggerGradients, encodeEntityTexts, TAGGER_LAYERS, TaggerPass } from '../../../training/language/tagger.ts';
import { LANGUAGE_ROWS } from '../../../features/language-input.ts';

const heads = buildHeads(['greeting', 'time']);
const shape = { buckets: 20, dim: 5, hidden: 7, columns: columnCount(heads), wideRows: 11 };
const ids = Int32Array.of(3, 8, 14);
const targets: readonly Target[] = [
  { head: 'emotion', classes: [1, 4] },
  { head: 'sentiment', classes: [0, 2] },
  { head: 'intent', classes: [1] },
  { head: 'moderation', classes: [2] },
  { head: 'spam', classes: [] },
];

function lossOf(network: ReturnType<typeof createNetwork>, activations = createActivations(shape)): number {
  forward(network, ids, targets.map(({ head }) => heads[head]), activations);
  return targets.reduce((sum, { head, classes }) => {
    const { logits, logitGradients: gradients } = activations;
    return sum + crossEntropy({ head: heads[head], logits, classes, weight: 1.5, gradients });
  }, 0);
}

describe('backward', () => {
  const network = createNetwork(shape, seededRandom(1));
  const activations = createActivations(shape);
  // Half of the units count double and one not at all, as under dropout.
  activations.hiddenMask.set([2, 2, 0, 2, 1, 1, 1]);
  const gradients = createDenseGradients(shape);
  lossOf(network, activations);
  backward(network, targets.map(({ head }) => heads[head]), activations, gradients);

  function slope(weights: Float32Array, at: number): number {
    const step = 1e-3;
    const kept = weights[at] ?? 0;
    const scratch = createActivations(shape);
    scratch.hiddenMask.set(activations.hiddenMask);
    weights[at] = kept + step;
    const above = lossOf(network, scratch);
    weights[at] = kept - step;
    const below = lossOf(network, scratch);
    weights[at] = kept;
    return (above - below) / (2 * step);
  }

  it.each(['hiddenWeights', 'hiddenBias', 'outputWeights', 'outputBias'] as const)('agrees with finite differences on %s', (layer) => {
    gradients[layer].forEach((gradient, at) => expect(gradient).toBeCloseTo(slope(network[layer], at), 2));
    expect(gradients[layer].some((gradient) => Math.abs(gradient) > 0.05)).toBe(true);
  });

  it('agrees with finite differences on the embedding, where absent features have no gradient', () => {
    for (let at = 0; at < network.embedding.length; at++) {
      const row = Math.floor(at / shape.dim);
      const expected = ids.includes(row) ? (activations.pooledGradients[at % shape.dim] ?? 0) * poolScale(ids.length) : 0;
      expect(slope(network.embedding, at)).toBeCloseTo(expected, 2);
    }
  });

  it('agrees with finite differences on what features say by themselves, some of them over one row', () => {
    const said = ids.map((id) => id % shape.wideRows);
    for (let at = 0; at < network.wide.length; at++) {
      const [row, column] = [Math.floor(at / shape.columns), at % shape.columns];
      const expected = said.filter((own) => own === row).length * (activations.logitGradients[column] ?? 0) * poolScale(ids.length);
      expect(slope(network.wide, at)).toBeCloseTo(expected, 2);
    }
  });
});

describe('probabilities', () => {
  it('sum to one in a softmax head, whatever the logits', () => {
    const logits = new Float32Array(columnCount(heads)).fill(1e4);
    logits[heads.intent.offset] = -1e4;
    probabilitiesOf(heads.intent, logits, logits);
    expect([...logits.subarray(heads.intent.offset, heads.intent.offset + 3)]).toEqual([0, 0.5, 0.5]);
  });

  it('cost the negative logarithm of the true class', () => {
    const logits = Float32Array.from({ length: columnCount(heads) }, () => 0);
    const input = { logits, gradients: logits.slice(), weight: 2 };
    expect(crossEntropy({ ...input, head: heads.moderation, classes: [1] })).toBeCloseTo(2 * Math.log(3), 5);
    expect(crossEntropy({ ...input, head: heads.emotion, classes: [] })).toBeCloseTo(2 * 28 * Math.log(2), 4);
  });
});

describe('optimisers', () => {
  it('Adam takes a first step of its rate against the sign of the gradient and clears it', () => {
    const weights = Float32Array.of(1, 1, 1);
    const gradients = Float32Array.of(5, -0.1, 0);
    new Adam(weights).apply(gradients, { rate: 0.01, scale: 1, weightDecay: 0 });
    expect([...weights].map((weight) => Number(weight.toFixed(4)))).toEqual([0.99, 1.01, 1]);
    expect([...gradients]).toEqual([0, 0, 0]);
  });

  it('Adagrad moves only the rows of the features, and less each time', () => {
    const table = new Float32Array(6);
    const optimiser = new SparseAdagrad(table, 2);
    optimiser.apply(Int32Array.of(1), Float32Array.of(1, 0), { rate: 0.1, scale: 1 });
    const first = -(table[2] ?? 0);
    optimiser.apply(Int32Array.of(1), Float32Array.of(1, 0), { rate: 0.1, scale: 1 });
    const second = -(table[2] ?? 0) - first;
    // The mean square of (1, 0) is a half.
    expect(first).toBeCloseTo(0.1 * Math.SQRT2, 3);
    expect(second).toBeCloseTo(0.1, 3);
    expect([...table].filter((value) => value !== 0)).toHaveLength(1);
  });
});

describe('the mean of weights', () => {
  it('is that of all that was counted, and leaves weights alone where nothing was', () => {
    const weights = [Float32Array.of(1, 5), Float32Array.of(0)];
    const mean = new MeanWeights(weights);
    mean.apply();
    expect(weights.map((own) => [...own])).toEqual([[1, 5], [0]]);
    mean.add();
    weights[0]?.set([3, 5]);
    weights[1]?.set([1]);
    mean.add();
    weights[0]?.set([8, 5]);
    mean.add();
    mean.apply();
    expect(weights.map((own) => [...own].map((value) => Number(value.toFixed(4))))).toEqual([[4, 5], [0.6667]]);
  });
});

describe('the tagger', () => {
  const texts = encodeEntityTexts([
    { text: 'Ada met Grace in Paris', entities: [{ type: 'person', start: 0, end: 3 }, { type: 'person', start: 8, end: 13 }, { type: 'location', start: 17, end: 22 }] },
    { text: 'we met in the lobby', entities: [] },
    { text: 'New York is far', entities: [{ type: 'location', start: 0, end: 8 }] },
  ]);

  function taught(): { table: Float32Array; pass: TaggerPass } {
    const random = seededRandom(4);
    const network = createNetwork({ buckets: LANGUAGE_ROWS, dim: 8, hidden: 4, columns: columnCount(heads), wideRows: 11 }, random);
    const tagger = createTagger(8, 16, random);
    const options = {
      epochs: 150, batchSize: 3, embeddingRate: 0.1, denseRate: 0.01, wideRate: 0.1, weightDecay: 0, featureDropout: 0, hiddenDropout: 0,
      headWeights: { emotion: 1, sentiment: 1, intent: 1, moderation: 1, spam: 1, entity: 1 }, classWeights: {},
    };
    const trainer = new Trainer({ network, tagger, heads, random }, { texts: [], tagging: [{ texts, repeats: 1 }] }, options);
    for (let epoch = 0; epoch < options.epochs; epoch++) trainer.runEpoch(() => undefined);
    return { table: network.embedding, pass: new TaggerPass(tagger) };
  }

  it('learns its texts, also by what stands around a word', () => {
    const { table, pass } = taught();
    const found = entitiesFound(texts, texts.map((text) => pass.predict(table, text)), 0.5);
    expect(found.map((own, index) => own.map(({ label, start, end }) => `${label} ${texts[index]?.text.slice(start, end)}`))).toEqual([
      ['person Ada', 'person Grace', 'location Paris'], [], ['location New York'],
    ]);
  });

  it('has gradients that agree with finite differences', () => {
    const random = seededRandom(9);
    const tagger = createTagger(3, 5, random);
    const table = createNetwork({ buckets: LANGUAGE_ROWS, dim: 3, hidden: 1, columns: 1, wideRows: 2 }, random).embedding;
    const text = texts[0]!;
    const loss = (): number => {
      const rows = new TaggerPass(tagger).predict(table, text);
      return text.tags.reduce((sum, tag, token) => sum - Math.log(rows[token * 13 + tag] ?? 1), 0);
    };
    const gradients = createTaggerGradients(tagger);
    const still = { apply: () => undefined };
    new TaggerPass(tagger).learn(table, text, gradients, { embedding: still, random, rate: 0, featureDropout: 0, hiddenDropout: 0, weight: 1 });
    for (const layer of TAGGER_LAYERS) {
      for (let at = 0; at < tagger[layer].length; at += 7) {
        const kept = tagger[layer][at]!;
        const step = 1e-2;
        tagger[layer][at] = kept + step;
        const above = loss();
        tagger[layer][at] = kept - step;
        const below = loss();
        tagger[layer][at] = kept;
        expect(gradients[layer][at], layer).toBeCloseTo((above - below) / (2 * step), 1);
      }
      expect(gradients[layer].some((gradient) => Math.abs(gradient) > 0.05)).toBe(true);
    }
  });
});

describe('Trainer', () => {
  const sample = (text: string, head: HeadName, classes: number[]): Sample => ({ text, targets: [{ head, classes }] });
  const encoded = encodeSamples([
    sample('hello there', 'intent', [0]), sample('hi friend', 'intent', [0]),
    sample('what time is it', 'intent', [1]), sample('tell me the time', 'intent', [1]),
    sample('win a free prize now', 'spam', [0]), sample('see you at lunch', 'spam', []),
  ]);

  function train(seed: number): ReturnType<typeof createNetwork> {
    const network = createNetwork({ buckets: LANGUAGE_ROWS, dim: 8, hidden: 12, columns: columnCount(heads), wideRows: 11 }, seededRandom(seed));
    const options = {
      epochs: 60, batchSize: 2, embeddingRate: 0.1, denseRate: 0.01, wideRate: 0.1, weightDecay: 0, featureDropout: 0.2, hiddenDropout: 0.1,
      headWeights: { emotion: 1, sentiment: 1, intent: 1, moderation: 1, spam: 1, entity: 1 }, classWeights: {},
    };
    const tagger = createTagger(8, 4, seededRandom(seed));
    const trainer = new Trainer({ network, tagger, heads, random: seededRandom(seed) }, { texts: [{ encoded, repeats: 1.5 }], tagging: [] }, options);
    expect(trainer.visitsPerEpoch).toBe(9);
    for (let epoch = 0; epoch < options.epochs; epoch++) trainer.runEpoch(() => undefined);
    return network;
  }

  it('learns two heads from samples that each have a label for one', () => {
    const network = train(3);
    expect(bestClasses(predict(network, encoded, heads.intent), 3).slice(0, 4)).toEqual([0, 0, 1, 1]);
    const spam = predict(network, encoded, heads.spam);
    expect(spam[4]).toBeGreaterThan(0.8);
    expect(spam[5]).toBeLessThan(0.2);
  });

  it('moves what features say by themselves in the columns of heads with labels, and not the padding row', () => {
    const { wide, shape: { columns } } = train(3);
    const moved = new Set<number>();
    wide.forEach((value, at) => value !== 0 && moved.add(at % columns));
    expect([...moved].sort((a, b) => a - b)).toEqual([0, 1, 2].map((column) => heads.intent.offset + column).concat(heads.spam.offset));
    expect(wide.subarray(0, columns).every((weight) => weight === 0)).toBe(true);
  });

  it('leaves alone the heads without labels and the padding row', () => {
    const untouched = createNetwork({ buckets: LANGUAGE_ROWS, dim: 8, hidden: 12, columns: columnCount(heads), wideRows: 11 }, seededRandom(3));
    const trained = train(3);
    const start = heads.moderation.offset;
    expect(trained.outputBias.subarray(start, start + 3)).toEqual(untouched.outputBias.subarray(start, start + 3));
    expect(trained.outputWeights.subarray(start * 12, start * 12 + 36)).toEqual(untouched.outputWeights.subarray(start * 12, start * 12 + 36));
    expect(trained.embedding.subarray(0, 8).every((weight) => weight === 0)).toBe(true);
  });

  it('gives the same weights for the same seed', () => {
    expect(train(5).outputWeights).toEqual(train(5).outputWeights);
  });
});
