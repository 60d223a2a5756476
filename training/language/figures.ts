/** Measures the heads on held-out samples, the same way for every model that gives probabilities. */
import { decideIntent, decideModeration } from '../../features/language-result.ts';
import { classificationReport, expectedCalibrationError } from '../evaluate/classification.ts';
import type { ClassificationReport, ClassScore } from '../evaluate/classification.ts';
import type { EntityReport } from './entity-figures.ts';
import { MODERATION_CLASSES } from './heads.ts';
import type { Head, HeadName, Heads } from './heads.ts';
import { bestClasses } from './predict.ts';
import { classesOf } from './samples.ts';
import type { EncodedSamples, Sample } from './samples.ts';

/** The data sets by the head that they teach first; `chinese` teaches the moderation head too. */
export type CorpusName = 'intent' | 'emotion' | 'moderation' | 'spam' | 'chinese';
export type EncodedCorpora = Readonly<Record<CorpusName, EncodedSamples>>;

/** By head, [samples of the head's data set, classes] row-major; `chinese` is the moderation head on the Chinese texts. */
export type Probabilities = Readonly<Record<HeadName | 'chinese', Float32Array>>;
export type Thresholds = Readonly<Record<string, number>>;

export interface Figures {
  /** By name, for the manifest. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly emotions: readonly ClassScore[];
  readonly sentiment: ClassificationReport;
  /** Over the in-scope intents. */
  readonly intent: ClassificationReport;
  readonly moderation: ClassificationReport;
  /** Of the Chinese texts: offensive or not. */
  readonly chinese: ClassificationReport;
  readonly spam: ClassificationReport;
  readonly entities: EntityReport;
}

/** The data set on which a head is measured. */
export function corpusOf(head: HeadName): CorpusName {
  return head === 'sentiment' ? 'emotion' : head;
}

/** Asks `predictor` for every head. */
export function probabilitiesFor(
  corpora: EncodedCorpora, heads: Heads, predictor: (encoded: EncodedSamples, head: Head) => Float32Array,
): Probabilities {
  const of = (name: HeadName): Float32Array => predictor(corpora[corpusOf(name)], heads[name]);
  const chinese = predictor(corpora.chinese, heads.moderation);
  return { emotion: of('emotion'), sentiment: of('sentiment'), intent: of('intent'), moderation: of('moderation'), spam: of('spam'), chinese };
}

/** @param entities - measured apart, since their data set has tokens. */
export function measure(corpora: EncodedCorpora, heads: Heads, probabilities: Probabilities, thresholds: Thresholds, entities: EntityReport): Figures {
  const emotions = emotionReports(corpora.emotion.samples, heads.emotion, probabilities.emotion, thresholds);
  const sentiment = sentimentReport(corpora.emotion.samples, heads.sentiment, probabilities.sentiment);
  const intent = intentReport(corpora.intent.samples, heads.intent, probabilities.intent);
  const scope = scopeFigures(corpora.intent.samples, heads.intent, probabilities.intent, thresholds['intent'] ?? 0);
  const moderation = moderationReport(corpora.moderation.samples, probabilities.moderation, thresholds);
  const chinese = chineseReport(corpora.chinese.samples, probabilities.chinese, thresholds);
  const spam = spamReport(corpora.spam.samples, probabilities.spam, thresholds['spam'] ?? 0.5);
  const metrics = {
    emotionMacroF1: mean(emotions.classes.map(({ f1 }) => f1)),
    emotionMicroF1: emotions.microF1,
    sentimentAccuracy: sentiment.accuracy,
    sentimentMacroF1: sentiment.macroF1,
    intentAccuracy: intent.accuracy,
    ...scope,
    moderationAccuracy: moderation.accuracy,
    moderationMacroF1: moderation.macroF1,
    hateF1: moderation.classes[0]?.f1 ?? 0,
    chineseAccuracy: chinese.accuracy,
    chineseMacroF1: chinese.macroF1,
    spamF1: spam.classes[1]?.f1 ?? 0,
    spamAccuracy: spam.accuracy,
    entityF1: entities.all.f1,
    entityPrecision: entities.all.precision,
    entityRecall: entities.all.recall,
  };
  return { metrics, emotions: emotions.classes, sentiment, intent, moderation, chinese, spam, entities };
}

/** Single-label view of the three moderation classes, decided as when serving. */
export function moderationReport(samples: readonly Sample[], probabilities: Float32Array, thresholds: Thresholds): ClassificationReport {
  const predicted = samples.map((_, row) => {
    const [hate = 0, offensive = 0, neither = 0] = probabilities.subarray(row * 3, row * 3 + 3);
    const { label } = decideModeration({ hate, offensive, neither, spam: -1 }, thresholds);
    return label === 'hate' ? 0 : label === 'offensive' ? 1 : 2;
  });
  const actual = samples.map((sample) => classesOf(sample, 'moderation')?.[0] ?? -1);
  return classificationReport({ labels: MODERATION_CLASSES, actual, predicted });
}

