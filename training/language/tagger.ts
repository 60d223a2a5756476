/** Names entities: each token's rows of the shared table, those of its neighbours beside it, one hidden layer, one tag. */
import { ENTITY_TOKENS, entityFeatures, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import type { TextSpan } from '../../features/entity-tokens.ts';
import { randomInt } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { EntityText } from './entity-corpus.ts';
import { ENTITY_TAGS } from './heads.ts';
import { crossEntropy, probabilitiesOf } from './loss.ts';
import { carryBack, multiply, pool, poolScale, randomArray } from './network.ts';
import type { SparseAdagrad } from './optimisers.ts';

/** Tokens to each side that a tag depends on. */
export const REACH = 2;
const WINDOW = 2 * REACH + 1;
const TAG_HEAD = { name: 'entity', kind: 'softmax', classes: ENTITY_TAGS, offset: 0 } as const;

/** Weights; row-major, overwritten by training. */
export interface Tagger {
  readonly dim: number;
  readonly hidden: number;
  /** [hidden, WINDOW * dim]: the token before the last first. */
  readonly windowWeights: Float32Array;
  readonly windowBias: Float32Array;
  /** [tags, hidden] */
  readonly tagWeights: Float32Array;
  readonly tagBias: Float32Array;
}

export const TAGGER_LAYERS = ['windowWeights', 'windowBias', 'tagWeights', 'tagBias'] as const;
export type TaggerGradients = Pick<Tagger, (typeof TAGGER_LAYERS)[number]>;

export function createTagger(dim: number, hidden: number, random: Random): Tagger {
  return {
    dim,
    hidden,
    windowWeights: randomArray(hidden * WINDOW * dim, Math.sqrt(2 / (WINDOW * dim)), random),
    windowBias: new Float32Array(hidden),
    tagWeights: randomArray(ENTITY_TAGS.length * hidden, Math.sqrt(1 / hidden), random),
    tagBias: new Float32Array(ENTITY_TAGS.length),
  };
}

export function createTaggerGradients(tagger: Tagger): TaggerGradients {
  const zeros = (layer: (typeof TAGGER_LAYERS)[number]): Float32Array => new Float32Array(tagger[layer].length);
  return { windowWeights: zeros('windowWeights'), windowBias: zeros('windowBias'), tagWeights: zeros('tagWeights'), tagBias: zeros('tagBias') };
}

/** A text as the tagger reads it. */
export interface TaggedText extends EntityText {
  readonly spans: readonly TextSpan[];
  /** [tokens, TOKEN_FEATURES], padded with 0. */
  readonly ids: Int32Array;
  /** By token, its place in ENTITY_TAGS. */
  readonly tags: Int32Array;
}

/** Computes the features of all texts once. A token of which only a part is named counts as named. */
export function encodeEntityTexts(texts: readonly EntityText[]): TaggedText[] {
  const row = new Int32Array(ENTITY_TOKENS * TOKEN_FEATURES);
  return texts.map((text) => {
    const spans = entityFeatures(text.text, row, 0);
    const tags = new Int32Array(spans.length);
    for (const { type, start, end } of text.entities) {
      let place = 'B';
      spans.forEach((span, token) => {
        if (span.start >= end || span.end <= start) return;
        tags[token] = ENTITY_TAGS.indexOf(`${place}-${type}`);
        place = 'I';
      });
    }
    return { ...text, spans, ids: row.slice(0, spans.length * TOKEN_FEATURES), tags };
  });
}

/** How one text is learnt. */
export interface TaggerStep {
  readonly embedding: Pick<SparseAdagrad, 'apply'>;
  readonly random: Random;
  /** Of the table's rows. */
  readonly rate: number;
  /** Shares of a token's rows, and of the hidden units, that are not seen, 0..1. */
  readonly featureDropout: number;
  readonly hiddenDropout: number;
  /** Factor on the loss. */
  readonly weight: number;
}

/** What one text makes on its way through, and back; reused. */
export class TaggerPass {
  readonly #tagger: Tagger;
  /** [REACH + tokens + REACH, dim]; what lies before and behind the text is zero. */
  readonly #tokens: Float32Array;
  readonly #tokenGradients: Float32Array;
  readonly #hidden: Float32Array;
  readonly #hiddenGradients: Float32Array;
  readonly #logits = new Float32Array(ENTITY_TAGS.length);
  readonly #logitGradients = new Float32Array(ENTITY_TAGS.length);
  readonly #kept = new Int32Array(TOKEN_FEATURES);

  constructor(tagger: Tagger) {
    this.#tagger = tagger;
    this.#tokens = new Float32Array((ENTITY_TOKENS + 2 * REACH) * tagger.dim);
    this.#tokenGradients = new Float32Array(this.#tokens.length);
    this.#hidden = new Float32Array(tagger.hidden);
    this.#hiddenGradients = new Float32Array(tagger.hidden);
  }

  /** @param table - [rows, dim]. @returns [tokens, tags] probabilities; the caller's. */
  predict(table: Float32Array, { ids, tags }: TaggedText): Float32Array {
    const rows = new Float32Array(tags.length * ENTITY_TAGS.length);
    this.#pool(tags.length, (token) => keptRows(ids, token), table);
    for (let token = 0; token < tags.length; token++) {
      this.#activate(token);
      this.#score();
      probabilitiesOf(TAG_HEAD, this.#logits, rows.subarray(token * ENTITY_TAGS.length, (token + 1) * ENTITY_TAGS.length));
    }
    return rows;
  }

  /**
   * Learns one text: adds to `gradients`, and moves the rows of `table`.
   *
   * @returns the loss, a mean over the tokens.
   */
  learn(table: Float32Array, text: TaggedText, gradients: TaggerGradients, options: TaggerStep): number {
    const count = text.tags.length;
    const { dim, hidden } = this.#tagger;
    const seen = Array.from({ length: count }, (_, token) => this.#drop(keptRows(text.ids, token), options));
    this.#pool(count, (token) => seen[token]!, table);
    this.#tokenGradients.fill(0, 0, (count + 2 * REACH) * dim);
    let loss = 0;
    const mask = new Float32Array(hidden);
    for (let token = 0; token < count; token++) {
      this.#activate(token);
      for (let unit = 0; unit < hidden; unit++) {
        mask[unit] = options.random.next() < options.hiddenDropout ? 0 : 1 / (1 - options.hiddenDropout);
        this.#hidden[unit]! *= mask[unit]!;
      }
      this.#score();
      loss += crossEntropy({ head: TAG_HEAD, logits: this.#logits, classes: [text.tags[token]!], weight: options.weight, gradients: this.#logitGradients });
      this.#backward(token, mask, gradients);
    }
    for (let token = 0; token < count; token++) {
      const gradient = this.#tokenGradients.subarray((token + REACH) * dim, (token + REACH + 1) * dim);
      options.embedding.apply(seen[token]!, gradient, { rate: options.rate, scale: poolScale(seen[token]!.length) });
    }
    return loss / Math.max(1, count);
  }

  #pool(count: number, rowsOf: (token: number) => Int32Array, table: Float32Array): void {
    const { dim } = this.#tagger;
    for (let token = 0; token < count; token++) pool(table, rowsOf(token), this.#tokens.subarray((token + REACH) * dim, (token + REACH + 1) * dim));
    this.#tokens.fill(0, (count + REACH) * dim, (count + 2 * REACH) * dim);
  }

  /** Fills the hidden units from the window around a token. */
  #activate(token: number): void {
    const { dim, hidden, windowWeights, windowBias } = this.#tagger;
    multiply(windowWeights, windowBias, this.#tokens.subarray(token * dim, (token + WINDOW) * dim), this.#hidden, 0, hidden);
    for (let unit = 0; unit < hidden; unit++) this.#hidden[unit] = Math.max(0, this.#hidden[unit]!);
  }

  #score(): void {
    multiply(this.#tagger.tagWeights, this.#tagger.tagBias, this.#hidden, this.#logits, 0, ENTITY_TAGS.length);
  }

  #backward(token: number, mask: Float32Array, gradients: TaggerGradients): void {
    const { dim, hidden, windowWeights, tagWeights } = this.#tagger;
    const around = [token * dim, (token + WINDOW) * dim] as const;
    this.#hiddenGradients.fill(0);
    carryBack(tagWeights, this.#hidden, this.#logitGradients, this.#hiddenGradients, gradients.tagWeights, gradients.tagBias, 0, ENTITY_TAGS.length);
    for (let unit = 0; unit < hidden; unit++) this.#hiddenGradients[unit] = this.#hidden[unit]! > 0 ? this.#hiddenGradients[unit]! * mask[unit]! : 0;
    carryBack(windowWeights, this.#tokens.subarray(...around), this.#hiddenGradients, this.#tokenGradients.subarray(...around), gradients.windowWeights, gradients.windowBias, 0, hidden);
  }

  #drop(rows: Int32Array, { random, featureDropout }: { random: Random; featureDropout: number }): Int32Array {
    let count = 0;
    for (const row of rows) if (random.next() >= featureDropout) this.#kept[count++] = row;
    if (count === 0 && rows.length > 0) this.#kept[count++] = rows[randomInt(random, rows.length)]!;
    return this.#kept.slice(0, count);
  }
}

/** The rows of one token, without padding; a view. */
function keptRows(ids: Int32Array, token: number): Int32Array {
  const start = token * TOKEN_FEATURES;
  let count = 0;
  while (count < TOKEN_FEATURES && ids[start + count] !== 0) count++;
  return ids.subarray(start, start + count);
}
