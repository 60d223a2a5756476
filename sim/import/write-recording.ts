/** Writes what an importer gives as a recording, so that every source can be looked at and replayed in one format. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { ChunkCompressor } from '../../recording/compression.ts';
import { addOrWait, CHUNK_MS, stillClock } from '../../recording/copy.ts';
import type { RecordedParticipant, RecordingItem, RecordingStart } from '../../recording/format.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { createRecordingWriter } from '../../recording/writer.ts';
import { importedTrack, type Imported } from './imported.ts';
import type { PoseTrack } from './pose-track.ts';

/** What the makers of a data set allowed, as far as a file can say it: whoever has a licence to train says so. */
const CONSENT = { inference: true, recording: true, training: false };

/** An imported pose as an item of a recording, and who it is of. */
export interface ImportedItem {
  readonly item: RecordingItem;
  readonly participant: RecordedParticipant;
}

export interface ImportedItemsOptions {
  /** Where the imported clocks' 0 is, on the server's. */
  readonly serverMs: number;
  /** Takes the place of CONSENT's `training`. */
  readonly training?: boolean;
}

/**
 * Encodes what an importer gives. Participants get their slots in the order in which they come.
 *
 * @throws CopresenceError RECORDING_INVALID for what the importer refuses, and for what cannot be a pose.
 */
export async function* importedItems(imported: Imported, { serverMs, training = false }: ImportedItemsOptions): AsyncGenerator<ImportedItem, void, void> {
  const participants = new Map<string, RecordedParticipant>();
  const moved = createPoseSample();
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const name = imported.name.slice(-LIMITS.nameLength);
  for await (const { participantId, sample, captureDeviceMs, captureServerMs, arrivedMs } of imported.poses()) {
    let participant = participants.get(participantId);
    if (participant === undefined) {
      const slot = participants.size;
      if (slot >= LIMITS.participantsPerSession) throw new CopresenceError('RECORDING_INVALID', `${name} has more than ${LIMITS.participantsPerSession} participants`);
      participant = { participantId, slot, name: slot === 0 ? name : `${name.slice(-55)} ${slot + 1}`, consent: { ...CONSENT, training } };
      participants.set(participantId, participant);
    }
    const clocks = { captureDeviceMs: captureDeviceMs + serverMs, captureServerMs: captureServerMs + serverMs, arrivedMs: arrivedMs + serverMs };
    Object.assign(moved, sample, { captureMs: clocks.captureDeviceMs });
    const size = encodePoseSample(moved, bytes, 0);
    if (typeof size === 'string') throw new CopresenceError('RECORDING_INVALID', `${name} at ${arrivedMs} ms: ${size}`);
    yield { participant, item: { ...clocks, kind: 'pose', participantId, slot: participant.slot, bytes: bytes.slice(0, size) } };
  }
}

export interface WriteImportOptions {
  readonly writable: RecordingWritable;
  /** Where the imported clocks' 0 is. */
  readonly started: RecordingStart;
  readonly compressor?: ChunkCompressor | undefined;
  readonly training?: boolean;
}

/**
 * Writes all poses.
 *
 * @returns how many. What was written before an error is closed and kept.
 * @throws CopresenceError as `importedItems`, and RECORDING_FAILED when it cannot be written.
 */
export async function writeImported(imported: Imported, { writable, started, compressor, training = false }: WriteImportOptions): Promise<number> {
  const writer = createRecordingWriter({ writable, clock: stillClock(started) }, { session: 'import', source: imported.source, started, flushMs: CHUNK_MS, compressor });
  const noted = new Set<string>();
  let written = 0;
  try {
    for await (const { item, participant } of importedItems(imported, { serverMs: started.serverMs, training })) {
      if (!noted.has(item.participantId)) {
        noted.add(item.participantId);
        writer.addParticipant(participant, item.arrivedMs);
      }
      await addOrWait(writer, item);
      written++;
    }
  } catch (error) {
    await writer.close();
    throw error;
  }
  await writer.close();
  return written;
}

/** An importer knows one clock only, so the three of an item say the same. */
export async function writeTrack(track: PoseTrack, { writable, clock }: { writable: RecordingWritable; clock: Clock }): Promise<void> {
  await writeImported(importedTrack(track), { writable, started: { wallMs: clock.wallMs(), serverMs: clock.nowMs() } });
}
