/** Cuts a chat line into tokens that survive shouting, stretching and simple disguises. One pass, no backtracking. */

/** What a token is; words have character n-grams, and so has `han`, a run of Chinese characters without spaces to cut it at. */
export type TokenKind = 'word' | 'han' | 'number' | 'mark' | 'url' | 'mention';

export interface Token {
  readonly kind: TokenKind;
  /** Normalised text; numbers, URLs and mentions are replaced by a placeholder. */
  readonly text: string;
  /** The word with look-alike digits and signs read as letters (`sh1t` to `shit`); equals `text` when there are none. */
  readonly folded: string;
}

/** Code points one by one; plain text is that as it is, and is cut faster. */
type Characters = string | readonly string[];

/** What most letters of a text belong to. */
export type Script = 'latin' | 'han' | 'other';

/** UTF-16 code units of a message that are looked at, before and after normalisation; the rest is ignored. */
export const MAX_TEXT_UNITS = 1024;
/** A longer word is cut here: what follows says nothing more about it. */
const MAX_WORD_UNITS = 40;
/** From so many single letters in a row ("s p a m") they are read as one word too. */
const MIN_SPELLED_LETTERS = 3;

const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i',
};
const INSIDE_WORD = new Set(["'", '*', '@', '$', '!', '-', '_']);
// Each is tested on one character, so none can backtrack.
const LETTER = /^[\p{L}\p{M}]$/u;
const DIGIT = /^\p{Nd}$/u;
const SPACE = /^[\s\p{Cc}]$/u;
const LATIN = /^\p{Script=Latin}$/u;
const HAN = /^\p{Script=Han}$/u;
const LOOKALIKE = /[013457@$!]/;
const INVISIBLE = /[\p{Cf}\u0300-\u036f\ufe00-\ufe0f]/gu;

/**
 * Unicode NFKC, lower case, no invisible characters, no combining accents left over, curly quotes made straight, and
 * no character more than twice in a row.
 *
 * @bound looks at the first `MAX_TEXT_UNITS` code units, and gives at most as many.
 */
export function normalizeText(raw: string): string {
  if (isPlain(raw)) return squeeze(raw.slice(0, MAX_TEXT_UNITS).toLowerCase());
  const text = raw.slice(0, MAX_TEXT_UNITS).normalize('NFKC').slice(0, MAX_TEXT_UNITS).toLowerCase();
  const visible = text.replace(INVISIBLE, '').replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"');
  return squeeze(visible).slice(0, MAX_TEXT_UNITS);
}

/** The tokens of a message in their order, then the words that it spells letter by letter. */
export function tokenize(raw: string): Token[] {
  const text = normalizeText(raw);
  const characters = isPlain(text) ? text : Array.from(text);
  const tokens: Token[] = [];
  let at = 0;
  while (at < characters.length) {
    if (isSpace(characters[at] ?? '')) at++;
    else at = readToken(characters, at, tokens);
  }
  return tokens.concat(spelledWords(tokens));
}

/**
 * How a message is written, which normalisation hides: `capitals` with the share of ASCII letters that are capitals,
 * `digits` with the share of characters that are digits, both in steps (0 for none). Nothing for a message without either.
 */
export function styleOf(raw: string): string[] {
  const text = raw.slice(0, MAX_TEXT_UNITS);
  let capitals = 0;
  let letters = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x41 && code <= 0x5a) capitals++;
    if ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) letters++;
    if (code >= 0x30 && code <= 0x39) digits++;
  }
  if (letters + digits === 0) return [];
  return [`capitals ${stepOf(capitals / Math.max(1, letters))}`, `digits ${stepOf(digits / text.length)}`];
}

/**
 * The script of most letters, undefined where there are none. A Chinese character counts twice: it says about as much as two letters.
 *
 * @bound looks at the first `MAX_TEXT_UNITS` code units.
 */
export function scriptOf(raw: string): Script | undefined {
  const counts = { latin: 0, han: 0, other: 0 };
  for (const character of raw.slice(0, MAX_TEXT_UNITS)) {
    if (LATIN.test(character)) counts.latin++;
    else if (isHan(character)) counts.han += 2;
    else if (LETTER.test(character)) counts.other++;
  }
  if (counts.latin + counts.han + counts.other === 0) return undefined;
  if (counts.han > Math.max(counts.latin, counts.other)) return 'han';
  return counts.latin >= counts.other ? 'latin' : 'other';
}

function stepOf(share: number): number {
  if (share === 0) return 0;
  return share < 0.05 ? 1 : share < 0.1 ? 2 : share < 0.2 ? 3 : share < 0.5 ? 4 : 5;
}

