/** Where a participant's body is in the picture: from the last picture, or from 2D keypoints. */
import type { BodyPoseValue } from '../../protocol/message/result.ts';
import type { PictureRegion } from '../flow.ts';
import { SILENCE_MS } from './hand-tracks.ts';

export interface BodyTrack {
  readonly region: PictureRegion;
  /** Arrival of the picture that it was found in, server clock. */
  readonly lastMs: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** BlazePose says so itself where there is nobody. */
export const MIN_BODY_PRESENCE = 0.5;
const MIN_KEYPOINT_SCORE = 0.25;
const [LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP] = [5, 6, 11, 12] as const;
/** From the circle about the body to the square's side, as after a detection in MediaPipe's pose_detection_to_roi.pbtxt. */
const SCALE = 1.25;
/** The crown and the toes lie further out than any keypoint. */
const BEYOND_KEYPOINTS = 1.1;

/** Where to look in a picture that arrived at `arrivedMs`; undefined when the body has to be searched for. */
export function trackedBody(track: BodyTrack | undefined, arrivedMs: number): PictureRegion | undefined {
  return track !== undefined && arrivedMs - track.lastMs <= SILENCE_MS ? track.region : undefined;
}

/**
 * The square about a body, from its keypoints: around the middle of the hips, upright along the spine.
 *
 * @returns undefined when shoulders or hips are not seen well enough to tell; the whole picture does then, since such a
 * body is near, or there is none.
 */
export function bodyRegion({ keypoints }: BodyPoseValue, { width, height }: PictureSize): PictureRegion | undefined {
  const score = (joint: number): number => keypoints[joint * 3 + 2] ?? 0;
  const at = (joint: number): { x: number; y: number } => ({ x: (keypoints[joint * 3] ?? 0) * width, y: (keypoints[joint * 3 + 1] ?? 0) * height });
  const torso = [LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP];
  if (torso.some((joint) => score(joint) < MIN_KEYPOINT_SCORE)) return undefined;
  const hips = middle(at(LEFT_HIP), at(RIGHT_HIP));
  const shoulders = middle(at(LEFT_SHOULDER), at(RIGHT_SHOULDER));
  let radius = 0;
  for (let joint = 0; joint * 3 < keypoints.length; joint++) {
    if (score(joint) >= MIN_KEYPOINT_SCORE) radius = Math.max(radius, Math.hypot(at(joint).x - hips.x, at(joint).y - hips.y));
  }
  const side = (2 * SCALE * BEYOND_KEYPOINTS * radius) / Math.max(width, height);
  const angle = Math.atan2(shoulders.x - hips.x, hips.y - shoulders.y);
  return { centreX: hips.x / width, centreY: hips.y / height, side, angle };
}

function middle(one: { x: number; y: number }, other: { x: number; y: number }): { x: number; y: number } {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
