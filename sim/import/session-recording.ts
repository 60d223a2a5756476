/** Takes the participants of an MCAP recording apart, so that virtual headsets can play them again. */
import type { Part } from '../fleet/cast.ts';
import { createPoseSample, decodePoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { decodeVideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { RecordingItem, RecordingSource } from '../../recording/format.ts';
import { openRecording } from '../../recording/reader.ts';
import type { ChatSource } from '../source/chat-lines.ts';
import type { Picture, PictureSource } from '../source/pictures.ts';
import { VIDEO_HZ } from '../headset/virtual-headset.ts';
import { refuse } from './json-place.ts';
import { PoseTrackBuilder, type PoseTrack } from './pose-track.ts';

/** Between two lines of chat at least, and after the last before the first comes again. */
const SHORTEST_PAUSE_MS = 500;
const PAUSE_AT_END_MS = 5000;

/** An hour of ten participants with hands at 36 Hz, 2 GB; who replays more at once wants less of it. */
const MAX_POSES = 1_300_000;
const MAX_PICTURE_BYTES = 1024 * 1024 * 1024;

interface Collected {
  readonly name: string;
  readonly poses: PoseTrackBuilder;
  readonly pictures: { readonly atMs: number; readonly picture: Picture }[];
  readonly lines: { readonly atMs: number; readonly text: string }[];
}

/**
 * Reads a recording into one part for each participant who moved.
 *
 * @throws CopresenceError RECORDING_INVALID when it is damaged, foreign or without any movement.
 * @bound MAX_POSES poses are in memory, a quarter of it where nobody has hands; pictures as they are in the file, up to MAX_PICTURE_BYTES.
 */
export async function importSession(path: string): Promise<Part[]> {
  const recording = await openRecording(path);
  try {
    const names = new Map(recording.info.participants.map(({ participantId, name }) => [participantId, name]));
    const people = new Map<string, Collected>();
    let [poses, pictureBytes] = [0, 0];
    for await (const item of recording.items()) {
      if (item.kind === 'pose') poses++;
      else if (item.kind === 'video') pictureBytes += item.bytes.length;
      if (poses > MAX_POSES || pictureBytes > MAX_PICTURE_BYTES) refuse({ path }, `is too long to be replayed whole: cut at most ${MAX_POSES} poses and ${MAX_PICTURE_BYTES} bytes of pictures out of it with "copresence-sim cut"`);
      const person = people.get(item.participantId) ?? newPerson(names.get(item.participantId) ?? item.participantId);
      people.set(item.participantId, person);
      collect(person, item);
    }
    const parts = [...people.values()].flatMap((person) => partOf(person, recording.info.source));
    if (parts.length === 0) refuse({ path }, 'has no participant with at least two poses of the head');
    return parts;
  } finally {
    await recording.close();
  }
}

/** The movement of the participant who moved most. @throws CopresenceError RECORDING_INVALID as `importSession` does. */
export async function importRecording(path: string): Promise<PoseTrack> {
  const parts = await importSession(path);
  return parts.map(({ track }) => track).reduce((longest, track) => (track.timesMs.length > longest.timesMs.length ? track : longest));
}

function newPerson(name: string): Collected {
  return { name, poses: new PoseTrackBuilder(), pictures: [], lines: [] };
}

const sample = createPoseSample();

function collect(person: Collected, item: RecordingItem): void {
  switch (item.kind) {
    case 'pose':
      if (typeof decodePoseSample(item.bytes, 0, item.captureDeviceMs, sample) === 'number' && (sample.valid & PART_BITS.head) !== 0) {
        person.poses.add(item.captureDeviceMs, sample);
      }
      return;
    case 'video': {
      const chunk = decodeVideoChunk(item.bytes, item.captureDeviceMs);
      if (typeof chunk !== 'string' && chunk.codec === 'jpeg') {
        person.pictures.push({ atMs: item.captureDeviceMs, picture: { width: chunk.width, height: chunk.height, bytes: chunk.bytes } });
      }
      return;
    }
    case 'chat':
      person.lines.push({ atMs: item.captureDeviceMs, text: new TextDecoder().decode(item.bytes) });
      return;
    case 'result':
    case 'presence':
    case 'consent':
      return;
    default:
      item.kind satisfies never;
  }
}

function partOf({ name, poses, pictures, lines }: Collected, source: RecordingSource): Part[] {
  if (poses.length < 2) return [];
  return [{ track: poses.build(name, source), pictures: replayPictures(pictures), chat: replayChat(lines) }];
}

/** At each tick of the camera, the picture that was the newest then. */
function replayPictures(pictures: Collected['pictures']): PictureSource | undefined {
  const first = pictures[0];
  const last = pictures[pictures.length - 1];
  if (first === undefined || last === undefined) return undefined;
  const periodMs = 1000 / VIDEO_HZ;
  const ticks = Math.floor((last.atMs - first.atMs) / periodMs) + 1;
  let next = 0;
  const loop = Array.from({ length: ticks }, (_, tick) => {
    while ((pictures[next + 1]?.atMs ?? Infinity) <= first.atMs + tick * periodMs) next++;
    return (pictures[next] ?? first).picture;
  });
  return { at: (index) => loop[index % loop.length] as Picture };
}

/** The lines with their pauses, again and again. */
function replayChat(lines: Collected['lines']): ChatSource | undefined {
  if (lines.length === 0) return undefined;
  let next = 0;
  return {
    next() {
      const index = next++ % lines.length;
      const { text, atMs } = lines[index] as Collected['lines'][number];
      const before = lines[index - 1];
      return { text, afterMs: before === undefined ? PAUSE_AT_END_MS : Math.max(SHORTEST_PAUSE_MS, atMs - before.atMs) };
    },
  };
}
