/** Makes the hands that a few captures stand for: other people's bones, looser joints, and what lies in between. */
import type { Random } from '../../core/random.ts';
import { randomBetween, randomInt, randomNormal } from '../../core/random.ts';
import { FINGERS, blend, emptySkeleton, shapeDistance, toPositions } from './skeleton.ts';
import type { Skeleton } from './skeleton.ts';
import { isTouch, NONE } from './gestures.ts';
import type { Gesture, Role } from './gestures.ts';

/** A capture ready for use: its bones, and what it is used for. */
export interface Prototype {
  readonly role: Role;
  readonly name: string;
  readonly skeleton: Skeleton;
}

const DEGREE = Math.PI / 180;
const JOINT_COUNT = FINGERS.length;

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
export function jitter(random: Random, from: Skeleton): Skeleton {
  const varied = emptySkeleton();
  const curls = [0, 1, 2, 3, 4].map(() => randomNormal(random) * CURL_DEVIATION);
  const lengths = [0, 1, 2, 3, 4].map(() => 1 + randomNormal(random) * FINGER_LENGTH_DEVIATION);
  for (let joint = 1; joint < JOINT_COUNT; joint++) {
    const finger = FINGERS[joint]!;
    const palm = isPalm(joint);
    const bend = palm ? PALM_DEVIATION : BEND_DEVIATION;
    const spread = palm ? PALM_DEVIATION : SPREAD_DEVIATION;
    const curl = palm ? 0 : curls[finger]!;
    varied.bend[joint] = clampBend(from.bend[joint]! + curl + randomNormal(random) * bend);
    varied.spread[joint] = from.spread[joint]! + randomNormal(random) * spread;
    varied.length[joint] = from.length[joint]! * lengths[finger]! * (1 + randomNormal(random) * BONE_LENGTH_DEVIATION);
  }
  return varied;
}

/**
 * One hand that shows `gesture`: a capture of it, half of the time a little on its way to rest, on another hand.
 * Where the gesture is a touch, the tips still touch.
 */
export function gestureHand(random: Random, prototypes: readonly Prototype[], gesture: Gesture): Skeleton {
  const own = prototypes.filter((prototype) => prototype.role === gesture);
  const rest = prototypes.find((prototype) => prototype.name === 'rest')?.skeleton;
  let hand = emptySkeleton();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const shape = own[randomInt(random, own.length)]!.skeleton;
    const share = rest === undefined ? 0 : Math.max(0, randomBetween(random, -0.2, 0.2));
    hand = jitter(random, blend(shape, rest ?? shape, restShares(random, gesture, share)));
    if (!isTouch(gesture) || tipGap(hand) < TOUCH) return hand;
  }
  return hand;
}

/**
 * A touch leaves three fingers free: in a pinch they relax together from curled to all the way to rest, in an ok each
 * of them falls up to half of the way from stretched to rest.
 */
function restShares(random: Random, gesture: Gesture, share: number): number | readonly number[] {
  if (!isTouch(gesture)) return share;
  const together = random.next();
  const free = (): number => (gesture === 'pinch' ? together : 0.5 * random.next());
  return [0, 0, free(), free(), free()];
}

/**
 * One hand that shows no gesture: a capture of another handshape, a point on the way between two captures, or
 * fingers of different captures, kept only where it is far from every gesture.
 */
export function noneHand(random: Random, prototypes: readonly Prototype[]): Skeleton {
  const others = prototypes.filter((prototype) => prototype.role === NONE);
  for (;;) {
    const kind = random.next();
    if (kind < 0.35) return jitter(random, pick(random, others).skeleton);
    const hand = jitter(random, kind < 0.7 ? transition(random, prototypes) : chimera(random, prototypes));
    if (isFarFromGestures(hand, prototypes)) return hand;
  }
}

function transition(random: Random, prototypes: readonly Prototype[]): Skeleton {
  return blend(pick(random, prototypes).skeleton, pick(random, prototypes).skeleton, randomBetween(random, 0.15, 0.85));
}

function chimera(random: Random, prototypes: readonly Prototype[]): Skeleton {
  let hand = pick(random, prototypes).skeleton;
  for (let finger = 0; finger < 5; finger++) {
    const shares = [0, 0, 0, 0, 0];
    shares[finger] = randomBetween(random, 0.5, 1);
    hand = blend(hand, pick(random, prototypes).skeleton, shares);
  }
  return hand;
}

function isFarFromGestures(hand: Skeleton, prototypes: readonly Prototype[]): boolean {
  const apart = tipGap(hand) > APART;
  return prototypes.every(({ role, skeleton }) => {
    if (role === NONE || (isTouch(role) && apart)) return true;
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
