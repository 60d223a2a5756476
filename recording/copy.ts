/** Writes a recording again: all of it, a stretch of time, some participants or some kinds, with what each allowed. */
import { decodeDown, encodeDown } from '../protocol/codec/control.ts';
import { framedPayload } from '../protocol/codec/container.ts';
import { writeCaptureMs } from '../protocol/codec/pose-sample.ts';
import type { Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import type { ChunkCompressor } from './compression.ts';
import type { NotedParticipant } from './consent-history.ts';
import type { RecordingItem, RecordingStart } from './format.ts';
import type { RecordingWritable } from './mcap-output.ts';
import type { ItemFilter, Recording } from './reader.ts';
import { createRecordingWriter, type RecordingWriter } from './writer.ts';

export interface CopyOptions extends ItemFilter {
  /** Moves every clock, so that the first moment is 0; the wall time stays. */
  readonly rebase?: boolean;
  readonly compressor?: ChunkCompressor | undefined;
}

/** What is written again cannot be lost by a crash any more, and longer chunks are smaller. */
export const CHUNK_MS = 2000;

/**
 * Copies what the filter wants, in the order of arrival.
 *
 * Whoever is in the copy is noted as they were at its beginning, and again with each change. Consent is never left out.
 *
 * @returns how many items were written.
 * @throws CopresenceError RECORDING_INVALID for a damaged source, RECORDING_FAILED when it cannot be written.
 */
export async function copyRecording(recording: Recording, writable: RecordingWritable, options: CopyOptions = {}): Promise<number> {
  const { info } = recording;
  const fromMs = options.fromMs ?? Math.min(info.firstMs, info.startedServerMs);
  const shiftMs = options.rebase === true ? -fromMs : 0;
  const epochMs = info.startedWallMs - info.startedServerMs;
  const started: RecordingStart = { serverMs: fromMs + shiftMs, wallMs: fromMs + epochMs };
  const writer = createRecordingWriter({ writable, clock: stillClock(started) }, { session: info.session, source: info.source, started, flushMs: CHUNK_MS, compressor: options.compressor });
  const notes = new Notes(writer, wantedHistory(recording, options), shiftMs);
  let copied = 0;
  try {
    await notes.begin(fromMs);
    for await (const item of recording.items(options)) {
      if (item.kind === 'consent') continue;
      await notes.upTo(item.arrivedMs);
      await addOrWait(writer, shiftMs === 0 ? item : shifted(item, shiftMs));
      copied++;
    }
    await notes.upTo(options.toMs ?? Infinity);
  } catch (error) {
    // What was read before the damage is kept.
    await writer.close();
    throw error;
  }
  await writer.close();
  return copied;
}

/** Adds an item, and waits for the disk where a session would give the item up. @throws CopresenceError RECORDING_FAILED. */
export async function addOrWait(writer: RecordingWriter, item: RecordingItem): Promise<void> {
  if (writer.add(item)) return;
  await writer.flush();
  if (!writer.add(item)) throw new CopresenceError('RECORDING_FAILED', 'the disk takes nothing more');
}

/** For programs that write what has happened long ago: its time stands still, and items alone close the chunks. */
export function stillClock({ wallMs, serverMs }: RecordingStart): Clock {
  return { nowMs: () => serverMs, wallMs: () => wallMs, schedule: () => ({ cancel: () => undefined }), defer: () => undefined };
}

function wantedHistory({ history }: Recording, { participants }: ItemFilter): NotedParticipant[] {
  return history.filter(({ participantId }) => participants?.has(participantId) ?? true);
}

/** Puts what was noted of participants between the items, where it belongs. */
class Notes {
  readonly #writer: RecordingWriter;
  readonly #history: readonly NotedParticipant[];
  readonly #shiftMs: number;
  #next = 0;

  constructor(writer: RecordingWriter, history: readonly NotedParticipant[], shiftMs: number) {
    this.#writer = writer;
    this.#history = history;
    this.#shiftMs = shiftMs;
  }

  /** The last word of everybody before the beginning. */
  async begin(fromMs: number): Promise<void> {
    const last = new Map<string, NotedParticipant>();
    for (; (this.#history[this.#next]?.atMs ?? Infinity) <= fromMs; this.#next++) {
      const noted = this.#history[this.#next] as NotedParticipant;
      last.set(noted.participantId, noted);
    }
    for (const noted of last.values()) await this.#note(noted, fromMs);
  }

  async upTo(atMs: number): Promise<void> {
    for (let noted = this.#history[this.#next]; noted !== undefined && noted.atMs <= atMs; noted = this.#history[++this.#next]) await this.#note(noted, noted.atMs);
  }

  async #note(noted: NotedParticipant, atMs: number): Promise<void> {
    const { participantId, slot, name, consent } = noted;
    const participant = { participantId, slot, name, consent };
    if (this.#writer.addParticipant(participant, atMs + this.#shiftMs)) return;
    await this.#writer.flush();
    if (!this.#writer.addParticipant(participant, atMs + this.#shiftMs)) throw new CopresenceError('RECORDING_FAILED', 'the disk takes nothing more');
  }
}

/** An item at another time, on all of its clocks and in its payload. */
function shifted(item: RecordingItem, shiftMs: number): RecordingItem {
  const captureDeviceMs = item.captureDeviceMs + shiftMs;
  return {
    ...item, captureDeviceMs, captureServerMs: item.captureServerMs + shiftMs, arrivedMs: item.arrivedMs + shiftMs,
    bytes: shiftedPayload(item, captureDeviceMs, shiftMs),
  };
}

/** Poses and pictures begin with their capture on the device's clock, results have it on the server's. */
function shiftedPayload({ kind, bytes }: RecordingItem, captureDeviceMs: number, shiftMs: number): Uint8Array {
  if (kind === 'pose' || kind === 'video') {
    const moved = new Uint8Array(bytes);
    if (moved.length >= 4) writeCaptureMs(moved, 0, captureDeviceMs);
    return moved;
  }
  if (kind !== 'result') return bytes;
  const decoded = decodeDown(bytes);
  if (decoded.kind !== 'message' || decoded.message.type !== 'result') return bytes;
  return framedPayload(encodeDown({ ...decoded.message, captureMs: decoded.message.captureMs + shiftMs }));
}
