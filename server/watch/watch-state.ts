/** What the watch over models knows, as a file: whoever starts the server again goes on where it stood. Counts and figures only, no person. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TROUBLES } from './judge.ts';

const FORMAT = 'copresence.watch.v1';
/** Versions in service at once, bins of one of them, and labels: more are left out, or not read. */
const MAX_VERSIONS = 64;
const MAX_BINS = 100_000;
const MAX_LABELS = 1000;
const MAX_ALERTS = 512;

const count = z.int().min(0);
const counts = z.array(count).max(MAX_BINS);
const byLabel = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value).refine((labels) => Object.keys(labels).length <= MAX_LABELS, 'are too many');
const name = z.string().min(1).max(200);

export const keptLooks = z.strictObject({ ageMs: z.number().min(0), samples: count, people: count, columns: counts, confidence: counts, labels: byLabel(count) });
export type KeptLooks = z.infer<typeof keptLooks>;

export const keptOutcomes = z.strictObject({ ageMs: z.number().min(0), answered: count, failed: count, late: count, latency: counts });
export type KeptOutcomes = z.infer<typeof keptOutcomes>;

const finding = z.strictObject({
  trouble: z.enum(TROUBLES), level: z.enum(['unknown', 'none', 'small', 'large']), value: z.number(), distance: z.number().exactOptional(), shifted: count.exactOptional(),
  worst: z.array(z.strictObject({ name: z.string(), value: z.number() })).exactOptional(),
});
const view = z.strictObject({
  model: name, version: name, against: z.enum(['training', 'first-window', 'none']), samples: count, people: count, answered: count,
  latencyMs: z.strictObject({ median: z.number().exactOptional(), p99: z.number().exactOptional() }), findings: z.array(finding).length(TROUBLES.length),
});

/** One version in service. */
const keptVersion = z.strictObject({
  key: name, view, looks: keptLooks, outcomes: keptOutcomes,
  /** What it said in its first window, where training has left nothing. */
  learnt: z.strictObject({ samples: count, participants: count, confidence: z.array(z.number()).max(MAX_BINS), labels: byLabel(z.number()) }).exactOptional(),
  streaks: z.array(z.strictObject({ trouble: z.enum(TROUBLES), large: count, none: count })).max(TROUBLES.length),
});
export type KeptVersion = z.infer<typeof keptVersion>;

const alert = z.strictObject({
  kind: name, model: name, version: name, state: z.enum(['raised', 'cleared']), sinceMs: z.number(), clearedMs: z.number().exactOptional(), facts: z.record(z.string(), z.unknown()), reason: z.string().exactOptional(),
});

export const watchState = z.strictObject({
  /** Unix time, milliseconds. */
  savedMs: z.number(),
  versions: z.array(keptVersion).max(MAX_VERSIONS),
  alerts: z.array(alert).max(MAX_ALERTS),
});
export type WatchState = z.infer<typeof watchState>;

const file = z.strictObject({ format: z.literal(FORMAT), sha256: z.string(), state: z.unknown() });

export function encodeWatchState({ savedMs, versions, alerts }: WatchState): string {
  const state = { savedMs, versions: versions.slice(0, MAX_VERSIONS), alerts: alerts.slice(0, MAX_ALERTS) };
  return `${JSON.stringify({ format: FORMAT, sha256: digest(state), state })}\n`;
}

/** @returns why it cannot be used, where it is cut off, changed, or of another program. */
export function decodeWatchState(text: string): WatchState | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON, or cut off';
  }
  const outer = file.safeParse(value);
  if (!outer.success) return `it is not of the format ${FORMAT}`;
  if (digest(outer.data.state) !== outer.data.sha256) return 'it differs from its digest';
  const inner = watchState.safeParse(outer.data.state);
  return inner.success ? inner.data : z.prettifyError(inner.error);
}

function digest(state: unknown): string {
  return createHash('sha256').update(JSON.stringify(state)).digest('hex');
}
