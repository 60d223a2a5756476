/** Chooses temperatures and thresholds on the validation part, never on the test part. */
import { entitiesFound, entityReport } from './entity-figures.ts';
import type { Head, Heads } from './heads.ts';
import { chineseReport, moderationReport, scopeFigures, spamReport } from './figures.ts';
import type { EncodedCorpora, Probabilities, Thresholds } from './figures.ts';
import { crossEntropy } from './loss.ts';
import { createActivations, forward } from './network.ts';
import type { Network } from './network.ts';
import { classesOf, idsOf } from './samples.ts';
import type { EncodedSamples, Sample } from './samples.ts';
import type { TaggedText } from './tagger.ts';

/** In-scope accuracy that may be given up so that more out-of-scope texts are told apart. */
const ACCURACY_GIVEN_UP = 0.02;
/** Steps of the grid to each side that an emotion's F1 is evened over: better between halves of the validation part than none. */
const SMOOTHED_STEPS = 5;
/** The same of the pair for moderation, whose steps are twice as long. */
const SMOOTHED_PAIRS = 2;
const HATE_GRID = Array.from({ length: 15 }, (_, index) => 0.1 + index * 0.05);
const OFFENSIVE_GRID = Array.from({ length: 13 }, (_, index) => 0.25 + index * 0.05);
const GRID = Array.from({ length: 37 }, (_, index) => 0.05 + index * 0.025);

/**
 * The temperature by which to divide a head's logits so that its probabilities fit the validation part (Guo et al.
 * 2017, section 4.2), found by golden-section search. Between 0.25 and 8.
 */
export function fitTemperature(network: Network, head: Head, encoded: EncodedSamples): number {
  const activations = createActivations(network.shape);
  const end = head.offset + head.classes.length;
  const rows = encoded.samples.map((_, index) => {
    forward(network, idsOf(encoded, index), [head], activations);
    return activations.logits.slice(head.offset, end);
  });
  const loss = (logTemperature: number): number => {
    const factor = Math.exp(-logTemperature);
    return rows.reduce((sum, row, index) => {
      activations.logits.set(row.map((logit) => logit * factor), head.offset);
      const classes = classesOf(encoded.samples[index] as Sample, head.name) ?? [];
      return sum + crossEntropy({ head, logits: activations.logits, classes, weight: 1, gradients: activations.logitGradients });
    }, 0);
  };
  return Math.exp(minimize(loss, Math.log(0.25), Math.log(8)));
}

/** Divides the head's logits by `temperature`, for good. */
export function coolHead(network: Network, head: Head, temperature: number): void {
  const { hidden, columns } = network.shape;
  for (let column = head.offset; column < head.offset + head.classes.length; column++) {
    network.outputBias[column]! /= temperature;
    for (let unit = 0; unit < hidden; unit++) network.outputWeights[column * hidden + unit]! /= temperature;
    for (let at = column; at < network.wide.length; at += columns) network.wide[at]! /= temperature;
  }
}

/** All thresholds that the manifest holds: one for each emotion, and `intent`, `hate`, `offensive`, `offensive-han`, `spam`. */
export function tuneThresholds(validation: EncodedCorpora, heads: Heads, probabilities: Probabilities): Thresholds {
  return {
    ...tuneEmotions(validation.emotion.samples, heads.emotion, probabilities.emotion),
    intent: tuneIntent(validation.intent.samples, heads.intent, probabilities.intent),
    ...tuneModeration(validation.moderation.samples, probabilities.moderation),
    'offensive-han': middleOfBest(GRID, (threshold) => chineseReport(validation.chinese.samples, probabilities.chinese, { 'offensive-han': threshold }).macroF1),
    spam: middleOfBest(GRID, (threshold) => spamReport(validation.spam.samples, probabilities.spam, threshold).classes[1]?.f1 ?? 0),
  };
}

/** The threshold of the highest F1 over all entities. @param tags - by text, [tokens, tags] probabilities. */
export function tuneEntity(texts: readonly TaggedText[], tags: readonly Float32Array[]): number {
  return middleOfBest(GRID, (threshold) => entityReport(texts, entitiesFound(texts, tags, threshold)).all.f1);
}

