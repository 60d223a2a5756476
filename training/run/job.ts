/** Runs a job in a process of its own and hears of its progress. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CopresenceError, ERRORS } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { FitProgress } from '../models/fit.ts';
import type { JobInput, JobKind, JobResult } from './jobs.ts';

export interface JobRequest {
  readonly kind: JobKind;
  readonly input: unknown;
}

export type FromJob =
  | { readonly kind: 'progress'; readonly progress: FitProgress }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly code: ErrorCode | undefined; readonly text: string };

export interface JobOptions {
  readonly onProgress?: (progress: FitProgress) => void;
  /** Ends the process; what it had written stays. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a job to its end.
 *
 * @throws CopresenceError with the job's own code, or WORKER_FAILED when its process ended without an answer.
 */
export async function runJob<Kind extends JobKind>(kind: Kind, input: JobInput<Kind>, options: JobOptions = {}): Promise<JobResult<Kind>> {
  const process = new JobProcess();
  try {
    return await process.run(kind, input, options);
  } finally {
    process.close();
  }
}

/** A process for several jobs, one after the other: starting one takes longer than many a small job. */
export class JobProcess {
  readonly #child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    // Not this process' own arguments: they may hold those of a test runner or a debugger.
    execArgv: ['--import', import.meta.resolve('tsx')], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

  /** @throws CopresenceError as `runJob`; after WORKER_FAILED the process takes no more. */
  async run<Kind extends JobKind>(kind: Kind, input: JobInput<Kind>, { onProgress, signal }: JobOptions = {}): Promise<JobResult<Kind>> {
    const child = this.#child;
    const ended = new AbortController();
    const stop = (): void => void child.kill();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
    const listen = (event: string, hear: (...told: never[]) => void): void => {
      const own = hear as (...told: unknown[]) => void;
      child.on(event, own);
      ended.signal.addEventListener('abort', () => child.off(event, own), { once: true });
    };
    try {
      return await new Promise<JobResult<Kind>>((resolve, reject) => {
        const exited = (code: number | null, by: string | null): void => reject(new CopresenceError('WORKER_FAILED', signal?.aborted === true ? 'interrupted' : `the training process ended with ${by ?? `code ${code}`}`));
        listen('message', (message: FromJob) => {
          if (message.kind === 'progress') onProgress?.(message.progress);
          else if (message.kind === 'done') resolve(message.result as JobResult<Kind>);
          else reject(failureOf(message));
        });
        listen('error', (cause: Error) => reject(new CopresenceError('WORKER_FAILED', 'the training process could not start', { cause })));
        listen('exit', exited);
        if (!child.connected) exited(child.exitCode, child.signalCode);
        else child.send({ kind, input } satisfies JobRequest);
      });
    } finally {
      ended.abort();
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Ends the process. */
  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

function failureOf({ code, text }: Extract<FromJob, { kind: 'failed' }>): Error {
  if (code === undefined || !(code in ERRORS)) return new Error(text);
  return new CopresenceError(code, text.replace(`${code}: `, ''));
}
