/** Reads the language model's outputs for one message: what it says, what it wants and whether to show it. */
import { assert } from '../core/assert.ts';

/** By output name, [N, labels] row-major probabilities. Read only. */
export type LanguageOutputs = Readonly<Record<string, ArrayLike<number>>>;

/** The part of the model's manifest that gives its outputs a meaning. */
export interface LanguageMeaning {
  /** By output name, the meaning of each column. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** For each emotion, and for `intent`, `hate`, `offensive` and `spam`: the score from which it counts. */
  readonly thresholds: Readonly<Record<string, number>>;
}

export interface Scored {
  readonly label: string;
  /** A probability, 0..1. */
  readonly score: number;
}

export interface Moderation extends Scored {
  readonly label: 'ok' | 'offensive' | 'hate' | 'spam';
  /** True for all but `ok`. A hint for people and filters, never a verdict. */
  readonly flagged: boolean;
}

export interface LanguageResult {
  readonly sentiment: Scored;
  /** Emotions above their thresholds, the strongest first; may be empty. */
  readonly emotions: readonly Scored[];
  /** What the speaker wants of an assistant; null when it is none of the known intents. */
  readonly intent: Scored | null;
  readonly moderation: Moderation;
}

/** What the moderation and the spam head gave, each 0..1. */
export interface ModerationScores {
  readonly hate: number;
  readonly offensive: number;
  readonly neither: number;
  readonly spam: number;
}

/**
 * @param row - which message of the batch.
 * @param meaning - a manifest will do.
 * @bound O(labels); makes no copy of the outputs.
 */
export function decodeLanguage(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning): LanguageResult {
  const moderation = column(outputs, row, meaning, 'moderation');
  const intent = column(outputs, row, meaning, 'intent');
  const best = highestOf(intent);
  const last = intent.labels.length - 1;
  return {
    sentiment: highestOf(column(outputs, row, meaning, 'sentiment')),
    emotions: emotionsOf(column(outputs, row, meaning, 'emotion'), meaning),
    intent: decideIntent(best.label === intent.labels[last] ? [best] : [best, scoredAt(intent, last)], thresholdOf(meaning, 'intent')),
    moderation: decideModeration(
      { hate: scoreAt(moderation, 0), offensive: scoreAt(moderation, 1), neither: scoreAt(moderation, 2), spam: scoreAt(column(outputs, row, meaning, 'spam'), 0) },
      meaning.thresholds,
    ),
  };
}

/**
 * The graver label wins: hate over offensive over spam.
 *
 * Hateful is also offensive, so both together are held against the threshold for `offensive`.
 */
export function decideModeration(scores: ModerationScores, thresholds: LanguageMeaning['thresholds']): Moderation {
  const rude = scores.hate + scores.offensive;
  if (scores.hate >= (thresholds['hate'] ?? 0.5)) return { label: 'hate', score: scores.hate, flagged: true };
  if (rude >= (thresholds['offensive'] ?? 0.5)) return { label: 'offensive', score: Math.min(1, rude), flagged: true };
  if (scores.spam >= (thresholds['spam'] ?? 0.5)) return { label: 'spam', score: scores.spam, flagged: true };
  return { label: 'ok', score: scores.neither, flagged: false };
}

/** The best intent, unless out-of-scope (the last label) is likelier or the best is below `threshold`. */
export function decideIntent(scores: readonly Scored[], threshold: number): Scored | null {
  const best = highest(scores);
  return best === scores.at(-1) || best.score < threshold ? null : best;
}

/** One message's row of an output. */
interface Column {
  readonly labels: readonly string[];
  readonly scores: ArrayLike<number>;
  readonly start: number;
}

function column(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning, name: string): Column {
  const labels = meaning.labels[name];
  const scores = outputs[name];
  assert(labels !== undefined && scores !== undefined, `the language model has an output called ${name}`);
  return { labels, scores, start: row * labels.length };
}

function scoreAt({ scores, start }: Column, index: number): number {
  return scores[start + index] ?? 0;
}

function scoredAt(of: Column, index: number): Scored {
  return { label: of.labels[index] ?? '', score: scoreAt(of, index) };
}

function highestOf(of: Column): Scored {
  assert(of.labels.length > 0, 'an output has at least one label');
  let best = 0;
  for (let index = 1; index < of.labels.length; index++) if (scoreAt(of, index) > scoreAt(of, best)) best = index;
  return scoredAt(of, best);
}

function emotionsOf(of: Column, meaning: LanguageMeaning): Scored[] {
  const emotions: Scored[] = [];
  of.labels.forEach((label, index) => {
    if (scoreAt(of, index) >= thresholdOf(meaning, label)) emotions.push(scoredAt(of, index));
  });
  return emotions.sort((a, b) => b.score - a.score);
}

function highest(scores: readonly Scored[]): Scored {
  assert(scores[0] !== undefined, 'an output has at least one label');
  return scores.reduce((best, next) => (next.score > best.score ? next : best), scores[0]);
}

function thresholdOf(meaning: LanguageMeaning, label: string): number {
  return meaning.thresholds[label] ?? 0.5;
}
