/** Where a participant's hands were last, and so where to look for them next: pure decisions, no state of its own. */
import { LIMITS } from '../../protocol/limits.ts';
import type { DetectedHand, PictureRegion, StageValue } from '../flow.ts';

export type HandLandmarks = Extract<StageValue, { task: 'hand-landmarks' }>;

export interface HandTracks {
  /** Where the hands of the last picture will be; at most LIMITS.handsPerPicture. */
  readonly regions: readonly PictureRegion[];
  /** Pictures looked at since hands were last searched for in a whole picture. */
  readonly sinceDetection: number;
  /** Arrival of the last picture, server clock. */
  readonly lastMs: number;
}

/** A hand counts from this presence on (MediaPipe's default for tracking). */
export const MIN_PRESENCE = 0.5;
/** After so much silence the hands are somewhere else. */
export const SILENCE_MS = 1000;
/** While fewer hands are tracked than there can be, every so many pictures are searched for the others. */
export const SEARCH_EVERY = 5;
/** Squares whose centres are nearer than this share of the larger side hold the same hand. */
const SAME_HAND_DISTANCE = 0.25;

/** Whether the next picture has to be searched, and where hands are known to be. */
export interface HandPlan {
  readonly detect: boolean;
  readonly regions: readonly PictureRegion[];
}

/** What to do with the next picture of a stream. @param tracks - undefined for its first. */
export function planHands(tracks: HandTracks | undefined, arrivedMs: number): HandPlan {
  if (tracks === undefined || arrivedMs - tracks.lastMs > SILENCE_MS) return { detect: true, regions: [] };
  const { regions, sinceDetection } = tracks;
  if (regions.length === 0) return { detect: true, regions };
  return { detect: regions.length < LIMITS.handsPerPicture && sinceDetection + 1 >= SEARCH_EVERY, regions };
}

/** The regions to look at: the tracked ones first, then detected hands that none of them covers; at most LIMITS.handsPerPicture. */
export function joinRegions(tracked: readonly PictureRegion[], detected: readonly DetectedHand[]): PictureRegion[] {
  const regions = [...tracked];
  for (const { region } of detected) if (!regions.some((other) => isSameHand(region, other))) regions.push(region);
  return regions.slice(0, LIMITS.handsPerPicture);
}

/** The hands that are there, each once; of two on one spot the one that is more likely there. */
export function distinctHands(looks: readonly HandLandmarks[]): HandLandmarks[] {
  const hands: HandLandmarks[] = [];
  const likeliestFirst = [...looks].sort((one, other) => other.presence - one.presence);
  for (const look of likeliestFirst) {
    if (look.presence >= MIN_PRESENCE && !hands.some((hand) => isSameHand(hand.next, look.next))) hands.push(look);
  }
  return hands;
}

/** What is remembered after a picture. */
export function tracksAfter(plan: HandPlan, before: HandTracks | undefined, hands: readonly HandLandmarks[], arrivedMs: number): HandTracks {
  const sinceDetection = plan.detect ? 0 : (before?.sinceDetection ?? 0) + 1;
  return { regions: hands.map(({ next }) => next), sinceDetection, lastMs: arrivedMs };
}

/** Distances are in shares of the picture, so a little too large along its shorter side. */
function isSameHand(one: PictureRegion, other: PictureRegion): boolean {
  const distance = Math.hypot(one.centreX - other.centreX, one.centreY - other.centreY);
  return distance < SAME_HAND_DISTANCE * Math.max(one.side, other.side);
}
