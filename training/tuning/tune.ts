/** A tuning: trials one after the other or several at once, each in a process of its own, and a run with the best configuration. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { openDataset } from '../dataset/store.ts';
import type { FitProgress } from '../models/fit.ts';
import { readRun, RUN_FILES, withRunFolder, writeWhole } from '../run/folder.ts';
import { JobProcess, runJob } from '../run/job.ts';
import { appendTrial, beginTuning, readTrials, readTuning, TUNING_FILES, writeTuning } from './folder.ts';
import type { Trial, TuningDescription } from './folder.ts';
import { medianBar } from './median-rule.ts';
import { tuningPage } from './page.ts';
import { configOf } from './space.ts';
import type { Assignment } from './space.ts';
import { createStrategy } from './strategies.ts';
import type { Strategy } from './strategies.ts';
import { checkTuning } from './tracks.ts';

export interface TuneRequest {
  readonly datasetFolder: string;
  /** Gets the files of TUNING_FILES. */
  readonly outFolder: string;
  /** Of the training with the best configuration; `run` in `outFolder` when left out. */
  readonly runFolder?: string;
  readonly asked: Omit<TuningDescription, 'format' | 'state' | 'dataset' | 'best'>;
  /** Trials at a time. With more than one, which are tried depends on which end first. */
  readonly parallel: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** After each trial: all that have ended, in the order of their numbers. */
  readonly onTrial?: (trial: Trial, all: readonly Trial[]) => void;
  /** Of the last training. */
  readonly onProgress?: (progress: FitProgress) => void;
}

export interface TuningResult {
  readonly trials: readonly Trial[];
  readonly best: Trial;
  readonly runFolder: string;
}

/** @throws CopresenceError as the parts do; CONFIG_INVALID as `checkTuning`; TRAINING_FAILED when no trial came to its end; RUN_BUSY as `withRunFolder`. */
export async function tune(request: TuneRequest): Promise<TuningResult> {
  const { description } = openDataset(request.datasetFolder);
  const tuning: TuningDescription = { format: 'copresence.tuning.v1', state: 'running', dataset: description.samples.sha256, ...request.asked };
  checkTuning(description.layout.kind, tuning);
  const strategy = createStrategy(tuning.strategy, { ...tuning, family: tuning.base.family });
  return withRunFolder(request.outFolder, request.clock, () => {
    beginTuning(request.outFolder, tuning);
    return new Tuning(request, tuning, strategy, []).run().catch((error: unknown) => {
      // With data that no trial can be made of there is nothing to go on with.
      if (request.signal?.aborted !== true && readTrials(request.outFolder).length === 0) rmSync(join(request.outFolder, TUNING_FILES.tuning));
      throw error;
    });
  });
}

/**
 * Goes on with an interrupted tuning; one trial at a time, its trials are the same as without the interruption.
 *
 * @throws CopresenceError RUN_INVALID when it is finished or began with other samples; as `tune`.
 */
export async function resumeTuning(request: Omit<TuneRequest, 'asked'>): Promise<TuningResult> {
  const tuning = readTuning(request.outFolder);
  if (tuning.state === 'done') throw new CopresenceError('RUN_INVALID', `${request.outFolder} is finished`);
  if (openDataset(request.datasetFolder).description.samples.sha256 !== tuning.dataset) throw new CopresenceError('RUN_INVALID', `${request.outFolder} was started with another data set`);
  const strategy = createStrategy(tuning.strategy, { ...tuning, family: tuning.base.family });
  return withRunFolder(request.outFolder, request.clock, () => new Tuning(request, tuning, strategy, readTrials(request.outFolder)).run());
}

class Tuning {
  readonly #request: Omit<TuneRequest, 'asked'>;
  readonly #tuning: TuningDescription;
  readonly #strategy: Strategy;
  readonly #ended = new Map<number, Trial>();
  readonly #running = new Map<number, Assignment>();
  /** One trial that cannot run at all ends the others. */
  readonly #stop = new AbortController();
  #next = 0;

  constructor(request: Omit<TuneRequest, 'asked'>, tuning: TuningDescription, strategy: Strategy, ended: readonly Trial[]) {
    this.#request = request;
    this.#tuning = tuning;
    this.#strategy = strategy;
    for (const trial of ended) this.#ended.set(trial.number, trial);
  }

