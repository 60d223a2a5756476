/** Jobs that were asked for: one at a time in a process of its own, the others wait; each is written down as it goes. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError, ERRORS } from '../../core/errors.ts';
import { systemProblem } from '../../core/system-error.ts';
import type { FitProgress } from '../models/fit.ts';
import { writeWhole } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import type { JobInput, JobKind, JobResult } from '../run/jobs.ts';

export const JOB_STATES = ['waiting', 'running', 'done', 'failed', 'cancelled', 'interrupted'] as const;

/** A job as it is written down and told of. */
export const jobRecord = z.strictObject({
  id: z.string().regex(/^[0-9]{1,9}$/),
  kind: z.string(),
  /** Whose token asked for it. */
  by: z.string(),
  /** What it is about, such as the run. */
  about: z.string(),
  state: z.enum(JOB_STATES),
  askedAtMs: z.number(),
  endedAtMs: z.number().optional(),
  progress: z.strictObject({
    stage: z.string(), done: z.number(), total: z.number(), detail: z.string().optional(),
    /** Of the last epoch of a network. */
    epoch: z.strictObject({ loss: z.number(), validationLoss: z.number(), /** Of labels. */ validationAccuracy: z.number().optional() }).optional(),
  }).optional(),
  /** What came out, where it is done. */
  outcome: z.string().optional(),
  /** Where it failed. */
  code: z.string().optional(),
  detail: z.string().optional(),
});
export type JobRecord = z.infer<typeof jobRecord>;

/** What a job is given to work with. */
export interface JobHooks {
  /** Ends the work; what it had written stays. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FitProgress) => void;
}

export interface JobAsked {
  readonly kind: string;
  readonly by: string;
  readonly about: string;
  /** Does it, and says in a few words what came out; the rest is in files of its own. */
  readonly work: (hooks: JobHooks) => Promise<string>;
}

/** Work that is one job in a process of its own. @param say - what came out. */
export function inProcess<Kind extends JobKind>(kind: Kind, input: JobInput<Kind>, say: (result: JobResult<Kind>) => string): JobAsked['work'] {
  return async (hooks) => say(await runJob(kind, input, hooks));
}

export function hasEnded({ state }: JobRecord): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** Waiting jobs at most; of those that have ended so many are told of. */
const MAX_WAITING = 32;
const MAX_REMEMBERED = 500;
/** Characters of what a job says of its progress. */
const MAX_TEXT = 200;

interface Entry {
  record: JobRecord;
  readonly work: JobAsked['work'] | undefined;
  readonly abort: AbortController;
}

export class JobDesk {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(record: JobRecord) => void>();
  #current: Promise<void> | undefined;
  #nextId = 1;
  #closed = false;

