/** Samples as the rows of numbers that models learn from. */
import { CopresenceError } from '../../core/errors.ts';
import { HAND_FEATURE_COUNT, handFeatures, landmarkFeatures } from '../../features/hand.ts';
import { PATH_FEATURE_COUNT, PATH_STEPS, pathFeatures } from '../../features/hand-path.ts';
import { HAND_MOTION_FEATURE_COUNT, handMotionFeatures } from '../../features/hand-motion.ts';
import { MAX_TEXT_FEATURES, textFeatures } from '../../features/text.ts';
import { viewPoints } from '../hands/camera-view.ts';
import { median } from './clean.ts';
import type { LabelledSample, SampleLayout } from './dataset.ts';
import { refuseTracks } from './track.ts';

/** What a network reads. */
export interface Rows {
  /** [count, steps * width] float32, finite. */
  readonly features: Float32Array;
  readonly count: number;
  /** Features of one step. */
  readonly width: number;
  readonly steps: number;
}

/** Rows with their classes. */
export interface Table extends Rows {
  /** [count] indices into the data set's labels. */
  readonly classes: Int32Array;
  /** How many labels there are. */
  readonly classCount: number;
}

/** How samples become rows; a serving model repeats it, so it is written into the run's description. */
export interface Encoding {
  readonly kind: 'columns' | 'hand' | 'hand-motion' | 'path' | 'text' | 'motion';
  readonly steps: number;
  /** Features of one step. */
  readonly width: number;
  /** For columns: what stands for a missing value, [steps * width]; the medians of the training part. */
  readonly fill?: readonly number[];
}

/** Buckets that the ids of `textFeatures` are counted in: fewer than the server's own model has, since here they are columns. */
const TEXT_WIDTH = 2048;
/** Ids of one text. */
export const TEXT_IDS = MAX_TEXT_FEATURES;

/**
 * Chooses the encoding of a layout.
 *
 * @param train - where the values that stand for missing ones come from.
 * @throws CopresenceError DATASET_INVALID for paths of another number of steps than the server looks at.
 */
export function chooseEncoding(layout: SampleLayout, steps: number, train: readonly LabelledSample[]): Encoding {
  refuseTracks(layout);
  if (layout.kind === 'text') return { kind: 'text', steps: 1, width: TEXT_WIDTH };
  if (layout.kind === 'hand') {
    return steps === 1 ? { kind: 'hand', steps, width: HAND_FEATURE_COUNT } : { kind: 'hand-motion', steps, width: HAND_MOTION_FEATURE_COUNT };
  }
  if (layout.kind === 'path') {
    if (steps !== PATH_STEPS) throw new CopresenceError('DATASET_INVALID', `a path has ${PATH_STEPS} steps, not ${steps}`);
    return { kind: 'path', steps, width: PATH_FEATURE_COUNT };
  }
  const fill = Array.from({ length: steps * layout.width }, (_, column) => {
    const middle = median(train.map(({ values }) => values?.[column] ?? Number.NaN));
    return Number.isNaN(middle) ? 0 : middle;
  });
  return { kind: 'columns', steps, width: layout.width, fill };
}

/** @throws CopresenceError DATASET_INVALID for a label that is not in `labels`. */
export function toTable(samples: readonly LabelledSample[], labels: readonly string[], encoding: Encoding): Table {
  const { width, steps } = encoding;
  const features = new Float32Array(samples.length * width * steps);
  const classes = Int32Array.from(samples, ({ id, label }) => {
    const index = labels.indexOf(label);
    if (index < 0) throw new CopresenceError('DATASET_INVALID', `sample ${id} is called ${label}, which the model does not know`);
    return index;
  });
  samples.forEach((sample, row) => writeRow(sample, encoding, features, row * width * steps));
  return { features, classes, count: samples.length, width, steps, classCount: labels.length };
}

function writeRow(sample: LabelledSample, encoding: Encoding, target: Float32Array, offset: number): void {
  if (encoding.kind === 'text') return countWords(sample.text ?? '', encoding.width, target, offset);
  const values = sample.values ?? [];
  if (encoding.kind === 'columns') {
    values.forEach((value, column) => (target[offset + column] = value ?? encoding.fill?.[column] ?? 0));
    return;
  }
  if (sample.view === 'camera') {
    // A landmark that is missing makes zeros too.
    landmarkFeatures({ points: viewPoints(values), depthKnown: false, target, offset });
    return;
  }
  if (encoding.kind === 'path') return pathFeatures(values.map((value) => value ?? 0), 0, target, offset);
  // A joint that is missing makes the hand one without a palm, whose features are zeros.
  const positions = Float32Array.from(values, (value) => value ?? Number.NaN);
  const handedness = sample.handedness ?? 'right';
  if (encoding.kind === 'hand') handFeatures({ positions, handedness, target, offset });
  else handMotionFeatures({ positions, steps: encoding.steps, handedness, target, offset });
  for (let at = offset; at < offset + encoding.width * encoding.steps; at++) if (!Number.isFinite(target[at]!)) target[at] = 0;
}

const ids = new Int32Array(TEXT_IDS);

/** Counts of the ids modulo `width`, divided by the square root of their number, as `addTextFront` computes them in the graph. */
function countWords(text: string, width: number, target: Float32Array, offset: number): void {
  const count = textFeatures({ text, ids, offset: 0, maxFeatures: TEXT_IDS });
  const scale = 1 / Math.sqrt(Math.max(1, count));
  for (let at = 0; at < count; at++) target[offset + (ids[at]! % width)]! += 1;
  for (let column = 0; column < width; column++) target[offset + column]! *= scale;
}

/** The chosen rows of a table, in the order given; a row may be taken more than once. */
export function takeRows(table: Table, rows: ArrayLike<number>): Table {
  const size = table.width * table.steps;
  const features = new Float32Array(rows.length * size);
  const classes = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at++) {
    features.set(table.features.subarray(rows[at]! * size, (rows[at]! + 1) * size), at * size);
    classes[at] = table.classes[rows[at]!]!;
  }
  return { ...table, features, classes, count: rows.length };
}

/** How many rows each class has. */
export function classCounts({ classes, classCount }: Pick<Table, 'classes' | 'classCount'>): number[] {
  const counts = new Array<number>(classCount).fill(0);
  for (const label of classes) counts[label]! += 1;
  return counts;
}

/** One-hot rows, [count, classCount]. */
export function oneHot({ classes, classCount, count }: Pick<Table, 'classes' | 'classCount' | 'count'>): Float32Array {
  const targets = new Float32Array(count * classCount);
  for (let row = 0; row < count; row++) targets[row * classCount + classes[row]!] = 1;
  return targets;
}
