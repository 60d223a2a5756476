/** Makes the hands that a few captures stand for: other people's bones, looser joints, and what lies in between. */
import { ownValue } from '../../core/own-value.ts';
import type { Random } from '../../core/random.ts';
import { randomBetween, randomInt, randomNormal } from '../../core/random.ts';
import { FINGERS, blend, emptySkeleton, shapeDistance, toPositions } from './skeleton.ts';
import type { Skeleton } from './skeleton.ts';

/** A capture ready for use: its bones, and what it shows. */
export interface Prototype {
  readonly label: string;
  readonly skeleton: Skeleton;
}

/** A gesture in which thumb and index finger touch: the other three are free. */
export interface Touch {
  /** How far the free fingers go on the way to rest at most, 0..1. */
  readonly relax: number;
  /** Whether they go together, or each for itself. */
  readonly together: boolean;
}

/** What hands are drawn from, and how far they may differ from it. */
export interface HandPool {
  readonly prototypes: readonly Prototype[];
  /** The label of hands that show nothing else here. */
  readonly none: string;
  /** A hand at rest, on the way to which gestures lie; without one they are drawn as they were captured. */
  readonly rest?: Skeleton | undefined;
  /** By label, those whose tips touch: angles alone cannot tell a touch from a near miss. */
  readonly touches: Readonly<Record<string, Touch>>;
  /** 1 as people differ; more or less makes hands that differ more or less. */
  readonly variation: number;
  /** Of the hands that show nothing, the share that is a gesture with one or two fingers done wrong. */
  readonly nearMisses: number;
}

const DEGREE = Math.PI / 180;
const JOINT_COUNT = FINGERS.length;
const FINGER_COUNT = 5;

/** How far one person's hold of a handshape differs from another's. Radians, or shares of a length. */
const CURL_DEVIATION = 6 * DEGREE;
const BEND_DEVIATION = 4 * DEGREE;
const SPREAD_DEVIATION = 3.5 * DEGREE;
const PALM_DEVIATION = 2 * DEGREE;
const FINGER_LENGTH_DEVIATION = 0.06;
const BONE_LENGTH_DEVIATION = 0.04;
/** A joint bends this far at most: back, and towards the palm. */
const BEND_RANGE = [-35 * DEGREE, 125 * DEGREE] as const;

/** A hand this far in shape from every gesture is none of them. */
const NOT_A_GESTURE = 25 * DEGREE;
/** Thumb and index tips touch below the first and are apart above the second; shares of the palm. */
const TOUCH = 0.3;
const APART = 0.5;
const ATTEMPTS = 50;

/** The same handshape on another hand: bones of other lengths, joints bent a little more or less. */
export function jitter(random: Random, from: Skeleton, variation = 1): Skeleton {
  const varied = emptySkeleton();
  const normal = (): number => randomNormal(random) * variation;
  const curls = [0, 1, 2, 3, 4].map(() => normal() * CURL_DEVIATION);
  const lengths = [0, 1, 2, 3, 4].map(() => 1 + normal() * FINGER_LENGTH_DEVIATION);
  for (let joint = 1; joint < JOINT_COUNT; joint++) {
    const finger = FINGERS[joint]!;
    const palm = isPalm(joint);
    const bend = palm ? PALM_DEVIATION : BEND_DEVIATION;
    const spread = palm ? PALM_DEVIATION : SPREAD_DEVIATION;
    const curl = palm ? 0 : curls[finger]!;
    varied.bend[joint] = clampBend(from.bend[joint]! + curl + normal() * bend);
    varied.spread[joint] = from.spread[joint]! + normal() * spread;
    varied.length[joint] = from.length[joint]! * lengths[finger]! * (1 + normal() * BONE_LENGTH_DEVIATION);
  }
  return varied;
}

/**
 * One hand that shows `label`: a capture of it, half of the time a little on its way to rest, on another hand.
 * Where the gesture is a touch, the tips still touch.
 */
