/** Reads the language model's outputs for one message: what it says, what it wants and whether to show it. */
import { assert } from '../core/assert.ts';
import { decodeEntities } from './entities.ts';
import type { NamedEntity } from './entities.ts';
import { ENTITY_TOKENS } from './entity-tokens.ts';
import type { TextSpan } from './entity-tokens.ts';
import type { Script } from './text-tokens.ts';

/** By output name, [N, labels] row-major probabilities; of `entity` [N, ENTITY_TOKENS, tags]. Read only. */
export type LanguageOutputs = Readonly<Record<string, ArrayLike<number>>>;

/** What is known of the line itself. */
export interface LanguageLine {
  /** Its tokens for entities; left out where they are not looked for. */
  readonly spans?: readonly TextSpan[] | undefined;
  readonly script?: Script | undefined;
}

/** The part of the model's manifest that gives its outputs a meaning. */
export interface LanguageMeaning {
  /** By output name, the meaning of each column. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** For each emotion, and for `intent`, `hate`, `offensive`, `offensive-han`, `spam` and `entity`: the score from which it counts. */
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
  readonly script?: Script;
  /** In their order; left out where they are not looked for. */
  readonly entities?: readonly NamedEntity[];
}

/** Of a script whose feelings and wishes the model has not learnt. */
const UNREAD = { sentiment: { label: 'neutral', score: 0 }, emotions: [], intent: null } as const;

/** What the moderation and the spam head gave, each 0..1. */
export interface ModerationScores {
  readonly hate: number;
  readonly offensive: number;
  readonly neither: number;
  readonly spam: number;
}

/**
 * What a line in Latin letters, or without any, says and wants; of others only its moderation is read, which the model has learnt in Chinese too.
 *
 * @param row - which message of the batch.
 * @param meaning - a manifest will do.
 * @bound O(labels); makes no copy of the outputs.
 */
export function decodeLanguage(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning, { spans, script }: LanguageLine = {}): LanguageResult {
  return {
    ...(script === undefined || script === 'latin' ? decodeMeaning(outputs, row, meaning) : UNREAD),
    moderation: moderationOf(outputs, row, meaning, script),
    ...(script === undefined ? {} : { script }),
    ...(spans === undefined ? {} : { entities: script === 'latin' ? entitiesOf(outputs, row, meaning, spans) : [] }),
  };
}

function decodeMeaning(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning): Pick<LanguageResult, 'sentiment' | 'emotions' | 'intent'> {
  const intent = column(outputs, row, meaning, 'intent');
  const best = highestOf(intent);
  const last = intent.labels.length - 1;
  return {
    sentiment: highestOf(column(outputs, row, meaning, 'sentiment')),
    emotions: emotionsOf(column(outputs, row, meaning, 'emotion'), meaning),
    intent: decideIntent(best.label === intent.labels[last] ? [best] : [best, scoredAt(intent, last)], thresholdOf(meaning, 'intent')),
  };
}

function moderationOf(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning, script: Script | undefined): Moderation {
  const moderation = column(outputs, row, meaning, 'moderation');
  const spam = scoreAt(column(outputs, row, meaning, 'spam'), 0);
  return decideModeration({ hate: scoreAt(moderation, 0), offensive: scoreAt(moderation, 1), neither: scoreAt(moderation, 2), spam }, meaning.thresholds, script);
}

function entitiesOf(outputs: LanguageOutputs, row: number, meaning: LanguageMeaning, spans: readonly TextSpan[]): NamedEntity[] {
  const tags = meaning.labels['entity'];
  const scores = outputs['entity'];
  assert(tags !== undefined && scores !== undefined, 'a model that looks for entities has an output called entity');
  return decodeEntities({ spans, scores, start: row * ENTITY_TOKENS * tags.length, tags, threshold: thresholdOf(meaning, 'entity') });
}

/**
 * The graver label wins: hate over offensive over spam.
 *
 * Hateful is also offensive, so both together are held against the threshold for `offensive`. Of Chinese, nothing says what is hateful
 * and not only offensive, and the threshold is another one.
 */
export function decideModeration(scores: ModerationScores, thresholds: LanguageMeaning['thresholds'], script: Script = 'latin'): Moderation {
  const rude = scores.hate + scores.offensive;
  const offensive = script === 'han' ? thresholds['offensive-han'] : thresholds['offensive'];
  if (script !== 'han' && scores.hate >= (thresholds['hate'] ?? 0.5)) return { label: 'hate', score: scores.hate, flagged: true };
  if (rude >= (offensive ?? 0.5)) return { label: 'offensive', score: Math.min(1, rude), flagged: true };
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
