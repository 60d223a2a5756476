/** Makes new inputs for a decoder out of known good ones. */
import { randomInt, type Random } from '../../core/random.ts';

/** No mutation makes an input longer than this. */
const MAX_INPUT_BYTES = 4096;
/** What breaks decoders that trust what they read: huge lengths, forbidden keys, deep nesting. */
const INSERTIONS: readonly Uint8Array[] = ['ff', '80', 'ffffffff', 'dbffffffff', 'ddffffffff', 'dfffffffff', 'c6ffffffff', 'a95f5f70726f746f5f5f', '81a95f5f70726f746f5f5f80', '81a178'.repeat(40), '91'.repeat(600), 'c1', 'd4'].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

type Mutation = (random: Random, bytes: Uint8Array, corpus: readonly Uint8Array[]) => Uint8Array;
const MUTATIONS: readonly Mutation[] = [flipBit, setByte, truncate, splice, changeLength, insert];

/** One of the corpus, changed by up to four mutations; sometimes unchanged. The caller owns it. */
export function mutate(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes = Uint8Array.from(pick(random, corpus));
  for (let left = randomInt(random, 5); left > 0; left--) bytes = Uint8Array.from(pick(random, MUTATIONS)(random, bytes, corpus).subarray(0, MAX_INPUT_BYTES));
  return bytes;
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomInt(random, items.length)] as T;
}

function flipBit(random: Random, bytes: Uint8Array): Uint8Array {
  const at = randomInt(random, bytes.length);
  if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(random, 8));
  return bytes;
}

function setByte(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0) bytes[randomInt(random, bytes.length)] = randomInt(random, 256);
  return bytes;
}

function truncate(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, randomInt(random, bytes.length + 1));
}

/** The head of one input and the tail of another. */
function splice(random: Random, bytes: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  const other = pick(random, corpus);
  return Buffer.concat([bytes.subarray(0, randomInt(random, bytes.length + 1)), other.subarray(randomInt(random, other.length + 1))]);
}

/** Writes a whole number at its extremes, or near the input's own length, over 1, 2 or 4 bytes. */
function changeLength(random: Random, bytes: Uint8Array): Uint8Array {
  const width = pick(random, [1, 2, 4]);
  if (bytes.length < width) return bytes;
  const value = pick(random, [0, 1, 0x7fffffff, 0xffffffff, bytes.length - 1, bytes.length, bytes.length + 1]);
  const at = randomInt(random, bytes.length - width + 1);
  for (let byte = 0; byte < width; byte++) bytes[at + byte] = (value >>> (8 * (width - 1 - byte))) & 255;
  return bytes;
}

function insert(random: Random, bytes: Uint8Array): Uint8Array {
  const at = randomInt(random, bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), pick(random, INSERTIONS), bytes.subarray(at)]);
}