export function gestureHand(random: Random, pool: HandPool, label: string): Skeleton {
  const own = pool.prototypes.filter((prototype) => prototype.label === label);
  const { rest } = pool;
  const touch = ownValue(pool.touches, label);
  let hand = emptySkeleton();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const shape = pick(random, own).skeleton;
    const share = rest === undefined ? 0 : Math.max(0, randomBetween(random, -0.2, 0.2));
    hand = jitter(random, blend(shape, rest ?? shape, touch === undefined ? share : freeFingers(random, touch)), pool.variation);
    if (touch === undefined || tipGap(hand) < TOUCH) return hand;
  }
  return hand;
}

function freeFingers(random: Random, { relax, together }: Touch): readonly number[] {
  const common = random.next();
  const free = (): number => relax * (together ? common : random.next());
  return [0, 0, free(), free(), free()];
}

/**
 * One hand that shows no gesture: a capture of another handshape, a point on the way between two captures, or
 * fingers of different captures, kept only where it is far from every gesture; or a gesture done wrong.
 *
 * @bound 2,500 attempts, after which it gives what came last: captures between which nothing else lies.
 */
export function noneHand(random: Random, pool: HandPool): Skeleton {
  const others = pool.prototypes.filter((prototype) => prototype.label === pool.none);
  for (let attempt = 0; ; attempt++) {
    if (pool.nearMisses > 0 && random.next() < pool.nearMisses) {
      const missed = nearMiss(random, pool);
      if (missed !== undefined) return missed;
    }
    const kind = random.next();
    if (kind < 0.35 && others.length > 0) return jitter(random, pick(random, others).skeleton, pool.variation);
    const hand = jitter(random, kind < 0.7 ? transition(random, pool.prototypes) : chimera(random, pool.prototypes), pool.variation);
    if (isFarFromGestures(hand, pool) || attempt >= ATTEMPTS * ATTEMPTS) return hand;
  }
}

function transition(random: Random, prototypes: readonly Prototype[]): Skeleton {
  return blend(pick(random, prototypes).skeleton, pick(random, prototypes).skeleton, randomBetween(random, 0.15, 0.85));
}

function chimera(random: Random, prototypes: readonly Prototype[]): Skeleton {
  let hand = pick(random, prototypes).skeleton;
  for (let finger = 0; finger < FINGER_COUNT; finger++) {
    const shares = [0, 0, 0, 0, 0];
    shares[finger] = randomBetween(random, 0.5, 1);
    hand = blend(hand, pick(random, prototypes).skeleton, shares);
  }
  return hand;
}

/** How far a finger done wrong turns at the knuckle, sideways or by its curl; a joint of it takes its share. */
const WRONG_SPREAD = [14 * DEGREE, 35 * DEGREE] as const;
const WRONG_CURL = [25 * DEGREE, 80 * DEGREE] as const;
/** A hand that is done wrong differs less otherwise, or it would be wrong in all. */
const MISSED_VARIATION = 0.7;
/** What sets a near miss apart: neighbours closer or wider by this, or a finger bent by that. */
const SPREAD_APART = 13 * DEGREE;
const BEND_APART = 20 * DEGREE;

/**
 * A gesture with one or two fingers bent, spread, crossed or borrowed, near to the gesture and yet not it.
 *
 * @returns undefined when no attempt came out far enough from every gesture.
 */
function nearMiss(random: Random, pool: HandPool): Skeleton | undefined {
  const gestures = pool.prototypes.filter(({ label }) => label !== pool.none);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let hand = pick(random, gestures).skeleton;
    const wrong = random.next() < 0.6 ? 1 : 2;
    for (let made = 0; made < wrong; made++) hand = doneWrong(random, hand, pool);
    hand = jitter(random, hand, MISSED_VARIATION * pool.variation);
    if (isNoGesture(hand, pool)) return hand;
  }
  return undefined;
}

