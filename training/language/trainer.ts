/** Trains the network on all heads at once; each sample teaches only the heads that it has labels for. */
import { randomInt, shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Head, HeadName, Heads } from './heads.ts';
import { crossEntropy } from './loss.ts';
import { backward, createActivations, createDenseGradients, DENSE_LAYERS, forward, poolScale } from './network.ts';
import type { Activations, DenseGradients, Network } from './network.ts';
import { Adam, SparseAdagrad } from './optimisers.ts';
import { idsOf } from './samples.ts';
import { createTaggerGradients, TAGGER_LAYERS, TaggerPass } from './tagger.ts';
import type { TaggedText, Tagger, TaggerGradients } from './tagger.ts';
import type { EncodedSamples, Sample } from './samples.ts';

export interface TrainingOptions {
  readonly epochs: number;
  readonly batchSize: number;
  /** Learning rates at the start; they fall in a straight line to zero. */
  readonly embeddingRate: number;
  readonly denseRate: number;
  readonly wideRate: number;
  readonly weightDecay: number;
  /** Share of a message's features that one pass does not see, 0..1. */
  readonly featureDropout: number;
  /** Share of hidden units that one pass does not see, 0..1. */
  readonly hiddenDropout: number;
  /** Factor on each head's loss. */
  readonly headWeights: Readonly<Record<HeadName | 'entity', number>>;
  /** By head, factor on the loss of a sample whose first class is this one; 1 where absent. */
  readonly classWeights: Readonly<Partial<Record<HeadName, readonly number[]>>>;
}

/** Samples of one data set, and how often an epoch visits each on average; a fraction takes a fresh random part. */
export interface TrainingPart {
  readonly encoded: EncodedSamples;
  readonly repeats: number;
}

/** Texts whose tokens are tagged, and how often an epoch visits each. */
export interface TaggingPart {
  readonly texts: readonly TaggedText[];
  readonly repeats: number;
}

/** One look at one text. @returns the loss. */
type Visit = (remaining: number) => number;

/** One training run; `runEpoch` is called `epochs` times. */
export class Trainer {
  readonly #network: Network;
  readonly #heads: Heads;
  readonly #parts: readonly TrainingPart[];
  readonly #tagging: readonly TaggingPart[];
  readonly #pass: TaggerPass;
  readonly #taggerGradients: TaggerGradients;
  readonly #options: TrainingOptions;
  readonly #random: Random;
  readonly #activations: Activations;
  readonly #gradients: DenseGradients;
  readonly #dense: { weights: Adam; gradients: Float32Array }[];
  readonly #embedding: SparseAdagrad;
  /** By head, of what features say by themselves: each learns from other texts. */
  readonly #wide: ReadonlyMap<HeadName, SparseAdagrad>;
  readonly #kept: Int32Array;
  readonly #wideKept: Int32Array;
  #visited = 0;

