/** Takes labelled hands out of a recording, of participants who allow training only. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import { createPoseSample, decodePoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { Recording } from '../../recording/reader.ts';
import { writeWhole } from '../run/folder.ts';
import { labelName } from './dataset.ts';
import type { LabelledSample } from './dataset.ts';
import type { Collected } from './sources.ts';

/** One line of a label file: what a hand does in an interval. Times in milliseconds since the recording's first item. */
const labelInterval = z.strictObject({
  participant: z.string().min(1).max(200), hand: z.enum(['left', 'right']), fromMs: z.number().min(0), toMs: z.number(), label: labelName,
}).refine(({ fromMs, toMs }) => toMs > fromMs, { path: ['toMs'], error: 'is not after fromMs' });
export type LabelInterval = z.infer<typeof labelInterval>;

/** @throws CopresenceError CONFIG_INVALID for an interval that ends before it begins, or an impossible label. */
export function appendLabel(file: string, interval: unknown): LabelInterval {
  const parsed = labelInterval.safeParse(interval);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', z.prettifyError(parsed.error));
  appendFileSync(file, `${JSON.stringify(parsed.data)}\n`);
  return parsed.data;
}

/**
 * Takes one line out of a label file, written aside and renamed.
 *
 * @returns whether there was one that is equal.
 * @throws CopresenceError CONFIG_INVALID for what is no interval, DATASET_INVALID with the line of a file that is none.
 */
export function removeLabel(file: string, interval: unknown): boolean {
  const parsed = labelInterval.safeParse(interval);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', z.prettifyError(parsed.error));
  const labels = readLabels(file);
  const wanted = JSON.stringify(parsed.data);
  const at = labels.findIndex((own) => JSON.stringify(own) === wanted);
  if (at < 0) return false;
  writeWhole(file, labels.toSpliced(at, 1).map((own) => `${JSON.stringify(own)}\n`).join(''));
  return true;
}

/** Those of a file, none where it is missing. @throws CopresenceError DATASET_INVALID with the line. */
export function readLabels(file: string): LabelInterval[] {
  return existsSync(file) ? parseLabels(readFileSync(file, 'utf8'), file) : [];
}

/** @throws CopresenceError DATASET_INVALID with the line. */
export function parseLabels(text: string, file: string): LabelInterval[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [labelInterval.parse(JSON.parse(line))];
    } catch (cause) {
      throw new CopresenceError('DATASET_INVALID', `${file}:${index + 1}: no label interval`, { cause });
    }
  });
}

/** Static samples of one interval are so far apart: frames next to each other are nearly the same hand. */
const STATIC_GAP_MS = 100;

interface HandFrame {
  readonly atMs: number;
  readonly values: number[];
}

/**
 * With one step, a sample every 100 ms of an interval; with more, an interval is one sample of so many frames, evenly taken.
 *
 * Whoever's last word is against training gives nothing; of others, what they sent while they were against it is left out.
 */
export async function readLabelledHands(recording: Recording, labels: readonly LabelInterval[], steps: number): Promise<Collected> {
  const { wanted, notes } = allowedLabels(recording, labels);
  const frames = await framesOf(recording, wanted);
  const samples = wanted.flatMap((interval, index): LabelledSample[] => {
    const own = frames[index] ?? [];
    const taken = steps === 1 ? apart(own).map((frame) => frame.values) : own.length < steps ? [] : [evenly(own, steps)];
    return taken.map((values, at) => ({ id: `${index}-${interval.participant}-${at}`.slice(0, 200), participant: interval.participant, label: interval.label, handedness: interval.hand, group: `${interval.hand} hand`, values }));
  });
  return { layout: { kind: 'hand' }, steps, samples, notes };
}

/** The intervals of those whose last word allows training, and how many others there were. */
export function allowedLabels(recording: Recording, labels: readonly LabelInterval[]): { readonly wanted: readonly LabelInterval[]; readonly notes: readonly string[] } {
  const allowed = new Set(recording.info.participants.filter(({ consent }) => consent.training).map(({ participantId }) => participantId));
  const wanted = labels.filter(({ participant }) => allowed.has(participant));
  return { wanted, notes: [`${labels.length - wanted.length} of ${labels.length} intervals left out: their participants are unknown or do not allow training`] };
}

/** A pose sample of a recording; its bytes are as on the wire. Times in milliseconds since the recording's first item, and on the server's clock. */
interface RecordedPose {
  readonly participantId: string;
  readonly atMs: number;
  readonly captureServerMs: number;
  readonly bytes: Uint8Array;
}

/** The poses of a recording, without those that were sent while their sender was against training. */
export async function* allowedPoses(recording: Recording): AsyncGenerator<RecordedPose, void, void> {
  const against = new Set<string>();
  let startMs: number | undefined;
  for await (const { kind, participantId, captureServerMs, bytes } of recording.items()) {
    startMs ??= captureServerMs;
    if (kind === 'consent') {
      if ((JSON.parse(new TextDecoder().decode(bytes)) as { training?: boolean }).training === true) against.delete(participantId);
      else against.add(participantId);
    }
    if (kind === 'pose' && !against.has(participantId)) yield { participantId, atMs: captureServerMs - startMs, captureServerMs, bytes };
  }
}

async function framesOf(recording: Recording, wanted: readonly LabelInterval[]): Promise<HandFrame[][]> {
  const frames: HandFrame[][] = wanted.map(() => []);
  const pose = createPoseSample();
  for await (const { participantId, atMs, captureServerMs, bytes } of allowedPoses(recording)) {
    const places = wanted.flatMap((own, index) => (own.participant === participantId && atMs >= own.fromMs && atMs < own.toMs ? [index] : []));
    if (places.length === 0 || typeof decodePoseSample(bytes, 0, captureServerMs, pose) !== 'number') continue;
    for (const index of places) {
      const hand = wanted[index]?.hand === 'left' ? 'leftHand' : 'rightHand';
      if ((pose.valid & PART_BITS[hand]) !== 0) frames[index]?.push({ atMs, values: positionsOf(pose.hands, hand === 'leftHand' ? 0 : 1) });
    }
  }
  return frames;
}

/** Position and orientation of a joint are seven floats; models see positions. */
export function positionsOf(hands: Float32Array, side: number): number[] {
  const start = side * XR_HAND_JOINT_COUNT * 7;
  return Array.from({ length: XR_HAND_JOINT_COUNT * 3 }, (_, at) => hands[start + Math.floor(at / 3) * 7 + (at % 3)] ?? 0);
}

function apart(frames: readonly HandFrame[]): HandFrame[] {
  let lastMs = Number.NEGATIVE_INFINITY;
  return frames.filter(({ atMs }) => {
    if (atMs - lastMs < STATIC_GAP_MS) return false;
    lastMs = atMs;
    return true;
  });
}

function evenly(frames: readonly HandFrame[], steps: number): number[] {
  return Array.from({ length: steps }, (_, step) => frames[Math.round((step * (frames.length - 1)) / (steps - 1))]?.values ?? []).flat();
}
