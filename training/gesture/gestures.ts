/** The gestures that the model names, and which captures show each of them. */

/** The class that is no gesture: rest, transitions and handshapes without a name here. */
export const NONE = 'none';

/** The model's classes, in the order of its output. */
export const GESTURES = [
  'open-palm', 'fist', 'point', 'peace', 'three', 'four', 'ok', 'pinch', 'thumb', 'rock', 'love', 'call-me', NONE,
] as const;
export type Gesture = (typeof GESTURES)[number];
export const NONE_INDEX = GESTURES.indexOf(NONE);

/** What a capture is used for: its class, or `unseen` when training never sees that handshape on either hand. */
export type Role = Gesture | 'unseen';

/**
 * By capture name. `point` leaves the thumb free ('asl l' has it out), as pointing hands do. Captures of one class
 * are variants of one handshape: the ASL letter A is a fist whose thumb lies beside it.
 */
const ROLES: Readonly<Record<string, Role>> = {
  'flat': 'open-palm', 'flare': 'open-palm', 'asl 5': 'open-palm',
  'asl s': 'fist', 'asl a': 'fist',
  'asl 1': 'point', 'asl g': 'point', 'asl l': 'point',
  'asl v': 'peace', 'asl 2': 'peace',
  'asl w': 'three', 'asl 6': 'three',
  'asl 4': 'four', 'asl b': 'four',
  'asl f': 'ok', 'asl 9': 'ok',
  'pinch': 'pinch',
  'thumb': 'thumb', 'asl 10': 'thumb',
  'devil': 'rock',
  'love': 'love',
  'asl y': 'call-me',
  'rest': NONE, 'bird': NONE, 'grab': NONE, 'crook only index': NONE, 'crook only middle': NONE,
  'crook only ring': NONE, 'crook only pinky': NONE, 'asl c': NONE, 'asl e': NONE, 'asl i': NONE, 'asl o': NONE,
  'asl p': NONE, 'asl x': NONE, 'asl 7': NONE,
};

/** The role of a capture; a name that is not listed is `unseen`. */
export function roleOf(captureName: string): Role {
  return ROLES[captureName] ?? 'unseen';
}

/** The gesture that each label of the camera data means. */
export const KINIVI_GESTURES: Readonly<Record<string, Gesture>> = {
  Open: 'open-palm',
  Close: 'fist',
  Pointer: 'point',
  OK: 'ok',
};

/** Gestures whose thumb and index tips touch; the angles alone cannot tell a touch from a near miss. */
export function isTouch(gesture: Role): boolean {
  return gesture === 'ok' || gesture === 'pinch';
}
