/**
 * Imports what A-Frame's motion capture components record: `{camera: {poses: [{position, rotation, timestamp}]}, ...}`.
 *
 * `rotation` holds degrees about x, y and z that apply in the order Y, X, Z, as A-Frame's component of that name does;
 * with a `w` it is a quaternion. Times are milliseconds. The camera is the head; the controllers' names vary.
 */
import { Euler, MathUtils, Quaternion } from 'three';
import { blendPoses } from '../../client/blend.ts';
import { createPoseSample, PART_BITS, type Part } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { elements, finite, member, memberNames, parseJson, refuse, type Place } from './json-place.ts';
import { lastAtOrBefore, PoseTrackBuilder, type PoseTrack } from './pose-track.ts';

/** The names that the published recordings use. */
const PARTS: readonly (readonly [Part, readonly string[]])[] = [
  ['head', ['camera']],
  ['leftController', ['left', 'lhand']],
  ['rightController', ['right', 'rhand']],
];

interface Strand {
  readonly part: Part;
  readonly timesMs: readonly number[];
  /** One pose of 7 floats for each time. */
  readonly poses: readonly Float32Array[];
}

/**
 * Reads a recording; the head's times become the track's, and the controllers are blended onto them.
 *
 * @param name - what the track is called.
 * @throws CopresenceError RECORDING_INVALID with the place.
 */
export function importAFrame(text: string, name: string): PoseTrack {
  const root = parseJson(text);
  const names = memberNames(root);
  const strands = PARTS.flatMap(([part, known]) => {
    const found = known.find((candidate) => names.includes(candidate));
    return found === undefined ? [] : [readStrand(member(root, found), part)];
  });
  const head = strands.find(({ part }) => part === 'head');
  if (head === undefined) refuse(root, 'has no camera, so that it is no recording of A-Frame');
  const builder = new PoseTrackBuilder();
  const sample = createPoseSample();
  for (const timeMs of head.timesMs) {
    sample.valid = 0;
    for (const strand of strands) if (placeStrand(strand, timeMs, sample.rigid)) sample.valid |= PART_BITS[strand.part];
    sample.tracked = sample.valid;
    builder.add(timeMs, sample);
  }
  return builder.build(name, 'measured');
}

function readStrand(place: Place, part: Part): Strand {
  const timesMs: number[] = [];
  const poses: Float32Array[] = [];
  const listed = member(place, 'poses');
  for (const pose of elements(listed)) {
    const timeMs = finite(member(pose, 'timestamp'));
    const latest = timesMs[timesMs.length - 1];
    if (latest !== undefined && timeMs <= latest) refuse(pose, 'is not later than the one before it');
    timesMs.push(timeMs);
    poses.push(readPose(pose));
  }
  if (poses.length < 2) refuse(listed, 'has fewer than two poses');
  return { part, timesMs, poses };
}

const euler = new Euler();
const quaternion = new Quaternion();

function readPose(pose: Place): Float32Array {
  const position = member(pose, 'position');
  const rotation = member(pose, 'rotation');
  const [x, y, z] = [finite(member(rotation, 'x')), finite(member(rotation, 'y')), finite(member(rotation, 'z'))];
  if (memberNames(rotation).includes('w')) quaternion.set(x, y, z, finite(member(rotation, 'w'))).normalize();
  else quaternion.setFromEuler(euler.set(MathUtils.degToRad(x), MathUtils.degToRad(y), MathUtils.degToRad(z), 'YXZ'));
  return Float32Array.of(finite(member(position, 'x')), finite(member(position, 'y')), finite(member(position, 'z')), ...quaternion.toArray());
}

const scratch = new Float32Array(POSE_FLOATS);

/** Writes a strand's pose at `timeMs` into its place. @returns false before its first and after its last time. */
function placeStrand({ part, timesMs, poses }: Strand, timeMs: number, rigid: Float32Array): boolean {
  if (timeMs < (timesMs[0] ?? 0) || timeMs > (timesMs[timesMs.length - 1] ?? 0)) return false;
  const before = lastAtOrBefore(timesMs, timeMs);
  const after = Math.min(before + 1, timesMs.length - 1);
  const [fromMs, toMs] = [timesMs[before] ?? 0, timesMs[after] ?? 0];
  const fraction = toMs > fromMs ? (timeMs - fromMs) / (toMs - fromMs) : 0;
  blendPoses({ from: poses[before] as Float32Array, to: poses[after] as Float32Array, fraction }, scratch, 0, POSE_FLOATS);
  rigid.set(scratch, PARTS.findIndex(([name]) => name === part) * POSE_FLOATS);
  return true;
}
