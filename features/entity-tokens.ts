/** Cuts a chat line into tokens that keep their places in it, and turns each into rows of the language model's table. */
import { wordRow } from './language-input.ts';
import { fnv1a, TEXT_BUCKETS } from './text.ts';
import { MAX_TEXT_UNITS, normalizeText, styleOf } from './text-tokens.ts';

/** Tokens of a line that are looked at for entities; what lies behind has none. */
export const ENTITY_TOKENS = 64;
/** Rows of each token. */
export const TOKEN_FEATURES = 16;
const MIN_GRAM = 3;
const MAX_GRAM = 4;

/** A place in the text, in UTF-16 code units; `end` is behind the last. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

// One alternation without nested quantifiers over the same characters, so none can backtrack far: links, mentions and
// topics, words with signs inside, what an apostrophe cuts off, Chinese characters, and anything else that can be seen.
const TOKEN = /(?:https?:\/\/|www\.)\S+|[@#][\p{L}\p{N}_]+|['’]\p{L}+|[\p{Script=Han}]|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}_])+(?:[-.&](?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}_])+)*|[^\s\p{Cc}]/gu;

/** The first `ENTITY_TOKENS` tokens of a line. */
export function entityTokens(text: string): TextSpan[] {
  const spans: TextSpan[] = [];
  for (const match of text.slice(0, MAX_TEXT_UNITS).matchAll(TOKEN)) {
    spans.push({ start: match.index, end: match.index + match[0].length });
    if (spans.length === ENTITY_TOKENS) break;
  }
  return spans;
}

/**
 * Writes the rows of the line's tokens.
 *
 * A token has the row of its word, the feature `w` and its word (shared with `textFeatures`), `x` and itself as it is written, `e` and its
 * shape, the same with how the whole line is written, then `c` and 3, then 4 characters in angle brackets, as many as have room.
 *
 * @param ids - [ENTITY_TOKENS, TOKEN_FEATURES] from `offset` on; overwritten, padded with 0.
 * @returns the tokens.
 */
export function entityFeatures(text: string, ids: Int32Array, offset: number): TextSpan[] {
  const spans = entityTokens(text);
  ids.fill(0, offset, offset + ENTITY_TOKENS * TOKEN_FEATURES);
  const style = styleOf(text)[0] ?? '';
  spans.forEach(({ start, end }, index) => {
    const rows = tokenRows(text.slice(start, end), style);
    rows.slice(0, TOKEN_FEATURES).forEach((row, at) => (ids[offset + index * TOKEN_FEATURES + at] = row));
  });
  return spans;
}

function tokenRows(raw: string, style: string): number[] {
  const word = kindOf(raw) ?? normalizeText(raw);
  const shape = shapeOf(raw);
  const rows = new Set([wordRow(word), featureRow(`w${word}`), featureRow(`x${raw}`), featureRow(`e${shape}`), featureRow(`e${shape} ${style}`)]);
  const marked = `<${word}>`;
  const characters = Array.from(marked);
  // Most words have no character of two code units, and a piece of a string is cut faster than characters are joined.
  const gram = characters.length === marked.length
    ? (first: number, length: number) => marked.slice(first, first + length)
    : (first: number, length: number) => characters.slice(first, first + length).join('');
  for (let length = MIN_GRAM; length <= MAX_GRAM; length++) {
    for (let first = 0; first + length <= characters.length && rows.size < TOKEN_FEATURES; first++) rows.add(featureRow(`c${gram(first, length)}`));
  }
  return [...rows];
}

/** Links, mentions and numbers are known by their kind. */
function kindOf(raw: string): string | undefined {
  if (/^(?:https?:|www\.)/iu.test(raw)) return '<url>';
  if (raw.length > 1 && raw.startsWith('@')) return '<mention>';
  return /^\p{N}+$/u.test(raw) ? '<number>' : undefined;
}

/** Capitals, small letters and digits as X, x and d, other characters as they are, runs of one kind as one. */
function shapeOf(raw: string): string {
  return raw.slice(0, 40).replace(/\p{Lu}+/gu, 'X').replace(/\p{Ll}+/gu, 'x').replace(/\p{Nd}+/gu, 'd').replace(/\p{Lo}+/gu, 'o');
}

function featureRow(feature: string): number {
  return 1 + (fnv1a(feature) % (TEXT_BUCKETS - 1));
}
