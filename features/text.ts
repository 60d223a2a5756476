/** Turns a chat line into the bucket ids that the language model reads; serving and training share it. */
import { styleOf, tokenize } from './text-tokens.ts';
import type { Token } from './text-tokens.ts';

/** Rows of the embedding table; row 0 is padding. */
export const TEXT_BUCKETS = 65536;
/** Ids a message has at most; a longer one loses character n-grams first, then word pairs. */
export const MAX_TEXT_FEATURES = 512;

const MIN_GRAM = 3;
const MAX_GRAM = 5;
/** Chinese words have one to four characters, most of them two. */
const MAX_HAN_GRAM = 3;
/** By id, the call that wrote it last; textFeatures is not re-entrant, and need not be. */
const writtenBy = new Uint32Array(TEXT_BUCKETS);
let call = 0;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export interface TextFeaturesInput {
  readonly text: string;
  /** Overwritten from `offset` on for `maxFeatures` places; still owned by the caller. */
  readonly ids: Int32Array;
  readonly offset: number;
  /** 1.. ; `ids` must have room for so many behind `offset`. */
  readonly maxFeatures: number;
}

/**
 * Writes the ids of a message and gives how many there are; the places behind them are 0, the padding id.
 *
 * A feature is a string: `s` and a style of `styleOf`, `w` and a token, `b` and two neighbouring tokens with a space
 * between, or `c` and 3 to 5 characters of a word in angle brackets, look-alike digits read as letters. A run of Chinese
 * characters has `h` and 1 to 3 of them in their place, and neither `w` nor `b`. The id of a feature is
 * `1 + fnv1a(utf8(feature)) mod (TEXT_BUCKETS - 1)`, so that any language can compute the same. Each id is written
 * once, style first, then tokens, pairs and characters.
 *
 * @bound `maxFeatures` ids from the first `MAX_TEXT_UNITS` code units, whatever the text.
 */
export function textFeatures(input: TextFeaturesInput): number {
  return featuresOfTokens(tokenize(input.text), input);
}

/** The same, of tokens that are there already. @param tokens - of the text. */
export function featuresOfTokens(tokens: readonly Token[], input: TextFeaturesInput): number {
  const { ids, offset, maxFeatures } = input;
  const mark = nextMark();
  let count = 0;
  const add = (hash: number): boolean => {
    const id = 1 + (hash % (TEXT_BUCKETS - 1));
    if (writtenBy[id] !== mark) {
      writtenBy[id] = mark;
      ids[offset + count++] = id;
    }
    return count < maxFeatures;
  };
  void (addStyle(input.text, add) && addTokens(tokens, add) && addPairs(tokens, add) && addHanGrams(tokens, add) && addGrams(tokens, add));
  ids.fill(0, offset + count, offset + maxFeatures);
  return count;
}

/** A number that no place of `writtenBy` holds. */
function nextMark(): number {
  call = (call + 1) >>> 0;
  if (call === 0) writtenBy.fill(call++);
  return call;
}

/** FNV-1a, 32 bit, over the UTF-8 bytes of `text`; a lone surrogate counts as U+FFFD. */
export function fnv1a(text: string): number {
  return hashText(FNV_OFFSET, text) >>> 0;
}

/** The hash of what has the hash `start`, and `text` behind it. */
export function fnv1aFrom(start: number, text: string): number {
  return hashText(start, text) >>> 0;
}

/** Takes one feature's hash; false when no more are wanted. */
type AddFeature = (hash: number) => boolean;

function addStyle(text: string, add: AddFeature): boolean {
  return styleOf(text).every((style) => add(hashText(hashText(FNV_OFFSET, 's'), style) >>> 0));
}

function addTokens(tokens: readonly Token[], add: AddFeature): boolean {
  const start = hashText(FNV_OFFSET, 'w');
  for (const token of tokens) {
    if (token.kind === 'han') continue;
    if (!add(hashText(start, token.text) >>> 0)) return false;
    if (token.folded !== token.text && !add(hashText(start, token.folded) >>> 0)) return false;
  }
  return true;
}

function addPairs(tokens: readonly Token[], add: AddFeature): boolean {
  const start = hashText(FNV_OFFSET, 'b');
  let previous: Token | undefined;
  for (const token of tokens) {
    if (previous !== undefined && previous.kind !== 'han' && token.kind !== 'han') {
      const first = hashText(hashText(start, previous.text), ' ');
      if (!add(hashText(first, token.text) >>> 0)) return false;
    }
    previous = token;
  }
  return true;
}

/** The short ones of all runs first: where a message is too long they say more than the long ones of its beginning. */
function addHanGrams(tokens: readonly Token[], add: AddFeature): boolean {
  const start = hashText(FNV_OFFSET, 'h');
  const runs = tokens.filter(({ kind }) => kind === 'han').map(({ text }) => codePoints(text));
  for (let length = 1; length <= MAX_HAN_GRAM; length++) {
    for (const points of runs) {
      for (let first = 0; first + length <= points.length; first++) {
        let hash = start;
        for (let at = first; at < first + length; at++) hash = hashCodePoint(hash, points[at] ?? 0);
        if (!add(hash >>> 0)) return false;
      }
    }
  }
  return true;
}

function addGrams(tokens: readonly Token[], add: AddFeature): boolean {
  const start = hashText(FNV_OFFSET, 'c');
  for (const token of tokens) {
    if (token.kind !== 'word') continue;
    const points = codePoints(`<${token.folded}>`);
    for (let first = 0; first + MIN_GRAM <= points.length; first++) {
      let hash = start;
      const last = Math.min(first + MAX_GRAM, points.length);
      for (let at = first; at < last; at++) {
        hash = hashCodePoint(hash, points[at] ?? 0);
        if (at - first + 1 >= MIN_GRAM && !add(hash >>> 0)) return false;
      }
    }
  }
  return true;
}

function codePoints(text: string): number[] {
  const points: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0;
    points.push(point);
    if (point > 0xffff) at++;
  }
  return points;
}

function hashText(hash: number, text: string): number {
  let state = hash;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0;
    state = hashCodePoint(state, point);
    if (point > 0xffff) at++;
  }
  return state;
}

/** Mixes the UTF-8 bytes of one code point into the hash. */
function hashCodePoint(hash: number, point: number): number {
  if (point < 0x80) return hashByte(hash, point);
  if (point < 0x800) return hashByte(hashByte(hash, 0xc0 | (point >> 6)), 0x80 | (point & 0x3f));
  if (point >= 0xd800 && point <= 0xdfff) return hashCodePoint(hash, 0xfffd);
  if (point < 0x10000) return hashTail(hashByte(hash, 0xe0 | (point >> 12)), point, 6);
  return hashTail(hashByte(hash, 0xf0 | (point >> 18)), point, 12);
}

function hashTail(hash: number, point: number, firstShift: number): number {
  let state = hash;
  for (let shift = firstShift; shift >= 0; shift -= 6) state = hashByte(state, 0x80 | ((point >> shift) & 0x3f));
  return state;
}

function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME);
}