/** Offensive, hateful or not: COLD does not tell the first two apart. Decided as when serving. */
export function chineseReport(samples: readonly Sample[], probabilities: Float32Array, thresholds: Thresholds): ClassificationReport {
  const predicted = samples.map((_, row) => {
    const [hate = 0, offensive = 0, neither = 0] = probabilities.subarray(row * 3, row * 3 + 3);
    return decideModeration({ hate, offensive, neither, spam: -1 }, thresholds, 'han').label === 'ok' ? 0 : 1;
  });
  const actual = samples.map((sample) => (MODERATION_CLASSES[classesOf(sample, 'moderation')?.[0] ?? -1] === 'offensive' ? 1 : 0));
  return classificationReport({ labels: ['ok', 'offensive'], actual, predicted });
}

export function spamReport(samples: readonly Sample[], probabilities: Float32Array, threshold: number): ClassificationReport {
  const actual = samples.map((sample) => ((classesOf(sample, 'spam') ?? []).length > 0 ? 1 : 0));
  const predicted = Array.from(probabilities, (probability) => (probability >= threshold ? 1 : 0));
  return classificationReport({ labels: ['ham', 'spam'], actual, predicted });
}

/**
 * What the threshold does: `intentAcceptedAccuracy` is the share of in-scope texts that get the right intent and pass,
 * `oosRecall` the share of out-of-scope texts that get none.
 */
export function scopeFigures(
  samples: readonly Sample[], head: Head, probabilities: Float32Array, threshold: number,
): { intentAcceptedAccuracy: number; oosRecall: number; intentCalibrationError: number } {
  const width = head.classes.length;
  const rows = samples.map((sample, row) => {
    const scores = head.classes.map((label, index) => ({ label, score: probabilities[row * width + index] ?? 0 }));
    return { actual: head.classes[classesOf(sample, 'intent')?.[0] ?? -1], given: decideIntent(scores, threshold)?.label };
  });
  const outOfScope = rows.filter(({ actual }) => actual === head.classes.at(-1));
  const inScope = rows.filter(({ actual }) => actual !== head.classes.at(-1));
  const best = bestClasses(probabilities, width);
  return {
    intentAcceptedAccuracy: share(inScope, ({ actual, given }) => actual === given),
    oosRecall: share(outOfScope, ({ given }) => given === undefined),
    intentCalibrationError: expectedCalibrationError(
      best.map((column, row) => probabilities[row * width + column] ?? 0),
      best.map((column, row) => column === classesOf(samples[row] as Sample, 'intent')?.[0]),
    ),
  };
}

/** Accuracy over the in-scope texts when the best in-scope intent is always taken. */
function intentReport(samples: readonly Sample[], head: Head, probabilities: Float32Array): ClassificationReport {
  const labels = head.classes.slice(0, -1);
  const rows = samples.flatMap((sample, row) => {
    const actual = classesOf(sample, 'intent')?.[0] ?? -1;
    return actual < labels.length ? [{ actual, start: row * head.classes.length }] : [];
  });
  const predicted = rows.map(({ start }) => bestClasses(probabilities.subarray(start, start + labels.length), labels.length)[0] ?? 0);
  return classificationReport({ labels, actual: rows.map(({ actual }) => actual), predicted });
}

function emotionReports(
  samples: readonly Sample[], head: Head, probabilities: Float32Array, thresholds: Thresholds,
): { classes: ClassScore[]; microF1: number } {
  const width = head.classes.length;
  const tables = head.classes.map((label, column) => ({
    label,
    actual: samples.map((sample) => (classesOf(sample, 'emotion')?.includes(column) === true ? 1 : 0)),
    predicted: samples.map((_, row) => ((probabilities[row * width + column] ?? 0) >= (thresholds[label] ?? 0.5) ? 1 : 0)),
  }));
  const score = (label: string, actual: number[], predicted: number[]): ClassScore =>
    classificationReport({ labels: ['other', label], actual, predicted }).classes[1] as ClassScore;
  const all = score('all', tables.flatMap(({ actual }) => actual), tables.flatMap(({ predicted }) => predicted));
  return { classes: tables.map(({ label, actual, predicted }) => score(label, actual, predicted)), microF1: all.f1 };
}

/** Only comments whose emotions all lie in one group have one right sentiment. */
function sentimentReport(samples: readonly Sample[], head: Head, probabilities: Float32Array): ClassificationReport {
  const best = bestClasses(probabilities, head.classes.length);
  const rows = samples.flatMap((sample, row) => {
    const [actual, ...others] = classesOf(sample, 'sentiment') ?? [];
    return actual === undefined || others.length > 0 ? [] : [{ actual, predicted: best[row] ?? 0 }];
  });
  return classificationReport({
    labels: head.classes,
    actual: rows.map(({ actual }) => actual),
    predicted: rows.map(({ predicted }) => predicted),
  });
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
