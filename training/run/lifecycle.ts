/** What every kind of run does with its folder: begins it or goes on with it, saves each epoch, notes a failure, and ends with a manifest. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import type { FoundTensorflow } from '../../registry/tensorflow.ts';
import { loadWeights, saveWeights } from '../checkpoint/hdf5.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { FitHooks, FitProgress } from '../models/fit.ts';
import type { TrainingConfig } from './config.ts';
import { appendHistory, currentCommit, readRun, refuseRun, RUN_FILES, withRunFolder, writeRun, writeWhole } from './folder.ts';
import type { RunDescription } from './folder.ts';

export interface TrainRequest {
  readonly datasetFolder: string;
  readonly runFolder: string;
  readonly name: string;
  readonly config: TrainingConfig;
  /** Goes on with an interrupted run in `runFolder`; its configuration must be the same. */
  readonly resume: boolean;
  /** A finished run on the same data whose probabilities this one learns too. */
  readonly teacherFolder?: string | undefined;
  /** A finished run with whose weights this one begins, as far as they fit. */
  readonly startFolder?: string | undefined;
}

/** A larger difference between training and graph means that the graph computes something else. */
const LARGEST_DIFFERENCE = 1e-3;

/**
 * Runs `work` while no other process may have the folder.
 *
 * @throws CopresenceError RUN_INVALID as the folder does not fit, RUN_BUSY as `withRunFolder`; else as `work` does, which the folder then tells of.
 */
export function inRunFolder<Result>(
  request: Pick<TrainRequest, 'runFolder' | 'resume'>, description: RunDescription,
  { clock, onProgress }: { readonly clock: Clock; readonly onProgress: (progress: FitProgress) => void }, work: (saving: FitHooks) => Promise<Result>,
): Promise<Result> {
  const { runFolder, resume } = request;
  return withRunFolder(runFolder, clock, async () => {
    if (resume) checkInterrupted(runFolder, description);
    else refuseRun(runFolder);
    writeRun(runFolder, { ...description, state: 'running' });
    try {
      return await work(await savingHooks(request, onProgress));
    } catch (error) {
      noteFailure(runFolder, description, error);
      throw error;
    }
  });
}

/** Where there is no room even for this, what is told is why the run failed and not why that could not be written. */
function noteFailure(folder: string, description: RunDescription, error: unknown): void {
  try {
    writeRun(folder, { ...description, state: 'failed', failure: error instanceof Error ? error.message : String(error) });
  } catch {
    // The state stays `running`, as after a crash; --resume goes on from both.
  }
}

/** Where a run's model comes from, but for a teacher or a start. */
export function lineageOf({ description }: Dataset, { seed }: TrainingConfig, found: FoundTensorflow): RunDescription['lineage'] {
  const { name, version, samples, sources } = description;
  return {
    dataset: { name, version, sha256: samples.sha256, samples: samples.count, sources },
    seed, commit: currentCommit(), node: process.version, backend: found.provider, tensorflow: found.tf.version.tfjs,
  };
}

/** @throws CopresenceError RUN_INVALID when the run is done, or was asked for something else. */
function checkInterrupted(folder: string, wanted: RunDescription): void {
  const before = readRun(folder);
  if (before.state === 'done') throw new CopresenceError('RUN_INVALID', `${folder} is finished`);
  const differs = (['config', 'labels', 'encoding'] as const).find((key) => JSON.stringify(before[key]) !== JSON.stringify(wanted[key]));
  if (differs !== undefined || before.lineage.dataset.version !== wanted.lineage.dataset.version) {
    throw new CopresenceError('RUN_INVALID', `${folder} was started with another ${differs ?? 'data set'}`);
  }
  for (const key of ['teacher', 'start'] as const) {
    if (before.lineage[key]?.graphSha256 !== wanted.lineage[key]?.graphSha256) throw new CopresenceError('RUN_INVALID', `${folder} was begun with another ${key}, or none`);
  }
}

/** Saves every epoch, since an epoch lost is an epoch to train again. */
async function savingHooks({ runFolder, resume }: Pick<TrainRequest, 'runFolder' | 'resume'>, onProgress: (progress: FitProgress) => void): Promise<FitHooks> {
  const checkpoint = join(runFolder, RUN_FILES.checkpoint);
  const saved = resume && existsSync(checkpoint) ? await loadWeights(checkpoint) : undefined;
  if (saved === undefined) rmSync(join(runFolder, RUN_FILES.history), { force: true });
  return {
    onProgress,
    async onEpoch(figures, network, state) {
      appendHistory(runFolder, figures);
      await saveWeights(checkpoint, network, state);
    },
    ...(saved?.state === undefined ? {} : { resume: { network: saved.network, state: saved.state } }),
  };
}

/** @throws CopresenceError MODEL_INVALID when a graph gives something else than the model that it is of. */
export function checkParity(graph: Float32Array, trained: Float32Array): number {
  const parity = largestDifference(graph, trained);
  if (!(parity <= LARGEST_DIFFERENCE)) throw new CopresenceError('MODEL_INVALID', `the graph differs from the trained model by ${parity}`);
  return parity;
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.length === b.length ? a.reduce((worst, value, at) => Math.max(worst, Math.abs(value - b[at]!)), 0) : Number.POSITIVE_INFINITY;
}

/** Ends a run whose other files are there: the manifest comes last. */
export function endRun(folder: string, description: RunDescription, manifest: ModelManifest): void {
  writeRun(folder, { ...description, state: 'done' });
  writeWhole(join(folder, RUN_FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(join(folder, RUN_FILES.checkpoint), { force: true });
}
