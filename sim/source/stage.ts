/** Puts a recorded movement into a shared room: its own seat, facing the middle, repeating without a jump. */
import { Quaternion, Vector3 } from 'three';
import { blendPoses } from '../../client/blend.ts';
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { BOTH_HANDS_FLOATS, RIGID_FLOATS, sampleTrack, trackDurationMs, type PoseTrack } from '../import/pose-track.ts';

/** A place on the floor, metres, and the direction that somebody there looks in: 0 is -z, growing to the left. */
export interface Seat {
  readonly x: number;
  readonly z: number;
  readonly yaw: number;
}

/** Somebody's movement, for as long as one likes. */
export interface StagedTrack {
  readonly track: PoseTrack;
  /** @param timeMs - from 0 on. @param into - all but `captureMs` is overwritten. */
  poseAt(timeMs: number, into: PoseSample): void;
}

/** How long the end blends into the beginning. */
const CROSSFADE_MS = 600;
/** Less than this is not worth repeating. */
const SHORTEST_LOOP_MS = 100;

/** Seats on a circle, all facing its middle. */
export function seatOf(index: number, count: number, radiusM = 1.6): Seat {
  const angle = (2 * Math.PI * index) / Math.max(1, count);
  return { x: radiusM * Math.sin(angle), z: radiusM * Math.cos(angle), yaw: angle };
}

/** A movement that repeats for ever, its middle on the seat and its mean direction the seat's. */
export function stageTrack(track: PoseTrack, seat: Seat): StagedTrack {
  const place = placementOf(track, seat);
  const scratch = createPoseSample();
  return {
    track,
    poseAt(timeMs, into) {
      sampleLoop(track, timeMs, into, scratch);
      movePoses(place, into.rigid);
      if (track.hands !== undefined) movePoses(place, into.hands);
    },
  };
}

/** After how long a staged movement is where it was; it does so from its second round on. */
export function loopPeriodMs(track: PoseTrack): number {
  return Math.max(SHORTEST_LOOP_MS, trackDurationMs(track) - fadeOf(track));
}

function fadeOf(track: PoseTrack): number {
  return Math.min(CROSSFADE_MS, trackDurationMs(track) / 2);
}

/** Within the crossfade the end of the recording, which lies one period later, fades out over its beginning. */
function sampleLoop(track: PoseTrack, timeMs: number, into: PoseSample, scratch: PoseSample): void {
  const fadeMs = fadeOf(track);
  const periodMs = loopPeriodMs(track);
  const at = timeMs % periodMs;
  sampleTrack(track, at, into);
  if (timeMs < periodMs || at >= fadeMs) return;
  sampleTrack(track, at + periodMs, scratch);
  // Two spaces do not blend: the beginning is another one than the end, as after any reset.
  if (scratch.spaceEpoch !== into.spaceEpoch) return;
  const fraction = at / fadeMs;
  blendPoses({ from: scratch.rigid, to: into.rigid, fraction }, into.rigid, 0, RIGID_FLOATS);
  if (track.hands !== undefined) blendPoses({ from: scratch.hands, to: into.hands, fraction }, into.hands, 0, BOTH_HANDS_FLOATS);
}

interface Placement {
  readonly turn: Quaternion;
  readonly shift: Vector3;
}

const vector = new Vector3();
const orientation = new Quaternion();

function placementOf(track: PoseTrack, seat: Seat): Placement {
  const count = track.timesMs.length;
  const middle = new Vector3();
  const heading = new Vector3();
  for (let index = 0; index < count; index++) {
    const at = index * RIGID_FLOATS;
    middle.add(vector.fromArray(track.rigid, at));
    heading.add(vector.set(0, 0, -1).applyQuaternion(orientation.fromArray(track.rigid, at + 3)));
  }
  middle.divideScalar(Math.max(1, count)).setY(0);
  const yaw = Math.atan2(-heading.x, -heading.z);
  const turn = new Quaternion().setFromAxisAngle(new Vector3(0, 1, 0), seat.yaw - yaw);
  return { turn, shift: new Vector3(seat.x, 0, seat.z).sub(middle.applyQuaternion(turn)) };
}

function movePoses({ turn, shift }: Placement, poses: Float32Array): void {
  for (let at = 0; at < poses.length; at += POSE_FLOATS) {
    vector.fromArray(poses, at).applyQuaternion(turn).add(shift).toArray(poses, at);
    orientation.fromArray(poses, at + 3).premultiply(turn).toArray(poses, at + 3);
  }
}