/** Whether it is all ASCII, in which nothing is to be normalised but capitals. */
function isPlain(text: string): boolean {
  for (let at = 0; at < Math.min(text.length, MAX_TEXT_UNITS); at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

function squeeze(text: string): string {
  if (!mayRepeat(text)) return text;
  const kept: string[] = [];
  let previous = '';
  let run = 0;
  for (const character of text) {
    run = character === previous ? run + 1 : 1;
    previous = character;
    if (run <= 2 || isDigit(character)) kept.push(character);
  }
  return kept.join('');
}

/** Whether a character may stand three times in a row: true wherever there are surrogates, since their units alternate. */
function mayRepeat(text: string): boolean {
  let before = -1;
  let previous = -1;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if ((unit === previous && unit === before) || (unit >= 0xd800 && unit <= 0xdfff)) return true;
    before = previous;
    previous = unit;
  }
  return false;
}

/** Reads one token at `start` into `tokens` and gives the index behind it. */
function readToken(characters: Characters, start: number, tokens: Token[]): number {
  const first = characters[start] ?? '';
  if (startsUrl(characters, start)) {
    tokens.push(placeholder('url', '<url>'));
    return skip(characters, start, (character) => !isSpace(character));
  }
  if (first === '@' && isWordCharacter(characters[start + 1])) {
    tokens.push(placeholder('mention', '<mention>'));
    return skip(characters, start + 1, (character) => character === '_' || isWordCharacter(character));
  }
  if (isHan(first)) return readHan(characters, start, tokens);
  if (isWordCharacter(first)) return readWord(characters, start, tokens);
  tokens.push({ kind: 'mark', text: first, folded: first });
  return start + 1;
}

function readHan(characters: Characters, start: number, tokens: Token[]): number {
  const end = skip(characters, start, isHan);
  const text = pieceOf(characters, start, end);
  tokens.push({ kind: 'han', text, folded: text });
  return end;
}

function readWord(characters: Characters, start: number, tokens: Token[]): number {
  let end = start + 1;
  while (continuesWord(characters, end)) end++;
  const digits = countOf(characters, start, end, isDigit);
  if (digits > 0 && countOf(characters, start, end, isLetter) === 0) {
    tokens.push(placeholder('number', numberClass(digits)));
    return end;
  }
  const text = pieceOf(characters, start, end).slice(0, MAX_WORD_UNITS);
  tokens.push({ kind: 'word', text, folded: foldLookalikes(text) });
  return end;
}

/** A sign or a point belongs to a word only between two of its characters: `f*ck`, `10.50`, not `hi!`. A `$` may also end it. */
function continuesWord(characters: Characters, at: number): boolean {
  const character = characters[at] ?? '';
  if (isHan(character)) return false;
  if (isWordCharacter(character)) return true;
  const before = characters[at - 1];
  const after = characters[at + 1];
  if (character === '$') return LETTER.test(before ?? '') || before === '$';
  if (INSIDE_WORD.has(character)) return isWordCharacter(before) && isWordCharacter(after);
  return '.,:'.includes(character) && character !== '' && isDigit(before ?? '') && isDigit(after ?? '');
}

/** Numbers say little, their length does: a price, a short code and a telephone number differ by it. */
function numberClass(digits: number): string {
  if (digits <= 2) return '<number-short>';
  return digits <= 4 ? '<number-middle>' : digits <= 7 ? '<number-long>' : '<number-phone>';
}

function foldLookalikes(word: string): string {
  if (!LOOKALIKE.test(word)) return squeeze(word);
  let folded = '';
  for (const character of word) folded += LOOKALIKES[character] ?? character;
  return squeeze(folded);
}

function spelledWords(tokens: readonly Token[]): Token[] {
  const words: Token[] = [];
  let letters = '';
  for (const token of [...tokens, placeholder('url', '')]) {
    if (token.kind === 'mark') continue;
    if (token.kind === 'word' && token.text.length <= 2 && Array.from(token.text).length === 1) {
      letters += token.folded;
      continue;
    }
    if (letters !== '' && Array.from(letters).length >= MIN_SPELLED_LETTERS) {
      const text = letters.slice(0, MAX_WORD_UNITS);
      words.push({ kind: 'word', text, folded: text });
    }
    letters = '';
  }
  return words;
}

function startsUrl(characters: Characters, at: number): boolean {
  if (characters[at] !== 'h' && characters[at] !== 'w') return false;
  // `www` has lost a letter to the squeezing.
  const head = pieceOf(characters, at, at + 8);
  return head.startsWith('http://') || head.startsWith('https://') || head.startsWith('ww.');
}

function pieceOf(characters: Characters, start: number, end: number): string {
  return typeof characters === 'string' ? characters.slice(start, end) : characters.slice(start, end).join('');
}

function countOf(characters: Characters, start: number, end: number, holds: (character: string) => boolean): number {
  let count = 0;
  for (let at = start; at < end; at++) if (holds(characters[at] ?? '')) count++;
  return count;
}

function skip(characters: Characters, from: number, while_: (character: string) => boolean): number {
  let at = from;
  while (at < characters.length && while_(characters[at] ?? '')) at++;
  return at;
}

function isSpace(character: string): boolean {
  return character === ' ' || (!isAscii(character) && SPACE.test(character));
}

function isHan(character: string): boolean {
  return !isAscii(character) && HAN.test(character);
}

function isLetter(character: string): boolean {
  return LETTER.test(character);
}

function isDigit(character: string): boolean {
  return (character >= '0' && character <= '9') || (!isAscii(character) && DIGIT.test(character));
}

/** Whether it is one that can be seen, of ASCII: the common case, which needs no look into Unicode's tables. */
function isAscii(character: string): boolean {
  return character >= '!' && character <= '~';
}

function isWordCharacter(character: string | undefined): boolean {
  if (character === undefined) return false;
  if (isAscii(character)) return (character >= 'a' && character <= 'z') || isDigit(character) || LETTER.test(character);
  return LETTER.test(character) || DIGIT.test(character);
}

function placeholder(kind: TokenKind, text: string): Token {
  return { kind, text, folded: text };
}
