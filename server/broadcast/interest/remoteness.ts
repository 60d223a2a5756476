/**
 * How little somebody matters to a viewer, in octaves: each one more is worth half the rate.
 *
 * Motion at twice the distance moves half as far in the picture, so that half the rate shows it as well. What is behind the viewer
 * costs an octave; who speaks, or shows their hands, is looked at sooner than the distance says.
 */
import type { Viewpoint } from './viewpoint.ts';

/** Up to twice this somebody in view has the full rate. */
const NEAR_MM = 3000;
/** Nearer than this nobody becomes more interesting, and it does not matter where the viewer looks. */
const CLOSEST_MM = 500;
/** Cosine of the angle from the gaze within which somebody is in view: 60 degrees, since heads turn within a plan's life. */
const IN_VIEW_COSINE = 0.5;
const BEHIND_OCTAVES = 1;
const SPEAKING_OCTAVES = 2;
const HANDS_OCTAVES = 0.5;

/** The values that `remotenessOf` gives lie between these. */
export const LEAST_REMOTE = Math.log2(CLOSEST_MM / NEAR_MM) - SPEAKING_OCTAVES - HANDS_OCTAVES;

/** Where nobody's place is known everybody is as interesting; below one, so that all have the full rate. */
const UNPLACED = 0.5;
/** The golden section, which spreads whole numbers evenly over 0..1. */
const GOLDEN = 0.618033988749895;

/**
 * @param speaks - whether the subject has said something a moment ago.
 * @param slot - of the subject: decides, where the viewer has no place, who gives way first.
 */
export function remotenessOf(viewer: Viewpoint, subject: Viewpoint, { speaks, slot }: { readonly speaks: boolean; readonly slot: number }): number {
  const said = speaks ? SPEAKING_OCTAVES : 0;
  if (!viewer.isPlaced || !subject.isPlaced) return UNPLACED * ((slot * GOLDEN) % 1) - said;
  const x = subject.x - viewer.x, y = subject.y - viewer.y, z = subject.z - viewer.z;
  const mm = Math.sqrt(x * x + y * y + z * z);
  const isBehind = viewer.looks && mm > CLOSEST_MM && x * viewer.gazeX + y * viewer.gazeY + z * viewer.gazeZ < IN_VIEW_COSINE * mm;
  return Math.log2(Math.max(mm, CLOSEST_MM) / NEAR_MM) + (isBehind ? BEHIND_OCTAVES : 0) - said - (subject.showsHands ? HANDS_OCTAVES : 0);
}