function doneWrong(random: Random, from: Skeleton, { prototypes }: HandPool): Skeleton {
  const finger = randomInt(random, FINGER_COUNT);
  const kind = randomInt(random, 3);
  if (kind === 0) {
    const shares = [0, 0, 0, 0, 0];
    shares[finger] = randomBetween(random, 0.6, 1);
    return blend(from, pick(random, prototypes).skeleton, shares);
  }
  const hand = { bend: from.bend.slice(), spread: from.spread.slice(), length: from.length };
  const side = random.next() < 0.5 ? -1 : 1;
  const first = knuckle(finger);
  if (kind === 1) {
    // Fingers close or open between two of them: those on one side move together, as in a salute of two and two.
    const turn = side * randomBetween(random, ...WRONG_SPREAD);
    const gap = Math.min(3, finger);
    const moved = finger === 0 ? [0] : random.next() < 0.5 ? [1, 2, 3, 4].slice(0, gap) : [1, 2, 3, 4].slice(gap);
    for (const own of moved) hand.spread[knuckle(own)] = hand.spread[knuckle(own)]! + turn;
    return hand;
  }
  const curl = side * randomBetween(random, ...WRONG_CURL);
  for (let joint = first; joint < first + 3; joint++) hand.bend[joint] = clampBend(hand.bend[joint]! + curl * randomBetween(random, 0.3, 1));
  return hand;
}

function isNoGesture(hand: Skeleton, { prototypes, none, touches }: HandPool): boolean {
  const apart = tipGap(hand) > APART;
  return prototypes.every(({ label, skeleton }) => {
    if (label === none || (ownValue(touches, label) !== undefined && apart)) return true;
    return shapeDistance(hand, skeleton) > BEND_APART || spreadDistance(hand, skeleton) > SPREAD_APART;
  });
}

/** The largest difference in how far two neighbouring fingers are spread, thumb apart, where both are stretched in both hands. */
function spreadDistance(a: Skeleton, b: Skeleton): number {
  let largest = 0;
  for (let finger = 1; finger + 1 < FINGER_COUNT; finger++) {
    const [own, next] = [knuckle(finger), knuckle(finger + 1)];
    if ([a, b].some((hand) => hand.bend[own]! > STRETCHED || hand.bend[next]! > STRETCHED)) continue;
    const gap = (hand: Skeleton): number => hand.spread[next]! - hand.spread[own]!;
    largest = Math.max(largest, Math.abs(gap(a) - gap(b)));
  }
  return largest;
}

/** A finger bent further at its knuckle has no side to speak of. */
const STRETCHED = 45 * DEGREE;

/** The joint whose bone is the first that leaves the palm. */
function knuckle(finger: number): number {
  return finger === 0 ? 2 : finger * 5 + 2;
}

function isFarFromGestures(hand: Skeleton, { prototypes, none, touches }: HandPool): boolean {
  const apart = tipGap(hand) > APART;
  return prototypes.every(({ label, skeleton }) => {
    if (label === none || (ownValue(touches, label) !== undefined && apart)) return true;
    return shapeDistance(hand, skeleton) > NOT_A_GESTURE;
  });
}

/** The distance between the tips of thumb and index, in palms (wrist to middle knuckle). */
export function tipGap(hand: Skeleton): number {
  const positions = toPositions(hand);
  const palm = Math.hypot(positions[33]!, positions[34]!, positions[35]!);
  return Math.hypot(positions[12]! - positions[27]!, positions[13]! - positions[28]!, positions[14]! - positions[29]!) / palm;
}

/** The bones inside the palm: those of the four fingers up to the knuckle. */
function isPalm(joint: number): boolean {
  return joint >= 5 && joint % 5 < 2;
}

function clampBend(bend: number): number {
  return Math.max(BEND_RANGE[0], Math.min(BEND_RANGE[1], bend));
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomInt(random, items.length)] as T;
}
