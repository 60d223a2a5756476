/** What a load test does, as a typed file: phases, headsets, sessions, faults and thresholds, each with a default. */
import { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { MAX_SENDERS } from './marker.ts';
import { thresholdText, thresholdName } from './thresholds.ts';

/** Bounds what a plan may hold. */
const MOST_SECONDS = 24 * 3600;
const MOST_PHASES = 100;
const MOST_FAULTS = 200;

const headsetCount = z.number().int().min(0).max(MAX_SENDERS - 1);
const seconds = z.number().positive().max(MOST_SECONDS);
const share = z.number().min(0).max(1);
const moment = z.number().min(0).max(MOST_SECONDS);

/** How many headsets there are, over time. One phase follows the other. */
export const phase = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), headsets: headsetCount, forS: seconds }),
  /** From as many as there are, or `from`, evenly to `to`. */
  z.strictObject({ kind: z.literal('ramp'), from: headsetCount.optional(), to: headsetCount, forS: seconds }),
  /** `step` more (or fewer) each `everyS`, until there are `to`. */
  z.strictObject({ kind: z.literal('steps'), from: headsetCount, to: headsetCount, step: headsetCount.min(1), everyS: seconds }),
  /** From `base` to `peak` at once, for `peakS`, and back for the rest of `forS`. */
  z.strictObject({ kind: z.literal('spike'), base: headsetCount, peak: headsetCount, peakS: seconds, forS: seconds }),
  /** Constant, with `leavesPerMinute` of everybody replaced in a minute. */
  z.strictObject({ kind: z.literal('soak'), headsets: headsetCount, forS: seconds, leavesPerMinute: share.default(0.1) }),
]);
export type Phase = z.infer<typeof phase>;

/** What a bad network does. Loss and reordering are real where order is not kept; a stream socket is late instead. */
export const network = z.strictObject({
  delayMs: z.number().min(0).max(10_000).default(0),
  jitterMs: z.number().min(0).max(10_000).default(0),
  /** Of the packets. */
  loss: share.default(0),
  /** Of the packets, those that come a jitter late without holding up the others. */
  reorder: share.default(0),
  kilobitsPerS: z.number().min(1).max(10_000_000).optional(),
});
export type Network = z.infer<typeof network>;

/** What goes wrong, and for whom: a share of those who are live, drawn anew each time. */
export const fault = z.discriminatedUnion('kind', [
  /** Links break all at once; each headset is back after `backS`, or as its backoff says. */
  z.strictObject({ kind: z.literal('reconnect-storm'), atS: moment, share, backS: z.number().min(0).max(60).optional() }),
  z.strictObject({ kind: z.literal('slow-readers'), atS: moment, forS: seconds, share }),
  z.strictObject({ kind: z.literal('half-open'), atS: moment, forS: seconds, share }),
  z.strictObject({ kind: z.literal('network'), atS: moment, forS: seconds, share, ...network.shape }),
]);
export type Fault = z.infer<typeof fault>;

const rateHz = z.number().int().min(1).max(LIMITS.poseHz);
const weighted = <Value extends z.ZodType>(of: Value): z.ZodArray<z.ZodObject<{ value: Value; weight: z.ZodNumber }>> =>
  z.array(z.strictObject({ value: of, weight: z.number().positive().max(1000) })).min(1).max(20);

/** What each headset sends. */
export const headset = z.strictObject({
  /** `light` encodes by patching bytes and reads what is measured; `sdk` is the client SDK as applications use it. */
  kind: z.enum(['light', 'sdk']).default('light'),
  /** Whether light headsets read snapshots that tell differences, as the SDK's do. The server then sends whoever is far away less often. */
  deltas: z.boolean().default(false),
  /** Poses a second: one rate, or a mix. */
  poseHz: z.union([rateHz, weighted(rateHz)]).default(72),
  /** Of the headsets, those that send 25 joints of each hand beside the controllers. */
  hands: share.default(0),
  /** Of the headsets, those with a camera. */
  cameras: share.default(0),
  videoHz: z.number().min(0.1).max(LIMITS.videoHz).default(10),
  /** Lines of chat, each numbered and followed to everybody. */
  chatPerMinute: z.number().min(0).max(240).default(6),
  /** How far a capture lies from its place on the grid, either way, at most. */
  jitterMs: z.number().min(0).max(50).default(0.5),
  /** Of the headsets, those that play their recording in a mirror. */
  mirrored: share.default(0.5),
});
export type HeadsetMix = z.infer<typeof headset>;

export const profile = z.strictObject({
  name: z.string().min(1).max(64).default('load'),
  target: z.enum(['copresence', 'socket.io-relay', 'colyseus']).default('copresence'),
  transport: z.enum(['ws', 'socket.io', 'rtc']).default('ws'),
  seed: z.number().int().min(0).max(2 ** 31).default(1),
  /** Left out of what is measured. */
  warmUpS: z.number().min(0).max(600).default(3),
  phases: z.array(phase).min(1).max(MOST_PHASES),
  headset: headset.prefault({}),
  /** Sizes of sessions: one, or a mix. */
  sessionSize: z.union([z.number().int().min(1).max(LIMITS.participantsPerSession), weighted(z.number().int().min(1).max(LIMITS.participantsPerSession))]).default(10),
  /** At most so many come in a second, however steep the phase. */
  joinsPerS: z.number().min(1).max(5000).default(200),
  /** Of the headsets, from the start. */
  network: network.optional(),
  faults: z.array(fault).max(MOST_FAULTS).default([]),
  thresholds: z.record(thresholdName, thresholdText).default({}),
});
export type Profile = z.infer<typeof profile>;
/** As somebody writes it, with defaults left out. */
export type ProfileInput = z.input<typeof profile>;

/** How long the phases take together. */
export function profileSeconds({ phases }: Pick<Profile, 'phases'>): number {
  return phases.reduce((sum, of) => sum + phaseSeconds(of), 0);
}

export function phaseSeconds(of: Phase): number {
  return of.kind === 'steps' ? (Math.ceil(Math.abs(of.to - of.from) / of.step) + 1) * of.everyS : of.forS;
}