/**
 * The middle of the widest run of neighbouring candidates that score best.
 *
 * On a small validation part many thresholds tie; the middle is furthest from where the score falls.
 */
export function middleOfBest(candidates: readonly number[], scoreOf: (candidate: number) => number): number {
  const scores = candidates.map(scoreOf);
  const best = Math.max(...scores);
  let longest: number[] = [];
  let run: number[] = [];
  scores.forEach((score, index) => {
    run = score === best ? [...run, index] : [];
    if (run.length > longest.length) longest = run;
  });
  return rounded(candidates[longest[Math.floor(longest.length / 2)] ?? 0] ?? 0.5);
}

/** For each emotion, the threshold around which F1 is highest: some have so few comments that the very best one is chance. */
function tuneEmotions(samples: readonly Sample[], head: Head, probabilities: Float32Array): Record<string, number> {
  const width = head.classes.length;
  const tuned: Record<string, number> = {};
  head.classes.forEach((label, column) => {
    const rows = samples.map((sample, row) => ({
      score: probabilities[row * width + column] ?? 0,
      holds: classesOf(sample, 'emotion')?.includes(column) === true,
    }));
    const positives = rows.filter(({ holds }) => holds).length;
    const scores = GRID.map((threshold) => {
      const given = rows.filter(({ score }) => score >= threshold);
      return (2 * given.filter(({ holds }) => holds).length) / Math.max(1, given.length + positives);
    });
    const evened = smoothed(scores, SMOOTHED_STEPS);
    tuned[label] = middleOfBest(GRID, (threshold) => evened[GRID.indexOf(threshold)] ?? 0);
  });
  return tuned;
}

/** The highest threshold, and so the highest recall of out-of-scope, that costs at most `ACCURACY_GIVEN_UP`. */
function tuneIntent(samples: readonly Sample[], head: Head, probabilities: Float32Array): number {
  const accuracy = (threshold: number): number => scopeFigures(samples, head, probabilities, threshold).intentAcceptedAccuracy;
  const least = accuracy(0) - ACCURACY_GIVEN_UP;
  return rounded(Math.max(...GRID.filter((threshold) => accuracy(threshold) >= least), GRID[0] ?? 0));
}

/**
 * The pair of thresholds around which the mean F1 of the three classes is highest: hate has so few tweets that the very best pair is chance.
 */
function tuneModeration(samples: readonly Sample[], probabilities: Float32Array): { hate: number; offensive: number } {
  const scores = HATE_GRID.map((hate) => OFFENSIVE_GRID.map((offensive) => moderationReport(samples, probabilities, { hate, offensive }).macroF1));
  const evenedRows = scores.map((row) => smoothed(row, SMOOTHED_PAIRS));
  let best = { hate: 0.5, offensive: 0.5, score: -1 };
  OFFENSIVE_GRID.forEach((offensive, column) => {
    smoothed(evenedRows.map((row) => row[column] ?? 0), SMOOTHED_PAIRS).forEach((score, row) => {
      if (score > best.score) best = { hate: HATE_GRID[row] ?? 0.5, offensive, score };
    });
  });
  return { hate: rounded(best.hate), offensive: rounded(best.offensive) };
}

/** Means of neighbours, the nearer the weightier. */
export function smoothed(values: readonly number[], steps: number): number[] {
  return values.map((_, middle) => {
    let sum = 0;
    let weights = 0;
    values.forEach((value, at) => {
      const weight = Math.max(0, 1 - Math.abs(at - middle) / (steps + 1));
      sum += weight * value;
      weights += weight;
    });
    return sum / weights;
  });
}

function minimize(valueAt: (x: number) => number, low: number, high: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [left, right] = [low, high];
  for (let step = 0; step < 24; step++) {
    const width = golden * (right - left);
    if (valueAt(right - width) < valueAt(left + width)) right = left + width;
    else left = right - width;
  }
  return (left + right) / 2;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
