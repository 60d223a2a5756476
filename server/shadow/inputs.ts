/** Takes out of a recording what a model would have been asked, of participants who allow inference. */
import { CopresenceError } from '../../core/errors.ts';
import type { ModelTask } from '../../core/tasks.ts';
import { HAND_BYTES } from '../../protocol/codec/hand.ts';
import { checkPoseSample, handOffset } from '../../protocol/codec/pose-sample.ts';
import { decodeVideoChunk } from '../../protocol/codec/video-chunk.ts';
import { historyByParticipant, type NotedParticipant } from '../../recording/consent-history.ts';
import type { RecordedKind, RecordingItem } from '../../recording/format.ts';
import type { Recording } from '../../recording/reader.ts';
import type { TaskItem } from '../model/task/adapter.ts';
import { HandMovement } from '../session/hand-movement.ts';

/** The kind of recorded item that a task's models are asked about. Those that look at a part of a picture need another model before them. */
const KINDS: Readonly<Partial<Record<ModelTask, RecordedKind>>> = { gesture: 'pose', 'dynamic-gesture': 'pose', language: 'chat', 'body-pose': 'video', 'hand-detection': 'video' };
const SIDES = ['left', 'right'] as const;
/** Where a pose sample says which of its parts are there. */
const VALID_AT = 4;

export interface InputOptions {
  readonly task: ModelTask;
  /** Of each stream at most so many a second: frames next to each other are nearly the same. */
  readonly rateHz: number;
}

/**
 * Inputs in the order of their arrival.
 *
 * Whoever's last word is against inference gives none; of others, what they sent while they were against it is left out.
 *
 * @throws CopresenceError CONFIG_INVALID for a task whose inputs are not recorded, RECORDING_INVALID for a damaged recording.
 */
export async function* inputsOf(recording: Recording, { task, rateHz }: InputOptions): AsyncGenerator<TaskItem, void, void> {
  const kind = KINDS[task];
  if (kind === undefined) throw new CopresenceError('CONFIG_INVALID', `a recording does not hold what models for ${task} are asked; it does for ${Object.keys(KINDS).join(', ')}`);
  const consents = historyByParticipant(recording.history);
  const lastMs = new Map<string, number>();
  const movements = new Map<string, HandMovement>();
  for await (const item of recording.items({ kinds: new Set([kind]) })) {
    if (!allowsInference(consents.get(item.participantId) ?? [], item.arrivedMs)) continue;
    for (const input of task === 'dynamic-gesture' ? windowsOf(item, movements) : toInputs(item)) {
      const stream = `${item.participantId} ${input.part}`;
      // Every line of chat is another text.
      if (kind !== 'chat' && item.arrivedMs - (lastMs.get(stream) ?? -Infinity) < 1000 / rateHz) continue;
      lastMs.set(stream, item.arrivedMs);
      yield input;
    }
  }
}

/** @param history - of one participant, in the order of time. */
function allowsInference(history: readonly NotedParticipant[], arrivedMs: number): boolean {
  const then = history.findLast(({ atMs }) => atMs <= arrivedMs) ?? history[0];
  return then?.consent.inference === true && history.at(-1)?.consent.inference === true;
}

/** The windows of movements that are due with a pose. @param movements - by participant and side, each kept from pose to pose. */
function windowsOf({ bytes, participantId, captureServerMs }: RecordingItem, movements: Map<string, HandMovement>): TaskItem[] {
  if (typeof checkPoseSample(bytes, 0) !== 'number') return [];
  return SIDES.flatMap((part) => {
    const key = `${part} ${participantId}`;
    const movement = movements.get(key) ?? new HandMovement();
    movements.set(key, movement);
    const payload = movement.look(bytes, part, captureServerMs);
    return payload === undefined ? [] : [{ payload, encoding: 'task', part }];
  });
}

function toInputs({ kind, bytes, captureServerMs }: RecordingItem): TaskItem[] {
  if (kind === 'chat') return [{ payload: bytes, encoding: 'task', part: '' }];
  if (kind === 'video') {
    const chunk = decodeVideoChunk(bytes, captureServerMs);
    return typeof chunk === 'string' || chunk.codec !== 'jpeg' ? [] : [{ payload: chunk.bytes, encoding: 'task', part: 'camera' }];
  }
  if (typeof checkPoseSample(bytes, 0) !== 'number') return [];
  return SIDES.flatMap((part) => {
    const offset = handOffset(bytes[VALID_AT] ?? 0, part);
    return offset === undefined ? [] : [{ payload: bytes.subarray(offset, offset + HAND_BYTES), encoding: 'task', part }];
  });
}
