/** What a sample of the layout `track` is, and where one is refused. */
import { CopresenceError } from '../../core/errors.ts';
import { TRACK_WIDTH } from './dataset.ts';
import type { LabelledSample, SampleLayout } from './dataset.ts';

/** What a track is of: its label. */
export const TRACK_PARTS = ['head', 'hand'] as const;
/** Shorter ones have no window. */
export const LEAST_TRACK_POSES = 8;
const UNIT_TOLERANCE = 0.02;

/**
 * Why a sample is no track, or undefined when it is one.
 *
 * @param values - [poses, TRACK_WIDTH]: milliseconds that go up, metres or null where no position was measured, a unit quaternion.
 */
export function trackProblem({ label, values = [] }: Pick<LabelledSample, 'label' | 'values'>): string | undefined {
  if (!TRACK_PARTS.some((part) => part === label)) return `is called ${label}, not ${TRACK_PARTS.join(' or ')}`;
  const poses = values.length / TRACK_WIDTH;
  if (!Number.isInteger(poses)) return `has ${values.length} values, not ${TRACK_WIDTH} a pose`;
  if (poses < LEAST_TRACK_POSES) return `has ${poses} poses, fewer than ${LEAST_TRACK_POSES}`;
  for (let pose = 0, lastMs = -1; pose < poses; pose++) {
    const [timeMs, x, y, z, ...turn] = values.slice(pose * TRACK_WIDTH, (pose + 1) * TRACK_WIDTH);
    if (typeof timeMs !== 'number' || !(timeMs > lastMs)) return `has a pose ${pose} that is not later than the one before it`;
    if (new Set([x === null, y === null, z === null]).size > 1) return `has a part of a position at pose ${pose}`;
    if ([x, y, z].some((value) => value !== null && !Number.isFinite(value))) return `has a position at pose ${pose} that is no number`;
    if (!turn.every((value) => value !== null)) return `has no orientation at pose ${pose}`;
    if (!(Math.abs(Math.hypot(...turn) - 1) <= UNIT_TOLERANCE)) return `has an orientation at pose ${pose} that is no unit quaternion`;
    lastMs = timeMs;
  }
  return undefined;
}

/** @throws CopresenceError CONFIG_INVALID for what is made for samples with labels. */
export function refuseTracks(layout: SampleLayout): asserts layout is Exclude<SampleLayout, { kind: 'track' }> {
  if (layout.kind === 'track') throw new CopresenceError('CONFIG_INVALID', 'a data set of tracks has movements and no labels to tell apart: of all commands inspect, train, tune, cross-validate and optimise take it');
}
