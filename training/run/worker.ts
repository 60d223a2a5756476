/** The process that one job runs in: TensorFlow.js and long loops stay away from whoever asked. */
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { FitProgress } from '../models/fit.ts';
import { JOBS } from './jobs.ts';
import type { FromJob, JobRequest } from './job.ts';

const send = (message: FromJob): void => void process.send?.(message);

process.once('message', (request: JobRequest) => {
  // The parent may be gone by a signal that did not reach this process.
  process.once('disconnect', () => process.exit(1));
  run(request).then(
    (result) => process.send?.({ kind: 'done', result } satisfies FromJob, () => process.exit(0)),
    (error: unknown) => {
      const code = error instanceof CopresenceError ? error.code : undefined;
      const text = error instanceof Error ? (code === undefined ? (error.stack ?? error.message) : error.message) : String(error);
      process.send?.({ kind: 'failed', code, text } satisfies FromJob, () => process.exit(1));
    },
  );
});

function run(request: JobRequest): Promise<unknown> {
  const job = JOBS[request.kind] as (input: never, clock: ReturnType<typeof systemClock>, tell: (progress: FitProgress) => void) => Promise<unknown>;
  return job(request.input as never, systemClock(), (progress) => send({ kind: 'progress', progress }));
}
