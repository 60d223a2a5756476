/** The parent's end of one worker process: starts it, asks it, watches it and ends it. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { childEntry, loaderFlags, nativeEnvironment } from '../../core/child-process.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ItemOutcome } from '../flow.ts';
import type { Looks } from '../watch-flow.ts';
import type { FromWorker, LoadMessage, LoadedModel, RunMessage, ToWorker } from './worker-messages.ts';

/** `lost`: the worker ended, by itself or because it did not answer in time. */
export type RunAnswer =
  | { readonly kind: 'done'; readonly items: readonly ItemOutcome[]; readonly runMs: number; readonly looks?: Looks | undefined }
  | { readonly kind: 'lost'; readonly cause: string };

/** How a worker ended; what it wrote is counted and never kept, since it may quote an input. */
export interface WorkerEnd {
  readonly cause: string;
  readonly outputBytes: number;
}

type Answer = Exclude<FromWorker, { kind: 'refused' }> | { kind: 'refused'; error: CopresenceError } | { kind: 'lost'; cause: string };

/** How long a worker has to leave by itself when its parent hangs up. */
const LEAVE_MS = 1000;

export class WorkerLink {
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<WorkerEnd>;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  #waiting: { readonly settle: (answer: Answer) => void; readonly watchdog: Timer } | undefined;
  #endedBy: string | undefined;
  #outputBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#child = fork(childEntry('worker', import.meta.url), { execArgv: loaderFlags(import.meta.url), env: nativeEnvironment(ACCELERATORS), serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child.stdout?.on('data', (bytes: Buffer) => (this.#outputBytes += bytes.length));
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.#outputBytes += bytes.length));
    this.#child.on('message', (message: FromWorker) => this.#settle(toAnswer(message)));
    this.ended = new Promise((resolve) => {
      const end = (cause: string): void => {
        this.#settle({ kind: 'lost', cause });
        resolve({ cause, outputBytes: this.#outputBytes });
      };
      this.#child.on('exit', (code, signal) => end(this.#endedBy ?? `exited with ${signal ?? `code ${code}`}`));
      // The process could not be started, or not be reached; the exit, if any, comes second and changes nothing.
      this.#child.on('error', (error: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined) end(`could not start: ${error.code ?? error.name}`);
        else this.kill(`unreachable: ${error.code ?? error.name}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Loads models into the worker.
   *
   * @throws CopresenceError with the worker's own code when a model is refused, WORKER_FAILED when the worker ended or
   * took longer than `limitMs`.
   */
  async load(message: LoadMessage, limitMs: number): Promise<readonly LoadedModel[]> {
    const answer = await this.#ask(message, limitMs);
    if (answer.kind === 'loaded') return answer.models;
    if (answer.kind === 'refused') throw answer.error;
    throw new CopresenceError('WORKER_FAILED', answer.kind === 'lost' ? answer.cause : 'the worker answered out of turn');
  }

  /** Runs a batch; kills the worker when the answer takes longer than `limitMs`. Never rejects. */
  async run(message: RunMessage, limitMs: number): Promise<RunAnswer> {
    const answer = await this.#ask(message, limitMs);
    if (answer.kind === 'ran') return { kind: 'done', items: answer.items, runMs: answer.runMs, looks: answer.looks };
    return { kind: 'lost', cause: answer.kind === 'lost' ? answer.cause : 'the worker answered out of turn' };
  }

  /** Closes a model and opens it anew. Never rejects: where that fails, the worker is gone. */
  async rebuild(model: string, limitMs: number): Promise<void> {
    await this.#ask({ kind: 'rebuild', model }, limitMs);
  }

  /** Ends the process at once; what it works on is lost with this cause. */
  kill(cause: string): void {
    this.#endedBy ??= cause;
    this.#child.kill('SIGKILL');
  }

  /** Hangs up, which ends an idle worker, and kills one that is still there after a second. */
  async close(): Promise<void> {
    this.#endedBy ??= 'closed';
    if (this.#child.connected) this.#child.disconnect();
    const timer = this.#clock.schedule(LEAVE_MS, () => this.kill('closed'));
    await this.ended;
    timer.cancel();
  }

  #ask(message: ToWorker, limitMs: number): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('bug: a worker takes one message at a time');
    if (!this.#child.connected) return this.ended.then(({ cause }) => ({ kind: 'lost', cause }));
    return new Promise((settle) => {
      const watchdog = this.#clock.schedule(limitMs, () => this.#clock.defer(() => this.#giveUp(settle, limitMs)));
      this.#waiting = { settle, watchdog };
      this.#child.send(message);
    });
  }

  /** After a turn of its own: when this process was held up, the answer lies there and has only not been read. */
  #giveUp(settle: (answer: Answer) => void, limitMs: number): void {
    if (this.#waiting?.settle === settle) this.kill(`no answer for ${Math.round(limitMs)} ms`);
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.watchdog.cancel();
    waiting?.settle(answer);
  }
}

function toAnswer(message: FromWorker): Answer {
  return message.kind === 'refused' ? { kind: 'refused', error: new CopresenceError(message.code, message.detail) } : message;
}

/** What the runtimes of accelerators look for besides. */
const ACCELERATORS = /^(XDG_.*|CUDA_.*|NVIDIA_.*|TRT_.*|ORT_.*|VK_.*|OMP_.*)$/i;
