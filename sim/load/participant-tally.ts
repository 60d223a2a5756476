/** What one virtual headset sent, what came of it with the others, and what it heard: the figures of each participant. */
import type { HeadsetPlan } from './plan.ts';
import { SmallSpread } from './small-spread.ts';

/** Sends of one kind, in what is measured. */
export interface StreamCounts {
  /** Given to the network. */
  sent: number;
  /** More than 5 ms after they were meant to be. */
  late: number;
  /** Left out by the simulator, since a whole period went by. */
  missed: number;
  /** Held back since the link was congested. */
  superseded: number;
  notLive: number;
  /** Of poses and pictures, as encoded. */
  bytes: number;
}

export const STREAM_NAMES = ['pose', 'video', 'chat'] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** One participant, as a report has it. */
export interface ParticipantFigures {
  readonly number: number;
  readonly session: number;
  readonly poseHz: number;
  readonly hands: boolean;
  readonly camera: boolean;
  readonly streams: Readonly<Record<StreamName, StreamCounts>>;
  /** Of its poses, times those who should get them. */
  readonly expected: number;
  readonly delivered: number;
  /** From its capture to the others. */
  readonly poseP50Ms: number;
  readonly poseP99Ms: number;
  /** How old its newest pose is on somebody's display. */
  readonly displayMeanMs: number;
  readonly displayP99Ms: number;
  /** Mean error of its head on that display against its recording's own future: drawn onward by the last two poses, and held. */
  readonly predictionMm: number;
  readonly heldMm: number;
  /** Of what it captured or said, results that somebody in the session was told, and how long they took. */
  readonly results: number;
  readonly resultP50Ms: number;
  readonly resultP99Ms: number;
  /** Poses of others that reached it, and their bytes as they came. */
  readonly heard: number;
  readonly heardBytes: number;
  readonly bytesIn: number;
  readonly linksLost: number;
}

/** Counts for one participant. Who decides what is counted is `LoadMeasure`. @bound about 4 KB. */
export class ParticipantTally {
  readonly streams: Record<StreamName, StreamCounts> = { pose: noSends(), video: noSends(), chat: noSends() };
  readonly poses = new SmallSpread();
  readonly display = new SmallSpread();
  readonly results = new SmallSpread();
  expected = 0;
  heard = 0;
  heardBytes = 0;
  bytesIn = 0;
  linksLost = 0;
  predictions = 0;
  predictionMm = 0;
  heldMm = 0;

  figures({ number, session, poseHz, hands, camera }: HeadsetPlan): ParticipantFigures {
    const { poses, display, results, predictions, expected, heard, heardBytes, bytesIn, linksLost } = this;
    const meanMm = (sum: number): number => (predictions === 0 ? 0 : sum / predictions);
    return {
      number, session, poseHz, hands, camera, streams: this.streams, expected, delivered: poses.count, poseP50Ms: poses.quantileMs(0.5), poseP99Ms: poses.quantileMs(0.99),
      displayMeanMs: display.meanMs, displayP99Ms: display.quantileMs(0.99), predictionMm: meanMm(this.predictionMm), heldMm: meanMm(this.heldMm),
      results: results.count, resultP50Ms: results.quantileMs(0.5), resultP99Ms: results.quantileMs(0.99), heard, heardBytes, bytesIn, linksLost,
    };
  }
}

export function noSends(): StreamCounts {
  return { sent: 0, late: 0, missed: 0, superseded: 0, notLive: 0, bytes: 0 };
}
