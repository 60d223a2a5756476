/** What every importer gives: poses with their clocks, one after the other, so that a long file needs no more memory than a short one. */
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import type { ItemClocks, RecordingSource } from '../../recording/format.ts';
import { sampleTrack, type PoseTrack } from './pose-track.ts';

export interface ImportedPose extends ItemClocks {
  readonly participantId: string;
  /** `captureMs` is not used. Read only, valid until the next one is asked for. */
  readonly sample: PoseSample;
}

export interface Imported {
  /** What the participants are called; the part of a path that says most. */
  readonly name: string;
  readonly source: RecordingSource;
  /** What whoever imports it should know. */
  readonly notes: readonly string[];
  /** In the order of arrival. @throws CopresenceError RECORDING_INVALID with the place. */
  poses(): AsyncGenerator<ImportedPose, void, void>;
}

/** Of a format with one participant and one clock. */
export const ONLY_PARTICIPANT = 'import-0';

/** The three clocks of a format that has one. */
export function oneClock(timeMs: number): ItemClocks {
  return { captureDeviceMs: timeMs, captureServerMs: timeMs, arrivedMs: timeMs };
}

/** A track that is in memory already. */
export function importedTrack(track: PoseTrack): Imported {
  return {
    name: track.name, source: track.source, notes: [],
    async *poses() {
      const sample = createPoseSample();
      for (const timeMs of track.timesMs) {
        sampleTrack(track, timeMs, sample);
        yield { ...oneClock(timeMs), participantId: ONLY_PARTICIPANT, sample };
      }
    },
  };
}
