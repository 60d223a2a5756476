/** Reads named entities from the language model's tags of a line's tokens. */
import { assert } from '../core/assert.ts';
import type { TextSpan } from './entity-tokens.ts';

/** Stands for a probability of 0, whose logarithm would be infinite. */
const LEAST = 1e-9;

/** What is named in a line, and where. */
export interface NamedEntity extends TextSpan {
  readonly label: string;
  /** The mean probability of its tokens' tags, 0..1. */
  readonly score: number;
}

export interface TaggedTokens {
  /** The line's tokens. */
  readonly spans: readonly TextSpan[];
  /** From `start` on [tokens, tags] row-major probabilities. Read only. */
  readonly scores: ArrayLike<number>;
  readonly start: number;
  /** `O` first, then `B-` and `I-` with a label. */
  readonly tags: readonly string[];
  /** 0..1; above 0.5 tokens count as outside more easily than the model says, below it less. */
  readonly threshold: number;
}

/**
 * The entities of the likeliest tags in which no `I-` comes but behind a `B-` or `I-` of its own label (Viterbi).
 *
 * Mostly each token's own likeliest tag gives such a path, which no other can beat, and nothing has to be searched.
 *
 * @bound O(tokens * tags²).
 */
export function decodeEntities(tagged: TaggedTokens): NamedEntity[] {
  const { spans, scores, start, tags } = tagged;
  const entities: NamedEntity[] = [];
  (eachLikeliest(tagged) ?? likeliestPath(tagged)).forEach((tag, token) => {
    const span = spans[token];
    const name = tags[tag] ?? 'O';
    if (span === undefined || name === 'O') return;
    const label = name.slice(2);
    const score = scores[start + token * tags.length + tag] ?? 0;
    const last = entities.at(-1);
    if (name.startsWith('B-') || last === undefined) entities.push({ label, start: span.start, end: span.end, score });
    else entities[entities.length - 1] = { ...last, end: span.end, score: last.score + score };
  });
  return entities.map((entity) => ({ ...entity, score: Math.min(1, entity.score / spans.filter(({ start: at }) => at >= entity.start && at < entity.end).length) }));
}

/** The likeliest tag of each token by itself; undefined where one may not follow the one before it. */
function eachLikeliest({ spans, scores, start, tags, threshold }: TaggedTokens): number[] | undefined {
  const width = tags.length;
  const odds = threshold / (1 - threshold);
  const path = new Array<number>(spans.length).fill(0);
  let before = 'O';
  for (let token = 0; token < spans.length; token++) {
    const at = start + token * width;
    let best = 0;
    let highest = Math.max(LEAST, scores[at] ?? 0) * odds;
    for (let tag = 1; tag < width; tag++) {
      const score = scores[at + tag] ?? 0;
      if (score > highest) [best, highest] = [tag, score];
    }
    const name = tags[best] ?? 'O';
    if (!mayFollow(before, name)) return undefined;
    path[token] = best;
    before = name;
  }
  return path;
}

/** A tag for each token. */
function likeliestPath({ spans, scores, start, tags, threshold }: TaggedTokens): number[] {
  const width = tags.length;
  assert(tags[0] === 'O', 'the first tag is O');
  const before = tags.map((to) => tags.flatMap((from, index) => (mayFollow(from, to) ? [index] : [])));
  const outside = Math.log(threshold) - Math.log(1 - threshold);
  let best = tags.map((tag) => (tag.startsWith('I-') ? -Infinity : 0));
  const steps = spans.map((_, token) => {
    const next = new Array<number>(width).fill(-Infinity);
    const from = new Array<number>(width).fill(0);
    for (let tag = 0; tag < width; tag++) {
      const own = Math.log(Math.max(LEAST, scores[start + token * width + tag] ?? 0)) + (tag === 0 ? outside : 0);
      if (token === 0) next[tag] = best[tag]! + own;
      else for (const previous of before[tag]!) if (best[previous]! + own > next[tag]!) [next[tag], from[tag]] = [best[previous]! + own, previous];
    }
    best = next;
    return from;
  });
  const path = new Array<number>(spans.length).fill(0);
  let tag = best.indexOf(Math.max(...best));
  for (let token = spans.length - 1; token >= 0; token--) {
    path[token] = tag;
    tag = steps[token]![tag]!;
  }
  return path;
}

function mayFollow(from: string, to: string): boolean {
  return !to.startsWith('I-') || (from !== 'O' && from.slice(2) === to.slice(2));
}
