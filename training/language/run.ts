/** One whole training run: train with early stopping, quantise, calibrate, tune, and measure next to the baselines. */
import { seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { TEXT_BUCKETS } from '../../features/text.ts';
import { LinearBaseline, majorityBaseline } from './baselines.ts';
import type { Corpora } from './corpora.ts';
import { corpusOf, measure, probabilitiesFor } from './figures.ts';
import type { CorpusName, EncodedCorpora, Figures, Probabilities, Thresholds } from './figures.ts';
import { buildHeads, columnCount, EMOTIONS, MODERATION_CLASSES } from './heads.ts';
import type { Head, Heads } from './heads.ts';
import { createNetwork } from './network.ts';
import type { Network } from './network.ts';
import { predict } from './predict.ts';
import { quantiseTable, withTable } from './quantise.ts';
import type { QuantisedTable } from './quantise.ts';
import { classesOf, encodeSamples } from './samples.ts';
import type { Sample, Splits } from './samples.ts';
import { Trainer } from './trainer.ts';
import type { TrainingOptions, TrainingPart } from './trainer.ts';
import { flatVariant, typedVariant } from './variants.ts';
import { coolHead, fitTemperature, tuneThresholds } from './tuning.ts';

const DIM = 64;
const HIDDEN = 128;
/** Epochs without a better validation score after which a run ends. */
const PATIENCE = 2;

const OPTIONS: Omit<TrainingOptions, 'epochs'> = {
  batchSize: 32,
  embeddingRate: 0.05,
  denseRate: 0.002,
  weightDecay: 0.01,
  featureDropout: 0.5,
  hiddenDropout: 0.3,
  headWeights: { emotion: 1, sentiment: 0.3, intent: 1, moderation: 1, spam: 1 },
  // Hate is 6 % of the tweets; unweighted, it is hardly ever answered.
  classWeights: { moderation: [2, 1, 1] },
};

/** Visits of each data set in an epoch; the small ones are seen more often. */
const REPEATS: Readonly<Record<CorpusName, number>> = { intent: 1, emotion: 1, moderation: 1, spam: 2 };
/** The same for requests as somebody might type them. */
const TYPED_REPEATS = 1;
/** The same for texts of one data set that serve another head as counter-examples. */
const CLEAN_REPEATS = 0.3;
const OUTSIDE_REPEATS = 0.08;

export interface TrainedLanguageModel {
  readonly heads: Heads;
  /** As trained, cooled. */
  readonly network: Network;
  readonly table: QuantisedTable;
  readonly thresholds: Thresholds;
  /** Epochs until the best validation score. */
  readonly epochs: number;
  /** On the test parts: what ships, the same before rounding to int8, and the baselines. */
  readonly figures: Readonly<Record<'shipped' | 'unrounded' | 'linear' | 'majority', Figures>>;
  readonly testSamples: Readonly<Record<CorpusName, number>>;
}

export interface Progress {
  epoch(input: { epoch: number; epochs: number; visits: number }): void;
  visits(done: number): void;
  report(line: string): void;
}

/** @param options.epochs - at most so many. @param progress - told what happens; may draw a bar. */
export function trainLanguageModel(corpora: Corpora, options: { seed: number; epochs: number }, progress: Progress): TrainedLanguageModel {
  const random = seededRandom(options.seed);
  const heads = buildHeads(corpora.intents);
  const parts = { train: encodePart(corpora, 'train'), validation: encodePart(corpora, 'validation'), test: encodePart(corpora, 'test') };
  const shape = { buckets: TEXT_BUCKETS, dim: DIM, hidden: HIDDEN, columns: columnCount(heads) };
  const network = createNetwork(shape, random);
  const visits = [...trainingParts(parts.train, corpora, random), ...counterExamples(corpora, heads, random)];
  const trainer = new Trainer({ network, heads, random }, visits, { ...OPTIONS, epochs: options.epochs });
  const epochs = trainUntilBest({ trainer, network, heads, validation: parts.validation, epochs: options.epochs, progress });
  const table = quantiseTable(network.embedding, DIM);
  const shipped = withTable(network, table);
  for (const head of Object.values(heads)) {
    // The rounded network shares the dense layers, so this cools both.
    coolHead(network, head, fitTemperature(shipped, head, parts.validation[corpusOf(head.name)]));
  }
  const thresholds = tuneThresholds(parts.validation, heads, probabilitiesWith(shipped, parts.validation, heads));
  progress.report('training the baselines');
  const figures = {
    shipped: measure(parts.test, heads, probabilitiesWith(shipped, parts.test, heads), thresholds),
    unrounded: measure(parts.test, heads, probabilitiesWith(network, parts.test, heads), thresholds),
    ...measureBaselines(parts, heads, random),
  };
  return { heads, network, table, thresholds, epochs, figures, testSamples: sizes(parts.test) };
}

interface UntilBest {
  readonly trainer: Trainer;
  readonly network: Network;
  readonly heads: Heads;
  readonly validation: EncodedCorpora;
  readonly epochs: number;
  readonly progress: Progress;
}

/** Leaves the weights of the best epoch in the network and gives that epoch's number. */
function trainUntilBest({ trainer, network, heads, validation, epochs, progress }: UntilBest): number {
  let best = { epoch: 0, score: -1, weights: copyWeights(network) };
  for (let epoch = 1; epoch <= epochs && epoch - best.epoch <= PATIENCE; epoch++) {
    progress.epoch({ epoch, epochs, visits: trainer.visitsPerEpoch });
    const loss = trainer.runEpoch((done) => progress.visits(done));
    const score = validationScore(network, heads, validation);
    progress.report(`epoch ${epoch}: loss ${loss.toFixed(3)}, validation score ${score.toFixed(4)}`);
    if (score > best.score) best = { epoch, score, weights: copyWeights(network) };
  }
  for (const [layer, weights] of Object.entries(best.weights)) network[layer as WeightName].set(weights);
  return best.epoch;
}

/** The mean of one figure a data set, each at thresholds tuned on the same part. */
function validationScore(network: Network, heads: Heads, validation: EncodedCorpora): number {
  const probabilities = probabilitiesWith(network, validation, heads);
  const { metrics } = measure(validation, heads, probabilities, tuneThresholds(validation, heads, probabilities));
  const { intentAcceptedAccuracy = 0, oosRecall = 0, emotionMacroF1 = 0, moderationMacroF1 = 0, spamF1 = 0 } = metrics;
  return ((intentAcceptedAccuracy + oosRecall) / 2 + emotionMacroF1 + moderationMacroF1 + spamF1) / 4;
}

const WEIGHT_NAMES = ['embedding', 'hiddenWeights', 'hiddenBias', 'outputWeights', 'outputBias'] as const;
type WeightName = (typeof WEIGHT_NAMES)[number];

function copyWeights(network: Network): Record<string, Float32Array> {
  return Object.fromEntries(WEIGHT_NAMES.map((name) => [name, network[name].slice()]));
}

/** Each data set as it is, and the requests also as somebody might type them. */
function trainingParts(train: EncodedCorpora, corpora: Corpora, random: Random): TrainingPart[] {
  const typed = encodeSamples(corpora.intent.train.map((sample) => typedVariant(sample, random)));
  const parts = (Object.keys(REPEATS) as CorpusName[]).map((name) => ({ encoded: train[name], repeats: REPEATS[name] }));
  return [...parts, { encoded: typed, repeats: TYPED_REPEATS }];
}

/**
 * Texts of one data set whose label for another head is plain: requests to an assistant are neither rude nor spam, and
 * comments, tweets and text messages are no request to an assistant. Without them a head answers confidently on what
 * its own data never contains. Thanks are left out, they are an intent too. Half are rewritten in the other style, or
 * capitals and full stops would be what tells the data sets apart.
 */
function counterExamples(corpora: Corpora, heads: Heads, random: Random): TrainingPart[] {
  const neither = MODERATION_CLASSES.indexOf('neither');
  const gratitude = EMOTIONS.indexOf('gratitude');
  const outOfScope = heads.intent.classes.length - 1;
  const clean = corpora.intent.train.map(({ text }): Sample => ({
    text,
    targets: [{ head: 'moderation', classes: [neither] }, { head: 'spam', classes: [] }],
  }));
  const comments = corpora.emotion.train.filter((sample) => classesOf(sample, 'emotion')?.includes(gratitude) !== true);
  const outside = [...comments, ...corpora.moderation.train, ...corpora.spam.train].map(({ text }): Sample => ({
    text,
    targets: [{ head: 'intent', classes: [outOfScope] }],
  }));
  return [
    { encoded: encodeSamples(half(clean, (sample) => typedVariant(sample, random), random)), repeats: CLEAN_REPEATS },
    { encoded: encodeSamples(half(outside, flatVariant, random)), repeats: OUTSIDE_REPEATS },
  ];
}

function half(samples: readonly Sample[], rewrite: (sample: Sample) => Sample, random: Random): Sample[] {
  return samples.map((sample) => (random.next() < 0.5 ? sample : rewrite(sample)));
}

/** Both baselines get the same tuning of thresholds on the validation part. */
function measureBaselines(parts: Record<keyof Splits, EncodedCorpora>, heads: Heads, random: Random): Record<'linear' | 'majority', Figures> {
  const linear = new Map<Head, LinearBaseline>();
  for (const head of Object.values(heads)) {
    const model = new LinearBaseline(head, TEXT_BUCKETS);
    model.train(parts.train[corpusOf(head.name)], random);
    linear.set(head, model);
  }
  const linearFor = (part: EncodedCorpora): Probabilities =>
    probabilitiesFor(part, heads, (encoded, head) => (linear.get(head) as LinearBaseline).predict(encoded));
  const majorityFor = (part: EncodedCorpora): Probabilities =>
    probabilitiesFor(part, heads, (encoded, head) => majorityBaseline(parts.train[corpusOf(head.name)], head, encoded.samples.length));
  const measured = (of: (part: EncodedCorpora) => Probabilities): Figures =>
    measure(parts.test, heads, of(parts.test), tuneThresholds(parts.validation, heads, of(parts.validation)));
  return { linear: measured(linearFor), majority: measured(majorityFor) };
}

function probabilitiesWith(network: Network, corpora: EncodedCorpora, heads: Heads): Probabilities {
  return probabilitiesFor(corpora, heads, (encoded, head) => predict(network, encoded, head));
}

function encodePart(corpora: Corpora, part: keyof Splits): EncodedCorpora {
  return {
    intent: encodeSamples(corpora.intent[part]),
    emotion: encodeSamples(corpora.emotion[part]),
    moderation: encodeSamples(corpora.moderation[part]),
    spam: encodeSamples(corpora.spam[part]),
  };
}

function sizes(part: EncodedCorpora): Record<CorpusName, number> {
  const { intent, emotion, moderation, spam } = part;
  return {
    intent: intent.samples.length,
    emotion: emotion.samples.length,
    moderation: moderation.samples.length,
    spam: spam.samples.length,
  };
}
