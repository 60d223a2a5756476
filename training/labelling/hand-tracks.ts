/** The hands of a recording, for whoever looks at them to say what they do. */
import { CopresenceError } from '../../core/errors.ts';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import { createPoseSample, decodePoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { Recording } from '../../recording/reader.ts';
import { positionsOf } from '../dataset/recordings.ts';

/** One hand of one participant over time. */
export interface HandTrack {
  readonly participant: string;
  readonly name: string;
  readonly hand: 'left' | 'right';
  /** Whether its owner's last word allows training: collect leaves out the labels of others. */
  readonly training: boolean;
  /** Milliseconds since the recording's first item, ascending, at most SHOWN_HZ. */
  readonly timesMs: Float64Array;
  /** [frames, 25, 3] metres. */
  readonly joints: Float32Array;
}

const SHOWN_HZ = 30;
const JOINT_FLOATS = XR_HAND_JOINT_COUNT * 3;
/** An hour of two people's hands is 2 x 2 x 108,000 frames, 130 MB. */
const MAX_FRAMES = 500_000;

/**
 * @returns the tracks with at least one frame, and how long the recording is by its captures.
 * @throws CopresenceError RECORDING_INVALID when it is damaged, has no hands, or more frames than fit.
 */
export async function readHandTracks(recording: Recording): Promise<{ readonly tracks: HandTrack[]; readonly durationMs: number }> {
  const frames = new Map<string, { participantId: string; hand: 'left' | 'right'; times: number[]; values: number[] }>();
  const pose = createPoseSample();
  let startMs: number | undefined;
  let [durationMs, count] = [0, 0];
  for await (const { kind, participantId, captureServerMs, bytes } of recording.items()) {
    startMs ??= captureServerMs;
    durationMs = Math.max(durationMs, captureServerMs - startMs);
    if (kind !== 'pose' || typeof decodePoseSample(bytes, 0, captureServerMs, pose) !== 'number') continue;
    for (const hand of ['left', 'right'] as const) {
      if ((pose.valid & PART_BITS[`${hand}Hand`]) === 0) continue;
      const key = `${hand} ${participantId}`;
      const track = frames.get(key) ?? { participantId, hand, times: [], values: [] };
      frames.set(key, track);
      const atMs = captureServerMs - startMs;
      // A little less than the period, so that a stream of a multiple of the rate is not halved by its jitter.
      if (atMs - (track.times.at(-1) ?? -Infinity) < 900 / SHOWN_HZ) continue;
      track.times.push(atMs);
      for (const value of positionsOf(pose.hands, hand === 'left' ? 0 : 1)) track.values.push(value);
      if (++count > MAX_FRAMES) throw new CopresenceError('RECORDING_INVALID', `has more than ${MAX_FRAMES} frames of hands: cut a stretch out of it with "copresence-sim cut"`);
    }
  }
  if (frames.size === 0) throw new CopresenceError('RECORDING_INVALID', 'nobody in it has hands of 25 joints');
  const people = new Map(recording.info.participants.map((own) => [own.participantId, own]));
  const tracks = [...frames.values()].map(({ participantId, hand, times, values }): HandTrack => ({
    participant: participantId, name: people.get(participantId)?.name ?? participantId, hand, training: people.get(participantId)?.consent.training === true,
    timesMs: Float64Array.from(times), joints: Float32Array.from(values),
  }));
  return { tracks: tracks.sort((a, b) => (a.participant + a.hand < b.participant + b.hand ? -1 : 1)), durationMs };
}

/** The frames as the page takes them: all times, float64, then all joints, float32, little-endian. */
export function trackBytes({ timesMs, joints }: HandTrack): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(timesMs.length * (8 + JOINT_FLOATS * 4));
  const view = new DataView(out.buffer);
  timesMs.forEach((timeMs, index) => view.setFloat64(index * 8, timeMs, true));
  joints.forEach((value, index) => view.setFloat32(timesMs.length * 8 + index * 4, value, true));
  return out;
}
