/** What the language model reads of a chat line: rows for its words, whose meaning is known beforehand, and those of its features. */
import { featuresOfTokens, fnv1a, TEXT_BUCKETS } from './text.ts';
import type { TextFeaturesInput } from './text.ts';
import { tokenize } from './text-tokens.ts';

/** Rows behind those of the features, which begin as published word vectors. */
export const WORD_ROWS = 24576;
/** Rows of the model's table. */
export const LANGUAGE_ROWS = TEXT_BUCKETS + WORD_ROWS;
/** Different words of a message that have such rows at most, so that features have room. */
const MAX_WORDS = 128;

/** The row of a word in lower case; several words may share one. */
export function wordRow(word: string): number {
  return TEXT_BUCKETS + (fnv1a(word) % WORD_ROWS);
}

/**
 * Writes the rows of a message and gives how many there are; the places behind them are 0, which is padding.
 *
 * The rows of its first different words come first, as `wordRow` numbers them, then the ids of `textFeatures`.
 *
 * @bound as `textFeatures`.
 */
export function languageFeatures({ text, ids, offset, maxFeatures }: TextFeaturesInput): number {
  const tokens = tokenize(text);
  const rows = new Set<number>();
  for (const token of tokens) {
    if (rows.size >= Math.min(MAX_WORDS, maxFeatures - 1)) break;
    if (token.kind === 'word') rows.add(wordRow(token.text));
  }
  let at = offset;
  for (const row of rows) ids[at++] = row;
  return rows.size + featuresOfTokens(tokens, { text, ids, offset: at, maxFeatures: maxFeatures - rows.size });
}
