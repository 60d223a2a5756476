/**
 * Imports BVH: a skeleton and its motion. The head joint gives the head, the hands or wrists the controllers.
 *
 * BVH is right-handed with +Y up and people looking along +Z, so positions are taken as they are and orientations are
 * turned by half a turn, to look along -Z. Its unit is not written down: see `guessUnit`. Fingers and the rest of the body
 * are left out, since a pose sample has no place for them.
 */
import { Quaternion, Vector3 } from 'three';
import { createPoseSample, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { gripInHand, guessUnit, SkeletonPose, SkeletonReader, type Skeleton } from './bvh-skeleton.ts';
import { oneClock, ONLY_PARTICIPANT, type Imported } from './imported.ts';
import { lineProblem, readLines, type Line } from './text-lines.ts';

export interface BvhOptions {
  /** Metres; guessed from the skeleton's height when left out. */
  readonly unitM?: number | undefined;
}

/** @throws CopresenceError RECORDING_INVALID with the line, while poses are asked for. */
export function importBvh(path: string, name: string, { unitM }: BvhOptions = {}): Imported {
  return { name, source: 'measured', notes: ['Of the skeleton only the head and the hands are kept, the hands as controllers.'], poses: () => readPoses(path, unitM) };
}

async function* readPoses(path: string, unitM: number | undefined): ReturnType<Imported['poses']> {
  const lines = readLines(path);
  try {
    yield* readMotion(path, lines, unitM);
  } finally {
    // Lines are asked for one by one at first, which alone would leave the file open.
    await lines.return();
  }
}

async function* readMotion(path: string, lines: AsyncGenerator<Line, void, void>, unitM: number | undefined): ReturnType<Imported['poses']> {
  const skeleton = await readSkeleton(lines, path);
  const pose = new SkeletonPose(skeleton);
  pose.set();
  const taps = tapsOf(skeleton, pose, path);
  const unit = unitM ?? guessUnit(pose.height);
  const { frames, frameMs } = await readMotionHeader(lines, path);
  const sample = createPoseSample();
  let frame = 0;
  for await (const { number, text } of lines) {
    if (text.trim() === '') continue;
    const numbers = text.trim().split(/\s+/).map(Number);
    if (numbers.length !== skeleton.channelCount || !numbers.every(Number.isFinite)) throw lineProblem(path, number, `has no ${skeleton.channelCount} numbers`);
    if (frame >= frames) throw lineProblem(path, number, `is one more than the ${frames} frames that were announced`);
    pose.set(numbers);
    writeSample(pose, taps, unit, sample);
    yield { ...oneClock(frame * frameMs), participantId: ONLY_PARTICIPANT, sample };
    frame++;
  }
  if (frame < frames) throw lineProblem(path, frame + 1, `is missing: ${frame} of ${frames} frames are there`);
}

async function readSkeleton(lines: AsyncGenerator<Line, void, void>, path: string): Promise<Skeleton> {
  const reader = new SkeletonReader(path);
  for (let step = await lines.next(); step.done !== true; step = await lines.next()) {
    if (step.value.number === 1 && step.value.text.trim() !== 'HIERARCHY') throw lineProblem(path, 1, 'is not HIERARCHY');
    const skeleton = reader.take(step.value);
    if (skeleton !== undefined) return skeleton;
  }
  throw lineProblem(path, 1, 'begins a file without MOTION');
}

async function readMotionHeader(lines: AsyncGenerator<Line, void, void>, path: string): Promise<{ frames: number; frameMs: number }> {
  const value = async (pattern: RegExp, what: string): Promise<number> => {
    const step = await lines.next();
    const found = step.done === true ? undefined : Number(pattern.exec(step.value.text)?.[1]);
    if (found === undefined || !(found > 0)) throw lineProblem(path, step.done === true ? 0 : step.value.number, `has no ${what}`);
    return found;
  };
  const frames = await value(/^\s*Frames:\s*(\d+)/i, 'number of frames');
  return { frames, frameMs: 1000 * (await value(/^\s*Frame Time:\s*([\d.eE+-]+)/i, 'time of a frame')) };
}

/** A joint that a part of a sample is taken from. */
interface Tap {
  readonly part: 'head' | 'leftController' | 'rightController';
  readonly joint: number;
  /** In the joint's frame. */
  readonly shift: Vector3;
  readonly turn: Quaternion;
}

const HALF_TURN = new Quaternion(0, 1, 0, 0);
const PARTS = [['head', /^(.*[:_])?head$/i], ['leftController', /^(.*[:_])?(left|l)[ _.-]?(hand|wrist)$/i], ['rightController', /^(.*[:_])?(right|r)[ _.-]?(hand|wrist)$/i]] as const;

function tapsOf(skeleton: Skeleton, rest: SkeletonPose, path: string): Tap[] {
  const taps = PARTS.flatMap(([part, name]): Tap[] => {
    // The last that fits is the outermost: a hand behind its wrist.
    const joint = skeleton.joints.findLastIndex((candidate) => name.test(candidate.name));
    if (joint < 0) return [];
    const end = skeleton.joints.findIndex(({ parent }) => parent === joint);
    const outward = end < 0 ? new Vector3() : (rest.positions[end] as Vector3).clone().sub(rest.positions[joint] as Vector3);
    // Eyes are about halfway up the skull.
    if (part === 'head') return [{ part, joint, shift: outward.multiplyScalar(0.5), turn: HALF_TURN }];
    const arm = outward.lengthSq() > 0 ? outward : armOf(skeleton, rest, joint);
    return [{ part, joint, shift: new Vector3(), turn: gripInHand(arm) }];
  });
  if (!taps.some(({ part }) => part === 'head')) throw lineProblem(path, 1, 'begins a skeleton without a joint called Head');
  return taps;
}

/** The direction from the elbow, where a hand has nothing behind it. */
function armOf({ joints }: Skeleton, rest: SkeletonPose, joint: number): Vector3 {
  const parent = joints[joint]?.parent ?? -1;
  return (rest.positions[joint] as Vector3).clone().sub(rest.positions[parent] ?? new Vector3());
}

const position = new Vector3();
const orientation = new Quaternion();

function writeSample(pose: SkeletonPose, taps: readonly Tap[], unitM: number, sample: PoseSample): void {
  sample.valid = 0;
  for (const { part, joint, shift, turn } of taps) {
    const at = PARTS.findIndex(([name]) => name === part) * POSE_FLOATS;
    const turned = pose.orientations[joint] as Quaternion;
    position.copy(shift).applyQuaternion(turned).add(pose.positions[joint] as Vector3).multiplyScalar(unitM).toArray(sample.rigid, at);
    orientation.copy(turned).multiply(turn).normalize().toArray(sample.rigid, at + 3);
    sample.valid |= PART_BITS[part];
  }
  sample.tracked = sample.valid;
}
