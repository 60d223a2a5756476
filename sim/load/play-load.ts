/** From options to report and exit code: what `sim load` does. */
import { EXIT } from '../commands/command.ts';
import { describeLoad } from '../report/load-terminal.ts';
import { writeLoadReport } from '../report/write.ts';
import { findKnee } from './find-knee.ts';
import { showLoadProgress } from './load-progress.ts';
import type { LoadReport } from './load-result.ts';
import { machineClock } from './machine-clock.ts';
import type { LoadOptions } from './options.ts';
import { profileSeconds } from './profile.ts';
import { runLoad } from './run-load.ts';

/** Runs, prints tables to standard output and progress to standard error, and writes the report. */
export async function playLoad(options: LoadOptions): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const report = await play(options, stop.signal);
  if (report === undefined) return EXIT.failed;
  process.stdout.write(`\n${describeLoad(report)}\n`);
  if (options.report !== undefined) {
    const { page, json } = await writeLoadReport(report, options.report);
    process.stdout.write(`\n  Report   ${page}\n  Figures  ${json}\n`);
  }
  return exitOf(report);
}

function play(options: LoadOptions, signal: AbortSignal): Promise<LoadReport | undefined> {
  if (!options.findKnee) return playOnce(options, signal);
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  return findKnee(options.profile, { repetitions: options.repetitions, run: (profile) => playOnce({ ...options, profile }, signal), say, signal });
}

async function playOnce(options: LoadOptions, signal: AbortSignal): Promise<LoadReport> {
  const progress = showLoadProgress(process.stderr, profileSeconds(options.profile));
  try {
    return await runLoad(options.profile, { ...options, clock: machineClock(), signal, progress: (state) => progress.update(state) });
  } finally {
    progress.end();
  }
}

/** A server that lets nobody in at all is bad input; one that goes down later has failed. */
function exitOf(report: LoadReport): number {
  if (report.aborted !== undefined && report.counts.joined === 0) return EXIT.badInput;
  return report.passed ? EXIT.ok : EXIT.failed;
}
