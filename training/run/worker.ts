/** The process that jobs run in, one at a time: TensorFlow.js and long loops stay away from whoever asked. */
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { systemProblem } from '../../core/system-error.ts';
import type { FitProgress } from '../models/fit.ts';
import { JOBS } from './jobs.ts';
import type { FromJob, JobRequest } from './job.ts';

const send = (message: FromJob): void => void process.send?.(message);

// The parent has no more to ask, or is gone by a signal that did not reach this process.
process.once('disconnect', () => process.exit(0));
process.on('message', (request: JobRequest) => {
  run(request).then(
    (result) => send({ kind: 'done', result }),
    (error: unknown) => {
      const problem = error instanceof CopresenceError ? error : systemProblem(error);
      if (problem !== undefined) send({ kind: 'failed', code: problem.code, text: problem.message });
      else send({ kind: 'failed', code: undefined, text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  );
});

async function run(request: JobRequest): Promise<unknown> {
  const job = (await JOBS[request.kind]()) as (input: never, clock: ReturnType<typeof systemClock>, tell: (progress: FitProgress) => void) => Promise<unknown>;
  return job(request.input as never, systemClock(), (progress) => send({ kind: 'progress', progress }));
}
