/** Makes the language model: trains, keeps the best weights by the validation parts, calibrates, and measures the baselines. */
import { seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { LANGUAGE_ROWS } from '../../features/language-input.ts';
import type { FitProgress } from '../models/fit.ts';
import { LinearBaseline, majorityBaseline } from './baselines.ts';
import type { Corpora } from './corpora.ts';
import type { EntityText } from './entity-corpus.ts';
import { entityReport, knownEntities } from './entity-figures.ts';
import type { LanguageFacts } from './facts.ts';
import { corpusOf, measure, probabilitiesFor } from './figures.ts';
import type { CorpusName, EncodedCorpora, Figures, Probabilities, Thresholds } from './figures.ts';
import type { GraphParts } from './graph.ts';
import { buildHeads, columnCount, EMOTIONS, MODERATION_CLASSES } from './heads.ts';
import type { Head, Heads } from './heads.ts';
import { MeanWeights } from './mean-weights.ts';
import { createNetwork, DENSE_LAYERS } from './network.ts';
import { encodePart, measurePart, scoreOf } from './parts.ts';
import type { EncodedPart, Predicted } from './parts.ts';
import { predict } from './predict.ts';
import { classesOf, encodeSamples } from './samples.ts';
import type { Sample, Splits } from './samples.ts';
import { createTagger, encodeEntityTexts, TAGGER_LAYERS, TaggerPass } from './tagger.ts';
import { Trainer } from './trainer.ts';
import type { TrainingOptions, TrainingPart } from './trainer.ts';
import { coolHead, fitTemperature, tuneEntity, tuneThresholds } from './tuning.ts';
import { flatVariant, typedVariant } from './variants.ts';
import { placeWordVectors } from './word-vectors.ts';
import type { WordVectors } from './word-vectors.ts';

const DIM = 64;
const HIDDEN = 128;
const TAGGER_HIDDEN = 48;
/** Of what features say by themselves: more of them share a row than in the table, which says the rest. */
const WIDE_ROWS = 32768;
/** Of the columns of word vectors: about as large as what training makes of other rows. */
const VECTOR_SCALE = 0.3;
/** How often an epoch of the second half adds to the mean of weights. */
const PARTS_OF_EPOCH = 4;

const OPTIONS: Omit<TrainingOptions, 'epochs'> = {
  batchSize: 32,
  embeddingRate: 0.05,
  denseRate: 0.002,
  wideRate: 0.1,
  weightDecay: 0.01,
  featureDropout: 0.5,
  hiddenDropout: 0.3,
  headWeights: { emotion: 1, sentiment: 0.3, intent: 1, moderation: 1, spam: 1, entity: 1 },
  // Hate is 6 % of the tweets; unweighted, it is hardly ever answered.
  classWeights: { moderation: [2, 1, 1] },
};

/** Visits of each data set in an epoch; the small ones are seen more often. */
const REPEATS: Readonly<Record<CorpusName, number>> = { intent: 1.5, emotion: 1, moderation: 1, spam: 2, chinese: 1 };
/** Visits of each text with entities, and of the same in small letters, as many chat. */
const TAGGING_REPEATS = 2;
const SMALL_LETTER_REPEATS = 0.5;
/** The same for requests as somebody might type them. */
const TYPED_REPEATS = 1;
/** The same for texts of one data set that serve another head as counter-examples. */
const CLEAN_REPEATS = 0.3;
const OUTSIDE_REPEATS = 0.08;

export interface TrainedLanguageModel {
  /** The float32 network and tagger. */
  readonly model: GraphParts;
  readonly facts: LanguageFacts;
  readonly validation: EncodedPart;
  readonly test: EncodedPart;
}

export interface EpochLine {
  readonly epoch: number;
  readonly loss: number;
  readonly score: number;
  /** Of the mean of weights; beside the last epoch's. */
  readonly meanScore?: number;
}

export interface LanguageRunOptions {
  readonly seed: number;
  readonly epochs: number;
  readonly onProgress: (progress: FitProgress) => void;
  readonly onEpoch: (line: EpochLine) => void;
}

/** @param vectors - where the rows of words begin. */
export function trainLanguageModel(corpora: Corpora, vectors: WordVectors, options: LanguageRunOptions): TrainedLanguageModel {
  const random = seededRandom(options.seed);
  const heads = buildHeads(corpora.intents);
  const parts = { train: encodePart(corpora, 'train'), validation: encodePart(corpora, 'validation'), test: encodePart(corpora, 'test') };
  const network = createNetwork({ buckets: LANGUAGE_ROWS, dim: DIM, hidden: HIDDEN, columns: columnCount(heads), wideRows: WIDE_ROWS }, random);
  placeWordVectors(network.embedding, DIM, vectors, VECTOR_SCALE);
  const tagger = createTagger(DIM, TAGGER_HIDDEN, random);
  const texts = [...trainingParts(parts.train.texts, corpora, random), ...counterExamples(corpora, heads, random)];
  const tagging = [
    { texts: parts.train.entities, repeats: TAGGING_REPEATS },
    { texts: encodeEntityTexts(inSmallLetters(corpora.entities.train)), repeats: SMALL_LETTER_REPEATS },
  ];
  const model = { network, tagger, heads };
  const trainer = new Trainer({ ...model, random }, { texts, tagging }, { ...OPTIONS, epochs: options.epochs });
  const { epochs, isMean } = trainUntilBest({ trainer, model, validation: parts.validation, options });
  // By the float network: rounding the table moves no head by a temperature.
  for (const head of Object.values(heads)) coolHead(network, head, fitTemperature(network, head, parts.validation.texts[corpusOf(head.name)]));
  const thresholds = tuneAll(model, parts.validation);
  const baselines = measureBaselines(parts, heads, random, options);
  const facts = { intents: [...corpora.intents], thresholds, baselines: { linear: baselines.linear.metrics, majority: baselines.majority.metrics }, seed: options.seed, epochs, isMean };
  return { model, facts, validation: parts.validation, test: parts.test };
}

interface UntilBest {
  readonly trainer: Trainer;
  readonly model: GraphParts;
  readonly validation: EncodedPart;
  readonly options: LanguageRunOptions;
}

/**
 * Leaves the best weights in the model: those of an epoch, or the mean of what the second half of training passed through, which is
 * often better than any of it. All epochs are run: the score wanders from one to the next.
 */
function trainUntilBest({ trainer, model, validation, options }: UntilBest): { epochs: number; isMean: boolean } {
  const total = trainer.visitsPerEpoch;
  const mean = new MeanWeights(weightsOf(model));
  const scoreNow = (): number => scoreOf(measurePart(predictAll(model, validation), tuneAll(model, validation), model.heads, validation));
  let best = { epoch: 0, score: -1, weights: copyWeights(model) };
  let meanScore = -1;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    let part = 1;
    const loss = trainer.runEpoch((done) => {
      options.onProgress({ stage: `epoch ${epoch} of ${options.epochs}`, done, total });
      if (epoch <= options.epochs / 2 || done < (part * total) / PARTS_OF_EPOCH) return;
      mean.add();
      part++;
    });
    const score = scoreNow();
    if (score > best.score) best = { epoch, score, weights: copyWeights(model) };
    if (epoch === options.epochs) {
      mean.apply();
      meanScore = scoreNow();
    }
    options.onEpoch({ epoch, loss, score, ...(epoch === options.epochs ? { meanScore } : {}) });
  }
  const isMean = meanScore > best.score;
  if (!isMean) weightsOf(model).forEach((weights, layer) => weights.set(best.weights[layer] ?? []));
  return { epochs: isMean ? options.epochs : best.epoch, isMean };
}

