/** Reads kinivi's hand keypoints: what MediaPipe found in the frames of a camera, with one of four labels each. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { LANDMARK_COUNT } from '../../features/hand.ts';

/** One frame: 21 points in the picture, of a hand that may be either and may be mirrored. */
export interface KeypointFrame {
  /** As the label file spells it. */
  readonly label: string;
  /** [21, 3] relative to the wrist in units of the largest coordinate, y up as in WebXR; z is 0. */
  readonly points: Float32Array;
}

export interface KeypointSplit {
  readonly train: readonly KeypointFrame[];
  readonly validation: readonly KeypointFrame[];
  readonly test: readonly KeypointFrame[];
}

/**
 * Reads the frames in the order of the file, which is the order of capture.
 *
 * @param folder - holds `keypoint_classifier/keypoint.csv` and `keypoint_classifier_label.csv`.
 * @throws CopresenceError DATASET_INVALID with the file and the line when something is missing or malformed.
 */
export function readKiniviKeypoints(folder: string): KeypointFrame[] {
  const labelPath = join(folder, 'keypoint_classifier', 'keypoint_classifier_label.csv');
  const labels = readLines(labelPath);
  const path = join(folder, 'keypoint_classifier', 'keypoint.csv');
  return readLines(path).map((line, index) => parseFrame(line, labels, `${path}:${index + 1}`));
}

const BLOCKS = 10;
const VALIDATION_BLOCKS: readonly number[] = [4];
const TEST_BLOCKS: readonly number[] = [2, 6, 9];
/** About half a second of a 30 Hz camera: frames this near to a border look like those across it. */
const GUARD_FRAMES = 15;

/**
 * Splits each label's frames into ten contiguous blocks, three for the test and one for validation, because
 * neighbours in the file are all but copies of each other. Frames next to a block's border are left out.
 */
export function splitKeypoints(frames: readonly KeypointFrame[]): KeypointSplit {
  const split = { train: [] as KeypointFrame[], validation: [] as KeypointFrame[], test: [] as KeypointFrame[] };
  for (const label of new Set(frames.map((frame) => frame.label))) {
    const own = frames.filter((frame) => frame.label === label);
    for (let block = 0; block < BLOCKS; block++) {
      const part = TEST_BLOCKS.includes(block) ? 'test' : VALIDATION_BLOCKS.includes(block) ? 'validation' : 'train';
      split[part].push(...insideOf(own, block));
    }
  }
  return split;
}

function insideOf(frames: readonly KeypointFrame[], block: number): readonly KeypointFrame[] {
  const start = Math.floor((block * frames.length) / BLOCKS);
  const end = Math.floor(((block + 1) * frames.length) / BLOCKS);
  const guard = Math.min(GUARD_FRAMES, Math.floor((end - start) / 4));
  return frames.slice(block === 0 ? 0 : start + guard, block === BLOCKS - 1 ? end : end - guard);
}

function readLines(path: string): string[] {
  if (!existsSync(path)) throw new CopresenceError('DATASET_INVALID', `${path} is missing`);
  const lines = readFileSync(path, 'utf8').replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new CopresenceError('DATASET_INVALID', `${path} is empty`);
  return lines;
}

function parseFrame(line: string, labels: readonly string[], place: string): KeypointFrame {
  const cells = line.split(',');
  if (cells.length !== 1 + LANDMARK_COUNT * 2) {
    throw new CopresenceError('DATASET_INVALID', `${place}: ${cells.length} cells instead of ${1 + LANDMARK_COUNT * 2}`);
  }
  const values = cells.map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell)));
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new CopresenceError('DATASET_INVALID', `${place}: cell ${bad + 1} is no number`);
  const label = labels[values[0] ?? -1];
  if (label === undefined) throw new CopresenceError('DATASET_INVALID', `${place}: no label ${cells[0]}`);
  return { label, points: toPoints(values) };
}

function toPoints(values: readonly number[]): Float32Array {
  const points = new Float32Array(LANDMARK_COUNT * 3);
  for (let landmark = 0; landmark < LANDMARK_COUNT; landmark++) {
    points[landmark * 3] = values[1 + landmark * 2] ?? 0;
    points[landmark * 3 + 1] = -(values[2 + landmark * 2] ?? 0);
  }
  return points;
}
