/** How far two versions of a model say the same of one input. */
import type { ModelValue } from '../flow.ts';

/** Points that lie nearer than this share of the picture count as the same place. */
const NEAR = 0.05;
/** A keypoint below this score was not seen. */
const SEEN = 0.3;

/**
 * @returns 0..1: whether the labels are the same, or the share of points that lie in the same place; undefined for values that
 * cannot be compared, such as rows of tensors.
 */
export function agreement(a: ModelValue, b: ModelValue): number | undefined {
  if (a.task === 'gesture' && b.task === 'gesture') return a.label === b.label ? 1 : 0;
  if (a.task === 'dynamic-gesture' && b.task === 'dynamic-gesture') return a.label === b.label ? 1 : 0;
  if (a.task === 'language' && b.task === 'language') {
    const same = [a.sentiment.label === b.sentiment.label, a.intent?.label === b.intent?.label, a.moderation.label === b.moderation.label];
    return same.filter(Boolean).length / same.length;
  }
  if (a.task === 'body-pose' && b.task === 'body-pose') return pointsAgree(a.keypoints, b.keypoints, { stride: 3, scoreAt: 2 });
  if (a.task === 'body-landmarks' && b.task === 'body-landmarks') return (a.presence > 0.5) === (b.presence > 0.5) ? pointsAgree(a.landmarks, b.landmarks, { stride: 4, scoreAt: 3 }) : 0;
  if (a.task === 'hand-landmarks' && b.task === 'hand-landmarks') return a.hand === b.hand && a.presence > 0.5 === b.presence > 0.5 ? pointsAgree(a.landmarks, b.landmarks, { stride: 3 }) : 0;
  if (a.task === 'hand-detection' && b.task === 'hand-detection') return a.hands.length === b.hands.length && a.hands.every(({ region }) => b.hands.some((other) => isNear(region.centreX - other.region.centreX, region.centreY - other.region.centreY))) ? 1 : 0;
  return undefined;
}

/** Of the points that either has seen, the share that both have seen in the same place. */
function pointsAgree(a: readonly number[], b: readonly number[], { stride, scoreAt }: { readonly stride: number; readonly scoreAt?: number }): number {
  let counted = 0;
  let same = 0;
  for (let at = 0; at + 1 < a.length; at += stride) {
    const seenByA = scoreAt === undefined || (a[at + scoreAt] ?? 0) >= SEEN;
    const seenByB = scoreAt === undefined || (b[at + scoreAt] ?? 0) >= SEEN;
    if (!seenByA && !seenByB) continue;
    counted++;
    if (seenByA && seenByB && isNear((a[at] ?? 0) - (b[at] ?? 0), (a[at + 1] ?? 0) - (b[at + 1] ?? 0))) same++;
  }
  return counted === 0 ? 1 : same / counted;
}

function isNear(x: number, y: number): boolean {
  return Math.hypot(x, y) <= NEAR;
}
