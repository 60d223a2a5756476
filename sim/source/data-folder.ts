/** Further sources for whoever has them: measured hand poses of a Quest, and photos of people who make gestures. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { handPoseFromPositions, type HandPose } from '../headset/hand-poses.ts';
import { elements, finiteList, member, parseJson } from '../import/json-place.ts';

const HAND_POSES_FILE = 'handyjs-hand-poses/src/Handy-poses-left.js';
const PHOTOS_FOLDER = 'gesture-photos/body';
/** Every photo becomes a loop of pictures in memory. */
const MOST_PHOTOS = 12;

/** What a data folder has for the simulator. */
export interface ExtraData {
  readonly handPoses: readonly HandPose[];
  /** Paths. */
  readonly photos: readonly string[];
  /** What was looked for and is not there, or cannot be used. */
  readonly notes: readonly string[];
}

export async function readDataFolder(folder: string): Promise<ExtraData> {
  const notes = ['the pose videos are not used: no video decoder is part of this project'];
  const missing = (what: string) => (error: unknown): [] => {
    if (error instanceof CopresenceError) throw error;
    notes.push(`${what} was not found in ${folder}`);
    return [];
  };
  const handPoses = await readHandPoses(join(folder, HAND_POSES_FILE)).catch(missing(HAND_POSES_FILE));
  const photos = await findPhotos(join(folder, PHOTOS_FOLDER)).catch(missing(PHOTOS_FOLDER));
  return { handPoses, photos, notes };
}

/** The file is a script: each pose is an object literal on a line of its own, valid JSON but for its last comma. */
async function readHandPoses(path: string): Promise<HandPose[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim()).filter((line) => line.startsWith('{"names"'));
  return lines.map((line) => {
    const root = parseJson(line.replace(/,$/, ''));
    const names = elements(member(root, 'names')).map(({ value }) => String(value));
    const positions = elements(member(root, 'jointPositions')).map((place) => finiteList(place, 3).map((mm) => mm / 1000) as [number, number, number]);
    return handPoseFromPositions(names[0] ?? 'unnamed', positions);
  });
}

/** One photo of each folder, until there are enough. */
async function findPhotos(folder: string): Promise<string[]> {
  const groups = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  const firsts = await Promise.all(groups.map(async (group) => {
    const files = (await readdir(join(folder, group))).filter((file) => file.endsWith('.jpg')).sort();
    return files.slice(0, 1).map((file) => join(folder, group, file));
  }));
  return firsts.flat().slice(0, MOST_PHOTOS);
}
