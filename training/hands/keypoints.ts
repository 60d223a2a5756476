/** Reads kinivi's hand keypoints: what MediaPipe found in the frames of a camera, with one of four labels each. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { LANDMARK_COUNT } from '../../features/hand.ts';
import type { Part } from '../dataset/dataset.ts';

/** One frame: 21 points in the picture, of a hand that may be either and may be mirrored. */
export interface KeypointFrame {
  /** As the label file spells it. */
  readonly label: string;
  /** In the file, from 1. */
  readonly line: number;
  /** [21, 2] relative to the wrist in units of the largest coordinate, y up as in WebXR. */
  readonly points: readonly number[];
}

/** A frame with its place in the cut. */
export interface PlacedFrame {
  readonly frame: KeypointFrame;
  readonly part: Part;
  /** From 0, of those of its label. */
  readonly block: number;
}

/**
 * Reads the frames in the order of the file, which is the order of capture.
 *
 * @param folder - holds `keypoint_classifier/keypoint.csv` and `keypoint_classifier_label.csv`.
 * @throws CopresenceError DATASET_INVALID with the file and the line when something is missing or malformed.
 */
export function readKeypoints(folder: string): KeypointFrame[] {
  const labelPath = join(folder, 'keypoint_classifier', 'keypoint_classifier_label.csv');
  const labels = readLines(labelPath);
  const path = join(folder, 'keypoint_classifier', 'keypoint.csv');
  return readLines(path).map((line, index) => parseFrame(line, labels, { path, line: index + 1 }));
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
export function splitKeypoints(frames: readonly KeypointFrame[]): PlacedFrame[] {
  return [...new Set(frames.map(({ label }) => label))].flatMap((label) => {
    const own = frames.filter((frame) => frame.label === label);
    return Array.from({ length: BLOCKS }, (_, block) => {
      const part: Part = TEST_BLOCKS.includes(block) ? 'test' : VALIDATION_BLOCKS.includes(block) ? 'validation' : 'train';
      return insideOf(own, block).map((frame) => ({ frame, part, block }));
    }).flat();
  });
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

function parseFrame(text: string, labels: readonly string[], { path, line }: { path: string; line: number }): KeypointFrame {
  const place = `${path}:${line}`;
  const cells = text.split(',');
  if (cells.length !== 1 + LANDMARK_COUNT * 2) {
    throw new CopresenceError('DATASET_INVALID', `${place}: ${cells.length} cells instead of ${1 + LANDMARK_COUNT * 2}`);
  }
  const values = cells.map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell)));
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new CopresenceError('DATASET_INVALID', `${place}: cell ${bad + 1} is no number`);
  const label = labels[values[0] ?? -1];
  if (label === undefined) throw new CopresenceError('DATASET_INVALID', `${place}: no label ${cells[0]}`);
  // Rows of a picture count downwards.
  return { label, line, points: values.slice(1).map((value, at) => (at % 2 === 1 && value !== 0 ? -value : value)) };
}
