/**
 * Decides how a rollout goes on: a pure function of what was seen of the two versions.
 *
 * A new version is first looked at in the shadow (its answers are compared and shown to nobody), then answers for a
 * growing share of the sessions. It is taken back when its figures show, with 99 % confidence, that it fails, comes late or
 * disagrees more than it may, so that a few unlucky requests change nothing; it goes on when enough was seen and nothing
 * speaks against it.
 */

/** What was seen of one version since the step began. */
export interface VersionFigures {
  /** Requests that were answered, in time or not. */
  readonly answered: number;
  /** Those that it failed on, or that no device could run. */
  readonly failed: number;
  /** Those that expired. */
  readonly late: number;
}

export interface RolloutFigures {
  readonly canary: VersionFigures;
  readonly current: VersionFigures;
  /** Requests that both versions have answered, and the sum over them of how far they agree, 0..1 each. */
  readonly compared: number;
  readonly agreed: number;
}

export interface RolloutRules {
  /** Shares of sessions, in percent and rising; 0 is the shadow. The last is followed by promotion. */
  readonly steps: readonly number[];
  /** A step lasts at least so long. */
  readonly holdMs: number;
  /** A step in which so long nothing could be decided ends the rollout: a version that nobody has tried is not promoted. */
  readonly giveUpMs: number;
  /** A step is not left before so many requests were answered by the new version, or in the shadow compared. */
  readonly minSamples: number;
  /** How much more of its requests may fail than of the current version's, as a share of all. */
  readonly maxMoreFailed: number;
  /** The same of requests that come late. */
  readonly maxMoreLate: number;
  /** The least mean agreement with the current version, 0..1. */
  readonly minAgreement: number;
  /** So long after its promotion a version is taken back when it is seen to fail. */
  readonly guardMs: number;
}

export type RollbackReason = 'failures' | 'lateness' | 'disagreement' | 'too-little-traffic';

export type RolloutDecision =
  | { readonly kind: 'wait' }
  | { readonly kind: 'advance'; readonly step: number }
  | { readonly kind: 'promote' }
  | { readonly kind: 'roll-back'; readonly reason: RollbackReason };

/** Of the standard normal distribution, one-sided 99 %. */
const Z = 2.326;

/** @param step - index into `rules.steps`. @param elapsedMs - since the step began. */
export function planRollout(figures: RolloutFigures, rules: RolloutRules, step: number, elapsedMs: number): RolloutDecision {
  const { canary, current, compared, agreed } = figures;
  const reason = whatSpeaksAgainst(figures, rules);
  if (reason !== undefined) return { kind: 'roll-back', reason };
  const share = rules.steps[step] ?? 100;
  const samples = share === 0 ? compared : canary.answered + canary.failed + canary.late;
  const isEnough = samples >= rules.minSamples && elapsedMs >= rules.holdMs;
  const isGoodEnough =
    shareOf(canary.failed, totalOf(canary)) - shareOf(current.failed, totalOf(current)) <= rules.maxMoreFailed &&
    shareOf(canary.late, totalOf(canary)) - shareOf(current.late, totalOf(current)) <= rules.maxMoreLate &&
    (compared === 0 || agreed / compared >= rules.minAgreement);
  if (isEnough && isGoodEnough) return step + 1 < rules.steps.length ? { kind: 'advance', step: step + 1 } : { kind: 'promote' };
  return elapsedMs >= rules.giveUpMs ? { kind: 'roll-back', reason: 'too-little-traffic' } : { kind: 'wait' };
}

function whatSpeaksAgainst({ canary, current, compared, agreed }: RolloutFigures, rules: RolloutRules): RollbackReason | undefined {
  const total = totalOf(canary);
  const currentTotal = totalOf(current);
  // The current version's own share counts at its highest, so that a bad moment of the machine is nobody's fault.
  if (lowest(canary.failed, total) > highestOrNone(current.failed, currentTotal) + rules.maxMoreFailed) return 'failures';
  if (lowest(canary.late, total) > highestOrNone(current.late, currentTotal) + rules.maxMoreLate) return 'lateness';
  if (compared > 0 && wilson(agreed / compared, compared, Z) < rules.minAgreement) return 'disagreement';
  return undefined;
}

function totalOf({ answered, failed, late }: VersionFigures): number {
  return answered + failed + late;
}

function shareOf(count: number, total: number): number {
  return total === 0 ? 0 : count / total;
}

/** What the share is at least. */
function lowest(count: number, total: number): number {
  return total === 0 ? 0 : wilson(count / total, total, -Z);
}

/** What the share is at most; nothing is held in favour of the new version by a current one that had nothing to do. */
function highestOrNone(count: number, total: number): number {
  return total === 0 ? 0 : wilson(count / total, total, Z);
}

/** A bound of Wilson's score interval (Wilson 1927) for a share that was seen in `total` samples. @param z - negative for the lower bound. */
export function wilson(share: number, total: number, z: number): number {
  const centre = share + (z * z) / (2 * total);
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return (centre + spread) / (1 + (z * z) / total);
}
