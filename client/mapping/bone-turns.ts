/**
 * Turns of tracked parts as turns of a humanoid's bones, and back.
 *
 * A joint of WebXR looks along -Z towards the tip, with +Y out of the back of the hand. A bone of VRM is not turned at all in the T-pose: arms level, palms down,
 * fingers along the arms. So a bone's turn is how much its joint is turned from where it is in the T-pose. Everything is in the model's space.
 */
import { inverse, multiply, turnAbout, turnTowards, type Turn, type Vector } from '../humanoid/turns.ts';
import type { Side } from './hand-joints.ts';

const OUTWARDS: Readonly<Record<Side, Vector>> = { left: [1, 0, 0], right: [-1, 0, 0] };
const UP: Vector = [0, 1, 0];
/** A head that looks ahead in a session looks along -Z; a model looks along +Z. */
export const REST_HEAD: Turn = turnAbout(UP, Math.PI);

/** How a joint of a hand is turned in the T-pose, thumbs apart. */
export function restJoint(side: Side): Turn {
  return turnTowards(OUTWARDS[side], UP);
}

/**
 * How a joint of a thumb is turned in the T-pose.
 *
 * @param along - where the model's own thumb points there, in its space. The nail is taken to look half up and half away from the fingers, as it does in a hand laid
 * flat; VRM does not say.
 */
export function restThumb(side: Side, along: Vector): Turn {
  return turnTowards(along, [side === 'left' ? -0.5 : 0.5, Math.SQRT1_2, 0.5]);
}

/**
 * How the grip of a controller is turned in the T-pose (OpenXR 1.1, section 6.3.2): the rod through the fist points ahead with -Z, and X stands on the palm, out of it
 * on the left and into it on the right.
 */
export function restGrip(side: Side): Turn {
  return [Math.SQRT1_2, side === 'left' ? -Math.SQRT1_2 : Math.SQRT1_2, 0, 0];
}

/** From a part's turn to its bone's. @param rest - the part's in the T-pose. */
export function boneTurn(part: Turn, rest: Turn): Turn {
  return multiply(part, inverse(rest));
}

/** From a bone's turn to its part's. */
export function partTurn(bone: Turn, rest: Turn): Turn {
  return multiply(bone, rest);
}
