/** The steps of the demonstration: each with a bar while it goes on, and its time and outcome for the report. */
import type { Clock } from '../../core/clock.ts';
import { progressBar } from '../../training/commands/command.ts';

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Of the step; its name when left out. */
  readonly stage?: string;
  readonly detail?: string;
}
export type Tell = (progress: Progress) => void;

export interface DoneStep {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: string;
}

/** Runs steps one after the other. */
export class Steps {
  readonly done: DoneStep[] = [];
  readonly #clock: Clock;
  readonly #total: number;

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#total = total;
  }

  /** @param outcome - of what came out, one sentence. */
  async run<Result>(name: string, work: (tell: Tell) => Promise<Result>, outcome: (result: Result) => string): Promise<Result> {
    const bar = progressBar();
    const startMs = this.#clock.nowMs();
    process.stdout.write(`\n[${this.done.length + 1}/${this.#total}] ${name}\n`);
    try {
      const result = await work(({ stage = name, ...progress }) => bar.tell({ stage: `  ${stage}`, ...progress }));
      bar.stop();
      const seconds = (this.#clock.nowMs() - startMs) / 1000;
      this.done.push({ name, seconds, outcome: outcome(result) });
      process.stdout.write(`  ${outcome(result)} (${seconds.toFixed(1)} s)\n`);
      return result;
    } finally {
      bar.stop();
    }
  }
}