  async run(): Promise<TuningResult> {
    const { outFolder, signal, parallel } = this.#request;
    const stop = (): void => this.#stop.abort();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
    try {
      // Of several that end, the first is the cause: the others were ended because of it.
      let cause: unknown;
      await Promise.all(Array.from({ length: parallel }, () => this.#lane().catch((error: unknown) => {
        cause ??= error;
        stop();
      })));
      if (cause !== undefined) throw cause;
      if (this.#stop.signal.aborted) throw new CopresenceError('WORKER_FAILED', 'interrupted');
      const best = this.#best();
      const result = { trials: this.#trials(), best, runFolder: await this.#trainBest(best) };
      const tuning: TuningDescription = { ...this.#tuning, state: 'done', best: { number: best.number, score: best.score ?? 0, values: { ...best.values } } };
      writeWhole(join(outFolder, TUNING_FILES.page), tuningPage(tuning, result.trials));
      writeTuning(outFolder, tuning);
      return result;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #trials(): Trial[] {
    return [...this.#ended.values()].sort((a, b) => a.number - b.number);
  }

  async #lane(): Promise<void> {
    const process = new JobProcess();
    try {
      await this.#tryAll(process);
    } finally {
      process.close();
    }
  }

  /** One after the other until none is left. */
  async #tryAll(process: JobProcess): Promise<void> {
    while (this.#next < this.#tuning.trials && !this.#stop.signal.aborted) {
      const number = this.#next++;
      if (this.#ended.has(number)) continue;
      const values = this.#strategy(number, { tried: this.#trials(), running: [...this.#running.values()] });
      if (values === undefined) return;
      this.#running.set(number, values);
      const trial = await this.#try(process, number, values);
      this.#running.delete(number);
      this.#ended.set(number, trial);
      appendTrial(this.#request.outFolder, trial);
      this.#request.onTrial?.(trial, this.#trials());
    }
  }

  /** A configuration that diverges is a result; anything else that goes wrong ends the tuning. */
  async #try(process: JobProcess, number: number, values: Assignment): Promise<Trial> {
    const { datasetFolder, clock } = this.#request;
    const { base, metric, folds } = this.#tuning;
    const startMs = clock.nowMs();
    const asked = { datasetFolder, config: configOf(base, values), bar: this.#bar(), ...(folds === undefined ? {} : { folds }) };
    const end = (): number => Math.round(clock.nowMs() - startMs);
    try {
      const options = { signal: this.#stop.signal };
      const { state, score, steps } = await (metric === 'huber' ? process.run('predictorTrial', asked, options) : process.run('trial', { ...asked, metric }, options));
      return { number, values, state, score, steps: [...steps], durationMs: end() };
    } catch (error) {
      if (!(error instanceof CopresenceError) || error.code !== 'TRAINING_FAILED') throw error;
      return { number, values, state: 'failed', steps: [], durationMs: end(), failure: error.message };
    }
  }

  #bar(): number[] {
    const { pruning } = this.#tuning;
    if (pruning === undefined) return [];
    return medianBar(this.#trials().filter(({ state, steps }) => state === 'done' && steps.length > 0).map(({ steps }) => steps), pruning);
  }

  #best(): Trial {
    const done = this.#trials().filter(({ state }) => state === 'done');
    const [first] = done;
    if (first === undefined) throw new CopresenceError('TRAINING_FAILED', `none of the trials came to its end: ${this.#trials()[0]?.failure ?? 'there is none'}`);
    return done.reduce((best, own) => ((own.score ?? 0) > (best.score ?? 0) ? own : best), first);
  }

  async #trainBest({ values }: Trial): Promise<string> {
    const { datasetFolder, outFolder, runFolder = join(outFolder, TUNING_FILES.run), onProgress } = this.#request;
    const before = existsSync(join(runFolder, RUN_FILES.run)) ? readRun(runFolder).state : undefined;
    if (before === 'done') return runFolder;
    const input = { datasetFolder, runFolder, name: this.#tuning.name, config: configOf(this.#tuning.base, values), resume: before !== undefined };
    await runJob(this.#tuning.metric === 'huber' ? 'predictor' : 'train', input, { signal: this.#stop.signal, ...(onProgress === undefined ? {} : { onProgress }) });
    return runFolder;
  }
}
