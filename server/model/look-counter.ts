/** Counts in a worker what its models are asked and say, in bins: nothing of a single input is kept. */
import { binOf, CONFIDENCE_EDGES } from '../../features/bins.ts';
import type { ModelReference } from '../../registry/reference.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ModelValue } from '../flow.ts';
import type { Looks } from '../watch-flow.ts';

/** What a model read of one input: `length` numbers from `offset`. Read only, valid until the next batch. */
export interface ReadFeatures {
  readonly data: ArrayLike<number>;
  readonly offset: number;
  readonly length: number;
}

/** The parent is told at most so often: counts of some kilobytes beside the answer to a batch. */
const TELL_MS = 1000;
/** Further labels count as one. */
const MAX_LABELS = 64;
const OTHER = 'other';

/** Of one model version. */
export class LookCounter {
  readonly #edges: readonly (readonly number[])[];
  readonly #offsets: readonly number[];
  readonly #columns: Uint32Array;
  readonly #confidence = new Uint32Array(CONFIDENCE_EDGES.length + 1);
  readonly #labels = new Map<string, number>();
  #samples = 0;
  #toldMs = -Infinity;

  /** @throws CopresenceError MODEL_INVALID when the reference is of other features than the task has. */
  constructor(reference: ModelReference | undefined, featureCount: number) {
    const columns = reference?.inputs?.columns ?? [];
    if (columns.length !== 0 && columns.length !== featureCount) throw new CopresenceError('MODEL_INVALID', `the reference has ${columns.length} columns, the model reads ${featureCount} features`);
    this.#edges = columns.map(({ edges }) => edges);
    let total = 0;
    this.#offsets = columns.map(({ shares }) => (total += shares.length) - shares.length);
    this.#columns = new Uint32Array(total);
  }

  /** @param features - left out where the task has none. @bound O(features), no allocation. */
  look(value: ModelValue, features: ReadFeatures | undefined): void {
    const { label, confidence } = saidOf(value);
    if (confidence === undefined) return;
    this.#samples++;
    this.#confidence[binOf(CONFIDENCE_EDGES, confidence)]! += 1;
    if (label !== undefined) {
      const known = this.#labels.has(label) || this.#labels.size < MAX_LABELS ? label : OTHER;
      this.#labels.set(known, (this.#labels.get(known) ?? 0) + 1);
    }
    if (features === undefined) return;
    for (const [column, edges] of this.#edges.entries()) this.#columns[this.#offsets[column]! + binOf(edges, features.data[features.offset + column]!)]! += 1;
  }

  /** What was counted since the last time, if there is something and the last time is long enough ago. */
  take(nowMs: number): Looks | undefined {
    if (this.#samples === 0 || nowMs - this.#toldMs < TELL_MS) return undefined;
    const looks: Looks = { samples: this.#samples, columns: this.#columns.slice(), confidence: this.#confidence.slice(), labels: Object.fromEntries(this.#labels) };
    this.#columns.fill(0);
    this.#confidence.fill(0);
    this.#labels.clear();
    this.#samples = 0;
    this.#toldMs = nowMs;
    return looks;
  }
}

/** What a model says in short, and how sure it is; no confidence for rows of tensors, whose meaning is their caller's. */
export function saidOf(value: ModelValue): { readonly label?: string; readonly confidence?: number } {
  switch (value.task) {
    case 'gesture':
    case 'dynamic-gesture':
      return { label: value.label, confidence: value.score };
    case 'language':
      return { label: value.sentiment.label, confidence: value.sentiment.score };
    case 'body-pose':
      return { confidence: meanOf(value.keypoints, 3, 2) };
    case 'hand-detection':
      return { label: String(value.hands.length), confidence: Math.max(0, ...value.hands.map(({ score }) => score)) };
    case 'hand-landmarks':
      return { label: value.hand, confidence: value.presence };
    case 'body-landmarks':
      return { confidence: value.presence };
    // What several models say together: each of them is looked at by itself.
    case 'hands':
    case 'body-3d':
    case 'tensors':
      return {};
    default:
      return value satisfies never;
  }
}

/** The mean of every `stride`-th number from `at`. */
function meanOf(values: readonly number[], stride: number, at: number): number {
  let sum = 0;
  for (let index = at; index < values.length; index += stride) sum += values[index] ?? 0;
  return values.length === 0 ? 0 : sum / Math.floor(values.length / stride);
}
