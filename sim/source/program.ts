/** Brings together what a fleet plays: from a recording, else from npm packages, with more from a data folder. */
import { measuredHandPoses, type HandPose } from '../headset/hand-poses.ts';
import type { Part } from '../fleet/cast.ts';
import { importSession } from '../import/session-recording.ts';
import { readDataFolder } from './data-folder.ts';
import { packagedPeople, packagedTracks } from './package-files.ts';
import { panOverPhoto, type PictureSource } from './pictures.ts';

export interface ProgramOptions {
  readonly headsets: number;
  readonly sessions: number;
  /** An MCAP recording to replay in place of the packaged movements. */
  readonly recording?: string | undefined;
  readonly dataFolder?: string | undefined;
  /** Whether anybody has a camera; true when left out. Encoding pictures takes most of the time that this takes. */
  readonly pictures?: boolean;
}

export interface Program {
  readonly parts: readonly Part[];
  readonly cameras: readonly PictureSource[];
  readonly handPoses: readonly HandPose[];
  /** What the run's owner should know of the sources. */
  readonly notes: readonly string[];
}

/** More tracks than this only take memory. */
const MOST_TRACKS = 24;

/** @throws CopresenceError RECORDING_INVALID when a source cannot be read. */
export async function loadProgram({ headsets, sessions, recording, dataFolder, pictures = true }: ProgramOptions): Promise<Program> {
  const extra = dataFolder === undefined ? { handPoses: [], photos: [], notes: [] } : await readDataFolder(dataFolder);
  const parts = recording === undefined
    ? (await packagedTracks(Math.min(headsets, MOST_TRACKS))).map((track) => ({ track }))
    : await importSession(recording);
  const replaysPictures = parts.some((part: Part) => part.pictures !== undefined);
  const photos = replaysPictures || !pictures ? [] : [...extra.photos.map((path) => ({ path })), ...(await packagedPeople())].slice(0, Math.ceil(headsets / 2) + sessions);
  return {
    parts,
    cameras: await Promise.all(photos.map(panOverPhoto)),
    handPoses: [...measuredHandPoses(), ...extra.handPoses],
    notes: extra.notes,
  };
}
