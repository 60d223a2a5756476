/** Two bones that reach for a place: an arm for the wrist, a leg for the ankle. */
import { add, cross, direction, dot, inverse, lengthOf, multiply, rotate, scale, subtract, turnTowards, type Turn, type Vector } from './turns.ts';

export interface Limb {
  readonly root: Vector;
  readonly target: Vector;
  /** Where the limb's joints are in the T-pose: root, middle, end. */
  readonly rest: readonly [Vector, Vector, Vector];
  /** To where the middle joint bends, and to where it does in the T-pose. */
  readonly bend: Vector;
  readonly restBend: Vector;
}

/** How far a limb is stretched at most: a knee that is quite straight jumps from one side to the other. */
const LONGEST_REACH = 0.999;

/** Turns of both bones, in the model's space. What is out of reach is pointed at. */
export function reach({ root, target, rest, bend, restBend }: Limb): { readonly upper: Turn; readonly lower: Turn } {
  const upperRest = subtract(rest[1], rest[0]), lowerRest = subtract(rest[2], rest[1]);
  const upperM = lengthOf(upperRest), lowerM = lengthOf(lowerRest);
  const way = subtract(target, root);
  const along = direction(way, [0, -1, 0]);
  const farM = Math.max(Math.abs(upperM - lowerM) + 1e-4, Math.min(lengthOf(way), (upperM + lowerM) * LONGEST_REACH));
  const side = direction(subtract(bend, scale(along, dot(bend, along))), direction(cross(along, [1, 0, 0]), [0, 0, 1]));
  // The law of cosines gives how far along the way the middle joint is.
  const cosine = (upperM * upperM + farM * farM - lowerM * lowerM) / (2 * upperM * farM);
  const sine = Math.sqrt(Math.max(0, 1 - cosine * cosine));
  const middle = add(scale(along, upperM * cosine), scale(side, upperM * sine));
  return { upper: turnOf(upperRest, restBend, middle, side), lower: turnOf(lowerRest, restBend, subtract(scale(along, farM), middle), side) };
}

/** Brings a bone to where it points now, with its outer side to where the joint bends. */
function turnOf(rest: Vector, restBend: Vector, now: Vector, bend: Vector): Turn {
  return multiply(turnTowards(now, bend), inverse(turnTowards(rest, restBend)));
}

/** Where a limb's end comes to lie. */
export function endOf({ root, rest }: Pick<Limb, 'root' | 'rest'>, upper: Turn, lower: Turn): Vector {
  return add(root, add(rotate(upper, subtract(rest[1], rest[0])), rotate(lower, subtract(rest[2], rest[1]))));
}
