/** Writes a pose track as a recording, so that every source can be looked at and replayed in one format. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { createRecordingWriter } from '../../recording/writer.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { sampleTrack, type PoseTrack } from './pose-track.ts';

/** An importer knows one clock only, so the three of an item say the same. */
export async function writeTrack(track: PoseTrack, { writable, clock }: { writable: RecordingWritable; clock: Clock }): Promise<void> {
  const writer = createRecordingWriter({ writable, clock }, { session: 'import', source: track.source });
  const participantId = 'import-0';
  writer.addParticipant({ participantId, slot: 0, name: track.name.slice(-64), consent: { inference: true, recording: true, training: false } });
  const sample = createPoseSample();
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const startMs = clock.nowMs();
  for (const timeMs of track.timesMs) {
    sampleTrack(track, timeMs, sample);
    const atMs = startMs + timeMs;
    sample.captureMs = atMs;
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new CopresenceError(size, `${track.name} at ${timeMs} ms`);
    const item = { kind: 'pose', participantId, slot: 0, bytes: bytes.subarray(0, size), captureDeviceMs: atMs, captureServerMs: atMs, arrivedMs: atMs } as const;
    if (writer.add(item)) continue;
    // The disk is slower than the import, which unlike a session can wait for it.
    await writer.flush();
    writer.add(item);
  }
  await writer.close();
}