  constructor(deps: { network: Network; tagger: Tagger; heads: Heads; random: Random }, parts: { readonly texts: readonly TrainingPart[]; readonly tagging: readonly TaggingPart[] }, options: TrainingOptions) {
    this.#network = deps.network;
    this.#heads = deps.heads;
    this.#random = deps.random;
    this.#parts = parts.texts;
    this.#tagging = parts.tagging;
    this.#pass = new TaggerPass(deps.tagger);
    this.#taggerGradients = createTaggerGradients(deps.tagger);
    this.#options = options;
    this.#activations = createActivations(deps.network.shape);
    this.#gradients = createDenseGradients(deps.network.shape);
    this.#dense = [
      ...DENSE_LAYERS.map((layer) => ({ weights: new Adam(deps.network[layer]), gradients: this.#gradients[layer] })),
      ...TAGGER_LAYERS.map((layer) => ({ weights: new Adam(deps.tagger[layer]), gradients: this.#taggerGradients[layer] })),
    ];
    this.#embedding = new SparseAdagrad(deps.network.embedding, deps.network.shape.dim);
    const { wide, shape } = deps.network;
    this.#wide = new Map(Object.values(deps.heads).map((head: Head) => [head.name, new SparseAdagrad(wide, shape.columns, head.offset)]));
    this.#kept = new Int32Array(Math.max(1, ...parts.texts.map(({ encoded }) => longest(encoded))));
    this.#wideKept = new Int32Array(this.#kept.length);
  }

  /** Visits in one epoch. */
  get visitsPerEpoch(): number {
    const counts = [...this.#parts.map(({ encoded, repeats }) => encoded.samples.length * repeats), ...this.#tagging.map(({ texts, repeats }) => texts.length * repeats)];
    return counts.reduce((sum, count) => sum + Math.round(count), 0);
  }

  /** One pass in random order; gives the mean loss. @param progress - called with the visits done, about once a batch. */
  runEpoch(progress: (visits: number) => void): number {
    const visits = shuffle(this.#random, [...this.#parts.flatMap((part) => this.#visitsOf(part)), ...this.#tagging.flatMap((part) => this.#visitsOfTagging(part))]);
    const totalVisits = visits.length * this.#options.epochs;
    let loss = 0;
    for (let start = 0; start < visits.length; start += this.#options.batchSize) {
      const batch = visits.slice(start, start + this.#options.batchSize);
      const remaining = Math.max(0, 1 - this.#visited / totalVisits);
      for (const visit of batch) loss += visit(remaining);
      this.#stepDense(batch.length, remaining);
      this.#visited += batch.length;
      progress(start + batch.length);
    }
    return loss / visits.length;
  }

  #visitsOf({ encoded, repeats }: TrainingPart): Visit[] {
    return this.#draw(encoded.samples.map((sample, index): Visit => (remaining) => this.#learn(idsOf(encoded, index), sample, remaining)), repeats);
  }

  #visitsOfTagging({ texts, repeats }: TaggingPart): Visit[] {
    const { embeddingRate, featureDropout, hiddenDropout, headWeights } = this.#options;
    const shared = { embedding: this.#embedding, random: this.#random, featureDropout: featureDropout / 2, hiddenDropout, weight: headWeights.entity };
    return this.#draw(texts.map((text): Visit => (remaining) => this.#pass.learn(this.#network.embedding, text, this.#taggerGradients, { ...shared, rate: embeddingRate * remaining })), repeats);
  }

  #draw(all: readonly Visit[], repeats: number): Visit[] {
    const whole = Math.floor(repeats);
    const rest = shuffle(this.#random, [...all]).slice(0, Math.round((repeats - whole) * all.length));
    return [...Array.from({ length: whole }, () => all).flat(), ...rest];
  }

  #learn(ids: Int32Array, sample: Sample, remaining: number): number {
    const activations = this.#activations;
    const seen = this.#dropFeatures(ids);
    this.#dropHidden();
    const heads = sample.targets.map((target) => this.#heads[target.head]);
    forward(this.#network, seen, heads, activations);
    let loss = 0;
    for (const target of sample.targets) {
      const head: Head = this.#heads[target.head];
      const weight = this.#options.headWeights[target.head] * this.#classWeight(target.head, target.classes);
      loss += crossEntropy({ head, logits: activations.logits, classes: target.classes, weight, gradients: activations.logitGradients });
    }
    backward(this.#network, heads, activations, this.#gradients);
    const rate = this.#options.embeddingRate * remaining;
    const scale = poolScale(seen.length);
    this.#embedding.apply(seen, activations.pooledGradients, { rate, scale });
    const rows = this.#wideRows(seen);
    for (const { name, offset, classes } of heads) {
      this.#wide.get(name)?.apply(rows, activations.logitGradients.subarray(offset, offset + classes.length), { rate: this.#options.wideRate * remaining, scale });
    }
    return loss;
  }

  #classWeight(head: HeadName, classes: readonly number[]): number {
    return this.#options.classWeights[head]?.[classes[0] ?? -1] ?? 1;
  }

  #dropFeatures(ids: Int32Array): Int32Array {
    let count = 0;
    for (const id of ids) {
      if (this.#random.next() >= this.#options.featureDropout) this.#kept[count++] = id;
    }
    if (count === 0 && ids.length > 0) this.#kept[count++] = ids[randomInt(this.#random, ids.length)] ?? 0;
    return this.#kept.subarray(0, count);
  }

  /** The rows of what these features say by themselves, without row 0; a view that the next call overwrites. */
  #wideRows(ids: Int32Array): Int32Array {
    let count = 0;
    for (const id of ids) {
      const row = id % this.#network.shape.wideRows;
      if (row !== 0) this.#wideKept[count++] = row;
    }
    return this.#wideKept.subarray(0, count);
  }

  #dropHidden(): void {
    const rate = this.#options.hiddenDropout;
    const mask = this.#activations.hiddenMask;
    for (let unit = 0; unit < mask.length; unit++) mask[unit] = this.#random.next() < rate ? 0 : 1 / (1 - rate);
  }

  #stepDense(batchSize: number, remaining: number): void {
    const { denseRate, weightDecay } = this.#options;
    for (const { weights, gradients } of this.#dense) {
      weights.apply(gradients, { rate: denseRate * remaining, scale: 1 / batchSize, weightDecay });
    }
  }
}

function longest(encoded: EncodedSamples): number {
  let length = 1;
  for (let index = 0; index < encoded.samples.length; index++) length = Math.max(length, idsOf(encoded, index).length);
  return length;
}
