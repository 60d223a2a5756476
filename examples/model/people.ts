/** Made-up people with hands of their own: measured and generated hand poses, each done a little differently by everybody. */
import { Quaternion, Vector3 } from 'three';
import { blendPoses } from '../../client/blend.ts';
import { randomBetween, randomInt, randomNormal, seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { generateHand } from '../../sim/headset/generated-hand.ts';
import type { GeneratedHand } from '../../sim/headset/generated-hand.ts';
import { measuredHandPoses, toLocal } from '../../sim/headset/hand-poses.ts';
import type { HandPose } from '../../sim/headset/hand-poses.ts';
import { writeWavingPose } from '../generated-pose.ts';

/** What the people do. Not all of it are gestures that the model which ships knows; `grab` is a fist that stays half open. */
export const GESTURES = ['rest', 'pinch', 'point', 'open-palm', 'fist', 'grab'] as const;
export type Gesture = (typeof GESTURES)[number];

/** How far a joint's angle differs between people, and between two times that somebody does the same; radians. */
const PERSON_RAD = 0.13;
const TIME_RAD = 0.13;
/** How far a gesture is done by those who do it least. */
const LEAST_EXTENT = 0.7;
/** Variants of a gesture that a hand wanders between. */
const VARIANTS = 4;
/** How long a hand is on its way from one gesture to the next. */
export const MOVE_MS = 500;
/** Trackers lose hands: one moment of so many has a finger somewhere else, and one slot of so many ends with a hand that stands still. */
const FLUNG_EVERY = 60;
const STUCK_EVERY = 12;
/** From here on of its slot a hand that is lost stands still. */
const STUCK_FROM_MS = 1200;

/** What somebody does. */
export interface Doing {
  readonly gesture: Gesture;
  readonly before: Gesture;
  /** Which in a row it is, and for how long it has been done. */
  readonly slot: number;
  readonly sinceMs: number;
}

export interface Person {
  readonly name: string;
  /** Overwrites `into`: the head, two controllers and both hands, which do what they are told as this person does it and as a tracker sees it. */
  write(doing: Doing, timeMs: number, into: PoseSample): void;
}

/** @param seed - the same gives the same person. @param x - where they stand, metres. */
export function makePerson(name: string, seed: number, x: number): Person {
  const random = seededRandom(seed);
  const scale = randomBetween(random, 0.85, 1.15);
  const hands = new Map(GESTURES.map((gesture) => [gesture, makeHands(gesture, seed, scale, random)]));
  return {
    name,
    write({ gesture, before, slot, sinceMs }, timeMs, into) {
      into.valid = PART_BITS.head | PART_BITS.leftController | PART_BITS.rightController | PART_BITS.leftHand | PART_BITS.rightHand;
      into.tracked = PART_BITS.head;
      const isStuck = sinceMs > STUCK_FROM_MS && randomInt(seededRandom(seed * 31 + slot), STUCK_EVERY) === 0;
      const atMs = isStuck ? timeMs - (sinceMs - STUCK_FROM_MS) : timeMs;
      const sway = Math.sin(atMs / 900 + seed) * 0.03;
      into.rigid.set([x + sway, 1.6, 0, 0, 0, 0, 1, x - 0.2, 1.2 + sway, -0.3, ...turned(sway * 4), x + 0.2, 1.25 - sway, -0.3, ...turned(-sway * 4)]);
      writeHands(hands.get(gesture), atMs, into.rigid, into.hands);
      if (sinceMs < MOVE_MS) {
        writeHands(hands.get(before), atMs, into.rigid, leaving);
        for (const at of [0, HAND_FLOATS]) blendPoses({ from: leaving.subarray(at, at + HAND_FLOATS), to: into.hands.slice(at, at + HAND_FLOATS), fraction: sinceMs / MOVE_MS }, into.hands, at, HAND_FLOATS);
      }
      if (randomInt(seededRandom(seed + Math.round(timeMs)), FLUNG_EVERY) === 0) into.hands[INDEX_TIP * POSE_FLOATS]! += 0.4;
    },
  };
}

/** Of the hands that are being left. */
const leaving = new Float32Array(2 * HAND_FLOATS);
const INDEX_TIP = 9;

function writeHands([left, right]: readonly GeneratedHand[] = [], timeMs: number, rigid: Float32Array, into: Float32Array): void {
  left?.write(timeMs, rigid, POSE_FLOATS, into, 0);
  right?.write(timeMs, rigid, 2 * POSE_FLOATS, into, HAND_FLOATS);
}

function turned(angle: number): [number, number, number, number] {
  return [Math.sin(angle / 2), 0, 0, Math.cos(angle / 2)];
}

const BASES: ReadonlyMap<Gesture, HandPose> = basePoses();

/** People do not do a gesture to its end: each mixes it with a hand at rest in a way of their own. */
function makeHands(gesture: Gesture, seed: number, scale: number, random: Random): readonly [GeneratedHand, GeneratedHand] {
  const rest = BASES.get('rest')!.local;
  const extent = randomBetween(random, LEAST_EXTENT, 1);
  const own = blended(rest, BASES.get(gesture)!.local, extent);
  const habit = shaken(own, PERSON_RAD, scale, random);
  const variants = Array.from({ length: VARIANTS }, (): HandPose => ({ name: gesture, local: shaken(habit, TIME_RAD, 1, random) }));
  return [generateHand(variants, { side: 'left', seed }), generateHand(variants, { side: 'right', seed: seed + 1 })];
}

function blended(from: Float32Array, to: Float32Array, fraction: number): Float32Array {
  const local = new Float32Array(HAND_FLOATS);
  blendPoses({ from, to, fraction }, local, 0, HAND_FLOATS);
  return local;
}

const orientation = new Quaternion();
const turn = new Quaternion();
const axis = new Vector3();

/** Fingers bend more than they spread. */
function shaken(local: Float32Array, deviationRad: number, scale: number, random: Random): Float32Array {
  const result = local.slice();
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const at = joint * POSE_FLOATS;
    for (let side = 0; side < 3; side++) result[at + side]! *= scale;
    axis.set(1, 0.3 * randomNormal(random), 0.3 * randomNormal(random)).normalize();
    turn.setFromAxisAngle(axis, deviationRad * randomNormal(random));
    orientation.fromArray(local, at + 3).multiply(turn).toArray(result, at + 3);
  }
  return result;
}

function basePoses(): ReadonlyMap<Gesture, HandPose> {
  const measured = new Map(measuredHandPoses().map((pose) => [pose.name, pose]));
  const of = (name: string): HandPose => measured.get(name)!;
  return new Map<Gesture, HandPose>([
    ['rest', of('relaxed')], ['pinch', of('pinch')], ['point', of('point')], ['open-palm', waving('open-palm', 0)], ['fist', waving('fist', 1)], ['grab', waving('grab', 0.7)],
  ]);
}

/** The hand of the example bot, which is a right one, as a left one. */
function waving(name: string, curl: number): HandPose {
  const sample = createPoseSample();
  writeWavingPose(sample, 0, { x: 0, z: 0, curl });
  const local = toLocal(sample.hands.slice(HAND_FLOATS));
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) for (const mirrored of [0, 4, 5]) local[joint * POSE_FLOATS + mirrored]! *= -1;
  return { name, local };
}
