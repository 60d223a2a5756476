/** Labelled texts, and their features packed into one array for training. */
import { languageFeatures } from '../../features/language-input.ts';
import { MAX_TEXT_FEATURES } from '../../features/text.ts';
import type { HeadName } from './heads.ts';
import type { TextSplits } from './splits.ts';

/** What one head should answer. */
export interface Target {
  readonly head: HeadName;
  /** Classes that hold; a softmax head shares its probability evenly among several, a sigmoid head may have none. */
  readonly classes: readonly number[];
}

/** One text; heads without a target learn nothing from it. */
export interface Sample {
  readonly text: string;
  readonly targets: readonly Target[];
}

export type Splits = TextSplits<Sample>;

export interface EncodedSamples {
  readonly samples: readonly Sample[];
  /** Sample `i` has the ids from `starts[i]` up to `starts[i + 1]`. Read only. */
  readonly ids: Int32Array;
  readonly starts: Int32Array;
}

/** Computes the features of all samples once. */
export function encodeSamples(samples: readonly Sample[]): EncodedSamples {
  const starts = new Int32Array(samples.length + 1);
  const row = new Int32Array(MAX_TEXT_FEATURES);
  let ids = new Int32Array(1 << 16);
  samples.forEach((sample, index) => {
    const start = starts[index] ?? 0;
    const count = languageFeatures({ text: sample.text, ids: row, offset: 0, maxFeatures: MAX_TEXT_FEATURES });
    if (start + count > ids.length) ids = grown(ids);
    ids.set(row.subarray(0, count), start);
    starts[index + 1] = start + count;
  });
  return { samples, ids: ids.slice(0, starts[samples.length]), starts };
}

/** The features of sample `index`; a view. */
export function idsOf(encoded: EncodedSamples, index: number): Int32Array {
  return encoded.ids.subarray(encoded.starts[index], encoded.starts[index + 1]);
}

/** The classes that hold for a head, or undefined when the sample has no label for it. */
export function classesOf(sample: Sample, head: HeadName): readonly number[] | undefined {
  return sample.targets.find((target) => target.head === head)?.classes;
}

function grown(ids: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(ids.length * 2);
  larger.set(ids);
  return larger;
}
