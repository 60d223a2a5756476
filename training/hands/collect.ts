/** Labelled hands out of files of captures: headset poses of handy.js, and keypoints that MediaPipe found in camera pictures. */
import { CopresenceError } from '../../core/errors.ts';
import { ownValue } from '../../core/own-value.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import type { Collected } from '../dataset/sources.ts';
import { readHandyPoses } from './handy-poses.ts';
import { readKeypoints, splitKeypoints } from './keypoints.ts';
import type { Handedness } from '../../features/hand.ts';

/** By the name that the files use, the label. What it does not name is left out. */
export type LabelNames = Readonly<Record<string, string>>;

/** @throws CopresenceError CONFIG_INVALID when it is not an object of labels. */
export function checkNames(value: Readonly<Record<string, unknown>>, file: string): LabelNames {
  const bad = Object.entries(value).find(([, label]) => typeof label !== 'string' || label.trim() === '');
  if (bad !== undefined) throw new CopresenceError('CONFIG_INVALID', `${file}: ${bad[0]} has no label`);
  return value as LabelNames;
}

/**
 * Hands held still, as a headset tracked them. All are taken to be one person's.
 *
 * @param trainHand - hands of this side are for training and those of the other for the test; without it all count as one participant's.
 * @throws CopresenceError DATASET_INVALID as `readHandyPoses`, or when no capture has a label.
 */
export function collectHandyPoses(folder: string, names: LabelNames, trainHand: Handedness | undefined): Collected {
  const captures = readHandyPoses(folder);
  const samples = captures.flatMap(({ name, handedness, positions }): LabelledSample[] => {
    const label = ownValue(names, name);
    if (label === undefined) return [];
    const part = trainHand === undefined ? {} : { part: handedness === trainHand ? 'train' as const : 'test' as const };
    const participant = trainHand === undefined ? 'hand captures' : `hand captures, ${handedness}`;
    return [{ id: `${handedness} ${name}`, participant, person: 'hand captures', label, group: `${handedness} hand`, handedness, values: Array.from(positions, exact), ...part }];
  });
  if (samples.length === 0) throw new CopresenceError('DATASET_INVALID', `${folder}: no capture has a name that --names gives a label`);
  return { layout: { kind: 'hand' }, steps: 1, samples, notes: [`${captures.length - samples.length} of ${captures.length} captures have no label and are left out`] };
}

/**
 * Camera frames, cut into blocks that follow each other in time: neighbours are all but copies. Each block counts as a participant, all
 * together as one person.
 *
 * @throws CopresenceError DATASET_INVALID as `readKeypoints`, or when no frame has a label.
 */
export function collectKeypoints(folder: string, names: LabelNames): Collected {
  const frames = readKeypoints(folder);
  const samples = splitKeypoints(frames.filter((frame) => ownValue(names, frame.label) !== undefined)).map(({ frame, part, block }): LabelledSample => ({
    id: `frame ${frame.line}`, participant: `${frame.label}, block ${block + 1}`, person: 'camera frames', label: ownValue(names, frame.label) ?? '', group: 'camera', view: 'camera', part, values: frame.points.map(exact),
  }));
  if (samples.length === 0) throw new CopresenceError('DATASET_INVALID', `${folder}: no frame has a label that --names knows`);
  return { layout: { kind: 'hand' }, steps: 1, samples, notes: [`${frames.length - samples.length} of ${frames.length} frames left out: without a label, or next to a block's border`] };
}

/** As a float32 would print: the file is read by people too. */
function exact(value: number): number {
  return Number(Math.fround(value).toPrecision(8));
}