  /** Takes up what an earlier process wrote: what it had not ended is `interrupted`. */
  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).slice(-MAX_REMEMBERED)) {
      const parsed = jobRecord.safeParse(tryJson(join(folder, name)));
      if (!parsed.success) continue;
      const record = parsed.data;
      this.#nextId = Math.max(this.#nextId, Number(record.id) + 1);
      const ended = hasEnded(record);
      const entry: Entry = { record: ended ? record : { ...record, state: 'interrupted' }, work: undefined, abort: new AbortController() };
      this.#entries.set(record.id, entry);
      if (!ended) this.#note(entry, {});
    }
  }

  /** The newest first. */
  list(): JobRecord[] {
    return [...this.#entries.values()].map(({ record }) => record).toReversed();
  }

  /** @throws CopresenceError NOT_FOUND. */
  get(id: string): JobRecord {
    return this.#entry(id).record;
  }

  /** Hears of each change of each job. Never throws. @returns what ends that. */
  listen(listener: (record: JobRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether a job about this waits or runs. */
  isBusyWith(about: string): boolean {
    return [...this.#entries.values()].some(({ record }) => record.about === about && !hasEnded(record));
  }

  /** @throws CopresenceError SERVER_FULL when too many wait, SERVER_DRAINING when it is being closed. */
  ask({ kind, by, about, work }: JobAsked): JobRecord {
    if (this.#closed) throw new CopresenceError('SERVER_DRAINING', 'no job is taken any more');
    if ([...this.#entries.values()].filter(({ record }) => record.state === 'waiting').length >= MAX_WAITING) throw new CopresenceError('SERVER_FULL', `${MAX_WAITING} jobs are waiting`);
    const id = String(this.#nextId++);
    const entry: Entry = { record: { id, kind, by, about, state: 'waiting', askedAtMs: this.#clock.wallMs() }, work, abort: new AbortController() };
    this.#entries.set(id, entry);
    this.#note(entry, {});
    this.#forgetOld();
    this.#current ??= this.#work();
    return entry.record;
  }

  /** Ends a job; what it had written stays. One that has ended is left as it is. @throws CopresenceError NOT_FOUND. */
  cancel(id: string): JobRecord {
    const entry = this.#entry(id);
    if (entry.record.state === 'waiting') this.#note(entry, { state: 'cancelled', endedAtMs: this.#clock.wallMs() });
    else if (entry.record.state === 'running') entry.abort.abort();
    return entry.record;
  }

  /** Ends the job that runs, as an interruption, and leaves those that wait. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { record, abort } of this.#entries.values()) if (record.state === 'running') abort.abort();
    await this.#current;
  }

  async #work(): Promise<void> {
    for (let entry = this.#next(); entry !== undefined && !this.#closed; entry = this.#next()) await this.#runOne(entry);
    this.#current = undefined;
  }

  #next(): Entry | undefined {
    return [...this.#entries.values()].find(({ record }) => record.state === 'waiting');
  }

  async #runOne(entry: Entry): Promise<void> {
    this.#note(entry, { state: 'running' });
    try {
      const outcome = await entry.work?.({ signal: entry.abort.signal, onProgress: (progress) => this.#progress(entry, progress) });
      this.#note(entry, { state: 'done', endedAtMs: this.#clock.wallMs(), ...(outcome === undefined ? {} : { outcome: outcome.slice(0, MAX_TEXT) }) });
    } catch (error) {
      const known = error instanceof CopresenceError ? error : systemProblem(error);
      const code = known?.code;
      const state = entry.abort.signal.aborted ? (this.#closed ? 'interrupted' : 'cancelled') : 'failed';
      const told = state !== 'failed' ? {} : { code: code ?? 'WORKER_FAILED', detail: known?.message ?? ERRORS.WORKER_FAILED.summary };
      this.#note(entry, { state, endedAtMs: this.#clock.wallMs(), ...told });
    }
  }

  #note(entry: Entry, change: Partial<JobRecord>): void {
    entry.record = { ...entry.record, ...change };
    writeWhole(join(this.#folder, `${entry.record.id}.json`), `${JSON.stringify(entry.record)}\n`);
    this.#tell(entry.record);
  }

  /** Told of, and written down with the next change of state: a file an epoch would be many. */
  #progress(entry: Entry, { stage, done, total, detail, epoch }: FitProgress): void {
    const figures = epoch === undefined ? undefined : { loss: epoch.loss, validationLoss: epoch.validationLoss, ...(epoch.validationAccuracy === undefined ? {} : { validationAccuracy: epoch.validationAccuracy }) };
    const progress = { stage: stage.slice(0, MAX_TEXT), done, total, ...(detail === undefined ? {} : { detail: detail.slice(0, MAX_TEXT) }), ...(figures === undefined ? {} : { epoch: figures }) };
    entry.record = { ...entry.record, progress };
    this.#tell(entry.record);
  }

  #tell(record: JobRecord): void {
    for (const listener of this.#listeners) listener(record);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new CopresenceError('NOT_FOUND', `no job ${id.slice(0, 20)}`);
    return entry;
  }

  #forgetOld(): void {
    for (const [id, { record }] of this.#entries) {
      if (this.#entries.size <= MAX_REMEMBERED) return;
      if (record.endedAtMs !== undefined) this.#entries.delete(id);
    }
  }
}

function tryJson(path: string): unknown {
  try {
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}
