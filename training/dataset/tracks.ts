/** Movements as samples: unbroken tracks of heads and hands out of recordings, of participants who allow training only. */
import { MAX_GAP_MS } from '../../client/prediction/part-motion.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { createPoseSample, decodePoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { Recording } from '../../recording/reader.ts';
import { TRACK_WIDTH } from './dataset.ts';
import type { LabelledSample, Part } from './dataset.ts';
import type { Collected } from './sources.ts';
import { LEAST_TRACK_POSES } from './track.ts';
import type { TRACK_PARTS } from './track.ts';

/** Shorter ones have no moment after a window. */
const LEAST_MS = 500;
/** Longer ones go on as another sample. */
const MOST_MS = 60_000;

export interface TrackOptions {
  /** What the recording is called: figures are given by it. */
  readonly name: string;
  /** Goes before each participant's id: people of one name in two folders are two people. */
  readonly prefix: string;
  /** Where the source has cut the set itself. */
  readonly part?: Part | undefined;
}

/** One part of one participant, as it is read. */
interface OpenTrack {
  readonly label: (typeof TRACK_PARTS)[number];
  readonly values: (number | null)[];
  startMs: number;
  lastMs: number;
  readonly spaceEpoch: number;
  /** Whether its positions were measured. */
  readonly isTracked: boolean;
}

/**
 * The movements of heads, and of controllers or wrists, as samples of the layout `track`: label `head` or `hand`, the recording as group.
 *
 * A track ends where a part is not seen, more than 250 ms are missing, space was reset, or positions begin or cease to be measured. Those that no sensor measured are missing values.
 * Whoever's last word is against training gives nothing; of others, what they sent while they were against it is left out.
 */
export async function readTracks(recording: Recording, { name, prefix, part }: TrackOptions): Promise<Collected> {
  const refused = new Set(recording.info.participants.filter(({ consent }) => !consent.training).map(({ participantId }) => participantId));
  const against = new Set<string>();
  const open = new Map<string, OpenTrack>();
  const samples: LabelledSample[] = [];
  const close = (key: string, participantId: string): void => {
    const track = open.get(key);
    open.delete(key);
    if (track === undefined || track.values.length < LEAST_TRACK_POSES * TRACK_WIDTH || track.lastMs - track.startMs < LEAST_MS) return;
    samples.push({
      id: `${name}/${participantId}/${key.slice(-1)}/${samples.length}`.slice(-200), participant: `${prefix}${participantId}`.slice(-200), label: track.label, group: name.slice(-64),
      ...(part === undefined ? {} : { part }), values: track.values,
    });
  };
  const pose = createPoseSample();
  for await (const { kind, participantId, captureServerMs, bytes } of recording.items()) {
    if (refused.has(participantId)) continue;
    if (kind === 'consent') {
      if ((JSON.parse(new TextDecoder().decode(bytes)) as { training?: boolean }).training === true) against.delete(participantId);
      else against.add(participantId);
    }
    if (kind !== 'pose') continue;
    const isUsable = !against.has(participantId) && typeof decodePoseSample(bytes, 0, captureServerMs, pose) === 'number';
    for (let place = 0; place < PLACES; place++) {
      const key = `${participantId} ${place}`;
      const source = isUsable ? sourceOf(pose, place) : undefined;
      if (source === undefined || !goesOn(open.get(key), captureServerMs, { spaceEpoch: pose.spaceEpoch, isTracked: source.isTracked })) close(key, participantId);
      if (source !== undefined) addPose(open, key, { place, atMs: captureServerMs, pose, source });
    }
  }
  for (const key of [...open.keys()]) close(key, key.slice(0, -2));
  const left = recording.info.participants.length - refused.size;
  return { layout: { kind: 'track' }, steps: 1, samples, notes: left < recording.info.participants.length ? [`${name}: ${refused.size} of ${recording.info.participants.length} participants do not allow training`] : [] };
}

/** Head, left and right arm. */
const PLACES = 3;

interface Source {
  readonly floats: Float32Array;
  readonly at: number;
  readonly isTracked: boolean;
}

/** Where a sample has a part: an arm's controller, else its wrist. */
function sourceOf(pose: PoseSample, place: number): Source | undefined {
  const bit = 1 << place;
  if ((pose.valid & bit) !== 0) return { floats: pose.rigid, at: place * POSE_FLOATS, isTracked: (pose.tracked & bit) !== 0 };
  const hand = place === 1 ? PART_BITS.leftHand : PART_BITS.rightHand;
  if (place === 0 || (pose.valid & hand) === 0) return undefined;
  return { floats: pose.hands, at: (place - 1) * HAND_FLOATS, isTracked: (pose.tracked & hand) !== 0 };
}

function goesOn(track: OpenTrack | undefined, atMs: number, { spaceEpoch, isTracked }: Pick<OpenTrack, 'spaceEpoch' | 'isTracked'>): boolean {
  return track === undefined || (track.spaceEpoch === spaceEpoch && track.isTracked === isTracked && atMs - track.lastMs <= MAX_GAP_MS && atMs - track.startMs < MOST_MS);
}

function addPose(open: Map<string, OpenTrack>, key: string, { place, atMs, pose, source }: { place: number; atMs: number; pose: PoseSample; source: Source }): void {
  let track = open.get(key);
  if (track !== undefined && atMs <= track.lastMs) return;
  if (track === undefined) open.set(key, (track = { label: place === 0 ? 'head' : 'hand', values: [], startMs: atMs, lastMs: atMs, spaceEpoch: pose.spaceEpoch, isTracked: source.isTracked }));
  track.lastMs = atMs;
  track.values.push(rounded(atMs - track.startMs, 2));
  for (let index = 0; index < POSE_FLOATS; index++) {
    const value = source.floats[source.at + index]!;
    track.values.push(index < 3 ? (source.isTracked ? rounded(value, 4) : null) : rounded(value, 5));
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
