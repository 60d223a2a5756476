/** Cuts a chat line into tokens that keep their places in it, and turns each into rows of the language model's table. */
import { wordRow } from './language-input.ts';
import { fnv1a, fnv1aFrom, TEXT_BUCKETS } from './text.ts';
import { MAX_TEXT_UNITS, normalizeText, styleOf } from './text-tokens.ts';

/** Tokens of a line that are looked at for entities; what lies behind has none. */
export const ENTITY_TOKENS = 64;
/** Rows of each token. */
export const TOKEN_FEATURES = 8;
/** Characters at the beginning and at the end of a word that are a feature of their own. */
const END_UNITS = 3;

/** Hashes of what features begin with. */
const BEGINNINGS = { word: fnv1a('w'), written: fnv1a('x'), shape: fnv1a('e'), start: fnv1a('p<'), end: fnv1a('p') };
/** What says how a token is written. */
const MAX_SHAPED_UNITS = 40;
const AT = '@'.charCodeAt(0);
const SMALL_A = 'a'.charCodeAt(0);
const LAST_ASCII = 0x7f;
const IS_LINK_START = new Set(Array.from('hHwW', (letter) => letter.charCodeAt(0)));
// Each is tested on one token or character, and none can backtrack.
const LINK = /^(?:https?:|www\.)/iu;
const NUMBER = /^\p{N}+$/u;
const CHARACTER_KINDS = [{ kind: 'X', pattern: /\p{Lu}/u }, { kind: 'x', pattern: /\p{Ll}/u }, { kind: 'd', pattern: /\p{Nd}/u }, { kind: 'o', pattern: /\p{Lo}/u }] as const;

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
 * A token has the row of its word, and those of these features: `w` and its word (shared with `textFeatures`), `x` and itself as it is written,
 * `e` and its shape, the same with how the whole line is written, `p<` and the word's first 3 UTF-16 units, `p` and its last 3, then its last 2, and `>`.
 * Each row is written once.
 *
 * @param ids - [ENTITY_TOKENS, TOKEN_FEATURES] from `offset` on; overwritten, padded with 0.
 * @returns the tokens.
 */
export function entityFeatures(text: string, ids: Int32Array, offset: number): TextSpan[] {
  const spans = entityTokens(text);
  ids.fill(0, offset, offset + ENTITY_TOKENS * TOKEN_FEATURES);
  const style = ` ${styleOf(text)[0] ?? ''}`;
  let at = offset;
  for (const { start, end } of spans) {
    writeRows(text.slice(start, end), style, ids, at);
    at += TOKEN_FEATURES;
  }
  return spans;
}

/** Hashes go on from those of what features have in common, so that no text is put together. */
function writeRows(raw: string, style: string, ids: Int32Array, offset: number): void {
  const word = kindOf(raw) ?? normalizeText(raw);
  const shape = fnv1aFrom(BEGINNINGS.shape, shapeOf(raw));
  const rows = [
    wordRow(word), rowOf(fnv1aFrom(BEGINNINGS.word, word)), rowOf(fnv1aFrom(BEGINNINGS.written, raw)), rowOf(shape), rowOf(fnv1aFrom(shape, style)),
    rowOf(fnv1aFrom(BEGINNINGS.start, word.slice(0, END_UNITS))), rowOf(endHash(word.slice(-END_UNITS))), rowOf(endHash(word.slice(1 - END_UNITS))),
  ];
  let end = offset;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    if (rows.indexOf(row) === index) ids[end++] = row;
  }
}

function endHash(end: string): number {
  return fnv1aFrom(fnv1aFrom(BEGINNINGS.end, end), '>');
}

function rowOf(hash: number): number {
  return 1 + (hash % (TEXT_BUCKETS - 1));
}

/** Links, mentions and numbers are known by their kind. */
function kindOf(raw: string): string | undefined {
  const first = raw.charCodeAt(0);
  if (first === AT && raw.length > 1) return '<mention>';
  // Only what begins like one of these is worth an expression.
  if (IS_LINK_START.has(first) && LINK.test(raw)) return '<url>';
  return (first < SMALL_A || first > LAST_ASCII) && NUMBER.test(raw) ? '<number>' : undefined;
}

/** Capitals, small letters and digits as X, x and d, other letters as o, runs of one kind as one; other characters as they are. */
function shapeOf(raw: string): string {
  let shape = '';
  let previous = '';
  for (const character of raw.length > MAX_SHAPED_UNITS ? raw.slice(0, MAX_SHAPED_UNITS) : raw) {
    const kind = kindOfCharacter(character);
    if (kind === '') shape += character;
    else if (kind !== previous) shape += kind;
    previous = kind;
  }
  return shape;
}

/** Empty for what is neither letter nor digit. */
function kindOfCharacter(character: string): string {
  if (character >= 'a' && character <= 'z') return 'x';
  if (character >= 'A' && character <= 'Z') return 'X';
  if (character >= '0' && character <= '9') return 'd';
  if (character < '\u0080') return '';
  return CHARACTER_KINDS.find(({ pattern }) => pattern.test(character))?.kind ?? '';
}
