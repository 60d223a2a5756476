/** One run from options to report: what the simulator and the demo share. */
import type { Clock } from '../core/clock.ts';
import { cast } from './fleet/cast.ts';
import type { FleetReport } from './fleet/fleet-report.ts';
import { showProgress } from './fleet/progress.ts';
import { runFleet } from './fleet/run-fleet.ts';
import type { RunOptions } from './options.ts';
import { describeReport } from './report/terminal.ts';
import { writeReport } from './report/write.ts';
import type { Program } from './source/program.ts';

export interface RunTarget {
  readonly clock: Clock;
  readonly url: string;
  readonly token: (subject: string, session: string) => Promise<string>;
  readonly sessionPrefix: string;
  readonly signal?: AbortSignal | undefined;
}

/** Seconds before the measured ones: connections settle, clocks agree, models warm up. */
export const WARM_UP_S = 3;

/** Runs a fleet and prints its tables to standard output; progress goes to standard error. */
export async function runAndReport(target: RunTarget, program: Program, options: RunOptions): Promise<FleetReport> {
  const { headsets, sessions, durationS, seed } = options;
  const progress = showProgress(process.stderr, durationS + WARM_UP_S);
  const roles = cast({ ...program, headsets, sessions, seed });
  const report = await runFleet({ ...target, roles, progress }, { sessions, durationS, warmUpS: WARM_UP_S, seed, sessionPrefix: target.sessionPrefix });
  process.stdout.write(`\n${describeReport(report)}\n`);
  if (options.report !== undefined) {
    const { page, json } = await writeReport(report, options.report);
    process.stdout.write(`\n  Report   ${page}\n  Figures  ${json}\n`);
  }
  return report;
}
