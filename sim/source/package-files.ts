/** Finds recordings and pictures inside npm packages, so that a fresh machine has something to replay. */
import { createRequire } from 'node:module';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { importAFrame } from '../import/aframe.ts';
import { trackDurationMs, type PoseTrack } from '../import/pose-track.ts';
import type { Photo } from './pictures.ts';

const require = createRequire(import.meta.url);

/** Folders with recordings of A-Frame, head and two controllers at about 90 Hz. */
const RECORDING_FOLDERS = [
  ['super-hands', 'machinima_tests/recordings'],
  ['super-hands', 'examples/events'],
  ['super-hands', 'examples/physics'],
  ['aframe-motion-capture-components', 'examples/recordings'],
  ['aframe-motion-capture-components', 'examples/assets'],
] as const;
/** A track for an avatar needs a head and both controllers, and some seconds before it repeats. */
const AVATAR_PARTS = 7;
const SHORTEST_TRACK_MS = 8000;

/**
 * The folder of an installed package.
 *
 * @throws CopresenceError RECORDING_INVALID when it is not installed.
 */
export function packageFolder(name: string): string {
  for (const root of require.resolve.paths(name) ?? []) {
    try {
      return dirname(require.resolve(join(root, name, 'package.json')));
    } catch {
      continue;
    }
  }
  throw new CopresenceError('RECORDING_INVALID', `the package ${name} is not installed: npm ci brings it`);
}

/** The paths of the recordings that the packages hold, in a fixed order. */
export async function packagedRecordings(): Promise<string[]> {
  const listed = await Promise.all(RECORDING_FOLDERS.map(async ([name, folder]) => {
    const path = join(packageFolder(name), folder);
    const files = await readdir(path);
    return files.filter((file) => file.endsWith('.json')).sort().map((file) => join(path, file));
  }));
  return listed.flat();
}

/** Up to `count` packaged recordings that suit an avatar. Read only. @throws CopresenceError RECORDING_INVALID. */
export async function packagedTracks(count: number): Promise<PoseTrack[]> {
  const tracks: PoseTrack[] = [];
  for (const path of await packagedRecordings()) {
    if (tracks.length >= count) break;
    const track = await readTrack(path);
    if (trackDurationMs(track) >= SHORTEST_TRACK_MS && track.valid.every((parts) => (parts & AVATAR_PARTS) === AVATAR_PARTS)) tracks.push(track);
  }
  return tracks;
}

/** What was read before: a search for the knee runs dozens of loads. @bound the packages' recordings. */
const read = new Map<string, PoseTrack>();

async function readTrack(path: string): Promise<PoseTrack> {
  const track = read.get(path) ?? importAFrame(await readFile(path, 'utf8'), path.slice(path.lastIndexOf('node_modules') + 'node_modules/'.length));
  read.set(path, track);
  return track;
}

/** The paths of photos of people. */
export async function packagedPhotos(): Promise<string[]> {
  const folder = join(packageFolder('@vladmandic/face-api'), 'demo');
  const files = await readdir(folder);
  return files.filter((file) => /^sample\d+\.jpg$/.test(file)).sort().map((file) => join(folder, file));
}

/** Where single people stand in the packaged photos of groups. */
const PEOPLE = [
  { file: 'sample2.jpg', left: 0, width: 0.46 },
  { file: 'sample3.jpg', left: 0.45, width: 0.3 },
  { file: 'sample4.jpg', left: 0.47, width: 0.25 },
  { file: 'sample6.jpg', left: 0.05, width: 0.35 },
  { file: 'sample6.jpg', left: 0.5, width: 0.3 },
  { file: 'sample3.jpg', left: 0, width: 0.5 },
  { file: 'sample2.jpg', left: 0.66, width: 0.34 },
  { file: 'sample6.jpg', left: 0.72, width: 0.28 },
] as const;

/** One person each, cut out of the packaged photos, since the body pose model looks for one. */
export async function packagedPeople(): Promise<Photo[]> {
  const paths = await packagedPhotos();
  return PEOPLE.flatMap(({ file, left, width }) => {
    const path = paths.find((candidate) => candidate.endsWith(file));
    return path === undefined ? [] : [{ path, part: { left, width } }];
  });
}
