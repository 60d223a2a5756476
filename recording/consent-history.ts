/** Who allowed what, and when: read from the metadata records of a recording. */
import { PARTICIPANT_RECORD, type RecordedParticipant } from './format.ts';
import type { MetadataEntry } from './file-map.ts';

/** A participant as they were noted, from a moment on. */
export interface NotedParticipant extends RecordedParticipant {
  /** On the server's clock. */
  readonly atMs: number;
  /** The byte of the file. */
  readonly offset: number;
}

/** An item may have arrived this long before the agreement that it is recorded by was noted: both can come in one turn. */
const GRACE_MS = 1000;

/** Everything noted, in the order of time. */
export function readHistory(metadata: readonly MetadataEntry[]): NotedParticipant[] {
  return metadata
    .filter(({ name }) => name === PARTICIPANT_RECORD)
    .map(({ values, offset }) => ({
      participantId: values.get('participantId') ?? '',
      slot: Number(values.get('slot')),
      name: values.get('name') ?? '',
      atMs: Number(values.get('atServerMs')),
      consent: { inference: values.get('inference') === 'true', recording: values.get('recording') === 'true', training: values.get('training') === 'true' },
      offset,
    }))
    .sort((a, b) => a.atMs - b.atMs || a.offset - b.offset);
}

export function historyByParticipant(history: readonly NotedParticipant[]): Map<string, NotedParticipant[]> {
  const by = new Map<string, NotedParticipant[]>();
  for (const noted of history) by.set(noted.participantId, [...(by.get(noted.participantId) ?? []), noted]);
  return by;
}

/** Whether somebody allowed an item to be recorded. @param history - theirs alone, in the order of time. */
export function allowedAt(history: readonly NotedParticipant[], arrivedMs: number): boolean {
  const next = history.findIndex(({ atMs }) => atMs > arrivedMs);
  const current = history[(next === -1 ? history.length : next) - 1];
  if (current?.consent.recording === true || current?.atMs === arrivedMs) return true;
  return history.some(({ atMs, consent }) => consent.recording && atMs > arrivedMs && atMs - arrivedMs <= GRACE_MS);
}
