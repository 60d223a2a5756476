/** What a server hands its sessions' streams to: records those who consented, counts the rest, and never waits. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import type { RecordedParticipant, RecordingItem } from './format.ts';
import type { RecordingWritable } from './mcap-output.ts';
import { createRecordingWriter, type RecordingWriterOptions, type RecordingWriterParts } from './writer.ts';

/** What happened to the items of one recording. */
export interface RecordingCounts {
  recorded: number;
  /** The disk is too slow or has failed. */
  shed: number;
  /** No consent to recording is known of the participant. */
  refused: number;
}

/** One recording in progress. Nothing here throws or waits, but for `stop`. */
export interface RecordingSink {
  readonly counts: Readonly<RecordingCounts>;
  /** Takes an item, copying its bytes; without the participant's consent to recording it is refused. */
  record(item: RecordingItem): void;
  /** Notes a participant and their consent, from now on; said again whenever it changes. */
  participant(participant: RecordedParticipant): void;
  /** Resolves when the file is complete. @throws CopresenceError RECORDING_FAILED when a write failed. */
  stop(): Promise<void>;
}

/** A sink that writes to `parts.writable`. */
export function createRecordingSink(parts: RecordingWriterParts, options: RecordingWriterOptions): RecordingSink {
  const writer = createRecordingWriter(parts, options);
  const consenting = new Set<string>();
  const counts: RecordingCounts = { recorded: 0, shed: 0, refused: 0 };
  return {
    counts,
    record(item) {
      if (!consenting.has(item.participantId)) counts.refused++;
      else if (writer.add(item)) counts.recorded++;
      else counts.shed++;
    },
    participant(participant) {
      if (participant.consent.recording) consenting.add(participant.participantId);
      else consenting.delete(participant.participantId);
      if (!writer.addParticipant(participant)) counts.shed++;
    },
    stop: () => writer.close(),
  };
}

/**
 * Makes recordings in a folder, one file each: `<session>-<wall time>.mcap`.
 *
 * @throws CopresenceError RECORDING_FAILED when the file cannot be made.
 */
export function recordIntoFolder(clock: Clock, folder: string): (sessionId: string) => Promise<RecordingSink> {
  return async (session) => {
    const stamp = new Date(clock.wallMs()).toISOString().replace(/[:.]/g, '-');
    const writable = await createFile(join(folder, `${encodeURIComponent(session)}-${stamp}.mcap`));
    return createRecordingSink({ writable, clock }, { session, source: 'measured' });
  };
}

/**
 * A new file to record into; its folder is made when missing, and a file that is there already is kept.
 *
 * @throws CopresenceError RECORDING_FAILED when it exists or cannot be made.
 */
export async function createFile(path: string): Promise<RecordingWritable> {
  try {
    await mkdir(join(path, '..'), { recursive: true });
    const file = await open(path, 'wx');
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
      },
      async close() {
        await file.sync();
        await file.close();
      },
    };
  } catch (error) {
    throw new CopresenceError('RECORDING_FAILED', `cannot make ${path}`, { cause: error });
  }
}
