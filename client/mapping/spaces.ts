/**
 * The spaces that others measure in. All are in metres with y up.
 *
 * WebXR and OpenXR have one: right-handed, people look along -Z. A VRM 1.0 model has the same handedness and looks along +Z, its left arm along +X.
 * Unity and VMC are left-handed and look along +Z, so that the left arm is along -X.
 */
import type { Turn, Vector } from '../humanoid/turns.ts';

/** From a session's space to a model's that stands where the session begins, and the way back: half a turn about y is its own inverse. */
export function modelPosition([x, y, z]: Vector): Vector {
  return [-x, y, -z];
}

/** How something that is turned in a session's space is turned in a model's. Twice gives the opposite quaternion, which is the same turn. */
export function modelTurn([x, y, z, w]: Turn): Turn {
  return [z, w, -x, -y];
}

/** From a session's space to Unity's and VMC's, and back. */
export function unityPosition([x, y, z]: Vector): Vector {
  return [x, y, -z];
}

/** How something that looks along -Z in a session is turned in Unity, where it looks along +Z; and back. */
export function unityTurn([x, y, z, w]: Turn): Turn {
  return [-x, -y, z, w];
}

/** From a VRM model's space to that of the same model in Unity, and back: left and right change sides. */
export function unityModelPosition([x, y, z]: Vector): Vector {
  return [-x, y, z];
}

export function unityModelTurn([x, y, z, w]: Turn): Turn {
  return [x, -y, -z, w];
}