function predictAll({ network, tagger, heads }: GraphParts, { texts, entities }: EncodedPart): Predicted {
  const pass = new TaggerPass(tagger);
  return {
    heads: probabilitiesFor(texts, heads, (encoded, head) => predict(network, encoded, head)),
    tags: entities.map((text) => pass.predict(network.embedding, text)),
  };
}

function tuneAll(model: GraphParts, validation: EncodedPart): Thresholds {
  const { heads, tags } = predictAll(model, validation);
  return { ...tuneThresholds(validation.texts, model.heads, heads), entity: tuneEntity(validation.entities, tags) };
}

function weightsOf({ network, tagger }: GraphParts): Float32Array[] {
  return [network.embedding, network.wide, ...DENSE_LAYERS.map((layer) => network[layer]), ...TAGGER_LAYERS.map((layer) => tagger[layer])];
}

function copyWeights(model: GraphParts): Float32Array[] {
  return weightsOf(model).map((weights) => weights.slice());
}

/** Where the text has as many code units then: places must stay. */
function inSmallLetters(texts: Corpora['entities']['train']): Corpora['entities']['train'] {
  return texts.map((own) => ({ ...own, text: own.text.toLowerCase() })).filter(({ text }, index) => text.length === texts[index]?.text.length);
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

/** Both baselines get the same tuning of thresholds on the validation part; of entities the linear one knows those that it has seen. */
function measureBaselines(parts: Record<keyof Splits, EncodedPart>, heads: Heads, random: Random, { onProgress }: LanguageRunOptions): Record<'linear' | 'majority', Figures> {
  const linear = new Map<Head, LinearBaseline>();
  for (const head of Object.values(heads)) {
    onProgress({ stage: 'linear models to compare with', done: linear.size, total: Object.keys(heads).length });
    const model = new LinearBaseline(head, LANGUAGE_ROWS);
    model.train(parts.train.texts[corpusOf(head.name)], random);
    linear.set(head, model);
  }
  const linearFor = ({ texts }: EncodedPart): Probabilities =>
    probabilitiesFor(texts, heads, (encoded, head) => (linear.get(head) as LinearBaseline).predict(encoded));
  const majorityFor = ({ texts }: EncodedPart): Probabilities =>
    probabilitiesFor(texts, heads, (encoded, head) => majorityBaseline(parts.train.texts[corpusOf(head.name)], head, encoded.samples.length));
  const measured = (of: (part: EncodedPart) => Probabilities, known: readonly EntityText[]): Figures => {
    const entities = entityReport(parts.test.entities, knownEntities(known, parts.test.entities));
    return measure(parts.test.texts, heads, of(parts.test), tuneThresholds(parts.validation.texts, heads, of(parts.validation)), entities);
  };
  return { linear: measured(linearFor, parts.train.entities), majority: measured(majorityFor, []) };
}

