/** The encoded movements of a run: each is made once, however many headsets play it. */
import type { Part } from '../fleet/cast.ts';
import { generateHand } from '../headset/generated-hand.ts';
import type { HandPose } from '../headset/hand-poses.ts';
import { writeScript } from '../headset/script.ts';
import { lastAtOrBefore, trackDurationMs, type PoseTrack } from '../import/pose-track.ts';
import { loopPeriodMs, seatOf, stageTrack } from '../source/stage.ts';
import type { HeadsetPlan } from './plan.ts';
import { encodeLoop, mirrorTrack, type PoseLoop } from './pose-loop.ts';

/** With these a run of any size has at most a few dozen megabytes of poses. */
const MOST_TRACKS = 12;
const SEATS = 4;
const LONGEST_MS = 20_000;

export class LoopLibrary {
  readonly #tracks: readonly PoseTrack[];
  readonly #handPoses: readonly HandPose[];
  readonly #loops = new Map<string, PoseLoop>();

  /** @param parts - at least one. */
  constructor(parts: readonly Part[], handPoses: readonly HandPose[]) {
    this.#tracks = parts.slice(0, MOST_TRACKS).map(({ track }) => cutTrack(track, LONGEST_MS));
    this.#handPoses = handPoses;
  }

  loopFor({ number, poseHz, hands, mirrored }: Pick<HeadsetPlan, 'number' | 'poseHz' | 'hands' | 'mirrored'>): PoseLoop {
    const track = this.partOf(number);
    const seat = Math.floor(number / this.#tracks.length) % SEATS;
    const key = [track, seat, poseHz, hands, mirrored].join(' ');
    const found = this.#loops.get(key);
    if (found !== undefined) return found;
    const loop = this.#encode(this.#tracks[track]!, { seat, poseHz, hands, mirrored });
    this.#loops.set(key, loop);
    return loop;
  }

  /** Which part a headset plays. */
  partOf(number: number): number {
    return number % this.#tracks.length;
  }

  #encode(track: PoseTrack, { seat, poseHz, hands, mirrored }: { seat: number; poseHz: number; hands: boolean; mirrored: boolean }): PoseLoop {
    const script = writeScript({
      staged: stageTrack(mirrored ? mirrorTrack(track) : track, seatOf(seat, SEATS)),
      hands: { left: generateHand(this.#handPoses, { side: 'left', seed: 2 * seat }), right: generateHand(this.#handPoses, { side: 'right', seed: 2 * seat + 1 }) },
      pictures: undefined, chat: undefined,
    });
    const periodMs = loopPeriodMs(track);
    // From the second round on, whose beginning the end of the first fades into.
    return encodeLoop((timeMs, into) => script.poseAt(periodMs + timeMs, into), { rateHz: poseHz, hands, lengthMs: periodMs });
  }
}

/** The beginning of a track. */
function cutTrack(track: PoseTrack, mostMs: number): PoseTrack {
  if (trackDurationMs(track) <= mostMs) return track;
  const count = lastAtOrBefore(track.timesMs, mostMs) + 1;
  return { ...track, timesMs: track.timesMs.slice(0, count), valid: track.valid.slice(0, count), tracked: track.tracked.slice(0, count) };
}
