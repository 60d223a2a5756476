/** Cuts a data set into train, validation and test so that near-identical texts never lie on two sides. */
import { tokenize } from '../../features/text-tokens.ts';
import { shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';

/** Texts that share so many words in a row count as copies of each other (retweets, spam templates). */
const SHARED_WORDS = 8;
const HELD_OUT_SHARE = 0.1;

/** Samples by what they serve for; with texts, so that copies can be told. */
export interface TextSplits<Text> {
  readonly train: readonly Text[];
  readonly validation: readonly Text[];
  readonly test: readonly Text[];
}

/**
 * 80 % train, 10 % validation, 10 % test, with the same class proportions in each.
 *
 * A text that equals another one after normalisation is removed; texts that share a passage of `SHARED_WORDS` words
 * stay together on one side.
 *
 * @param stratumOf - the class of a sample.
 */
export function splitSamples<Text extends { readonly text: string }>(samples: readonly Text[], random: Random, stratumOf: (sample: Text) => string): TextSplits<Text> {
  const strata = new Map<string, Text[][]>();
  for (const group of groupNearDuplicates(samples)) {
    const stratum = stratumOf(group[0] as Text);
    strata.set(stratum, [...(strata.get(stratum) ?? []), group]);
  }
  const splits = { train: [] as Text[], validation: [] as Text[], test: [] as Text[] };
  for (const stratum of [...strata.keys()].sort()) deal(shuffle(random, strata.get(stratum) ?? []), splits);
  return splits;
}

/** Removes equal texts and puts those that share a passage into one group. */
export function groupNearDuplicates<Text extends { readonly text: string }>(samples: readonly Text[]): Text[][] {
  const parents: number[] = [];
  const firstWith = new Map<string, number>();
  const kept: Text[] = [];
  const known = new Set<string>();
  for (const sample of samples) {
    const words = comparableWords(sample.text);
    const key = words.join(' ');
    if (known.has(key)) continue;
    known.add(key);
    const index = kept.push(sample) - 1;
    parents.push(index);
    for (const passage of passages(words)) join(parents, index, first(firstWith, passage, index));
  }
  const groups = new Map<number, Text[]>();
  kept.forEach((sample, index) => {
    const root = rootOf(parents, index);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [sample]);
    else group.push(sample);
  });
  return [...groups.values()];
}

/** The words without what copies differ in: mentions, links, numbers, punctuation and the retweet sign. Each Chinese character is one. */
function comparableWords(text: string): string[] {
  return tokenize(text).flatMap(({ kind, text: word }) => (kind === 'han' ? Array.from(word) : kind === 'word' && word !== 'rt' ? [word] : []));
}

function passages(words: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at + SHARED_WORDS <= words.length; at++) found.push(words.slice(at, at + SHARED_WORDS).join(' '));
  return found;
}

function first(firstWith: Map<string, number>, passage: string, index: number): number {
  const known = firstWith.get(passage);
  if (known === undefined) firstWith.set(passage, index);
  return known ?? index;
}

function rootOf(parents: number[], index: number): number {
  let root = index;
  while (parents[root] !== root) root = parents[root] as number;
  parents[index] = root;
  return root;
}

function join(parents: number[], left: number, right: number): void {
  parents[rootOf(parents, left)] = rootOf(parents, right);
}

/** Hands out the groups of one class: test and validation first, the rest to train. */
function deal<Text>(groups: readonly Text[][], splits: { train: Text[]; validation: Text[]; test: Text[] }): void {
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  const heldOut = Math.round(total * HELD_OUT_SHARE);
  let dealt = 0;
  for (const group of groups) {
    const side = dealt < heldOut ? splits.test : dealt < 2 * heldOut ? splits.validation : splits.train;
    side.push(...group);
    dealt += group.length;
  }
}
