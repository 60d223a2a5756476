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
  const [hate = 0, offensive = 0, neither = 0] = column(outputs, row, meaning, 'moderation').map(({ score }) => score);
  const spam = column(outputs, row, meaning, 'spam')[0]?.score ?? 0;
  return {
    sentiment: highest(column(outputs, row, meaning, 'sentiment')),
    emotions: column(outputs, row, meaning, 'emotion')
      .filter(({ label, score }) => score >= thresholdOf(meaning, label))
      .sort((a, b) => b.score - a.score),
    intent: decideIntent(column(outputs, row, meaning, 'intent'), thresholdOf(meaning, 'intent')),
    moderation: decideModeration({ hate, offensive, neither, spam }, meaning.thresholds),
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

function column(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning, name: string): Scored[] {
  const labels = meaning.labels[name];
  const scores = outputs[name];
  assert(labels !== undefined && scores !== undefined, `the language model has an output called ${name}`);
  const start = row * labels.length;
  return labels.map((label, index) => ({ label, score: scores[start + index] ?? 0 }));
}

function highest(scores: readonly Scored[]): Scored {
  assert(scores[0] !== undefined, 'an output has at least one label');
  return scores.reduce((best, next) => (next.score > best.score ? next : best), scores[0]);
}

function thresholdOf(meaning: LanguageMeaning, label: string): number {
  return meaning.thresholds[label] ?? 0.5;
}
