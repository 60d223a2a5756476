/** What a subcommand of `copresence model` is, how its options are read, and how it shows progress. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { SingleBar } from 'cli-progress';
import { CopresenceError } from '../../core/errors.ts';
import type { FitProgress } from '../models/fit.ts';

/** The process's exit codes. */
export const EXIT = { ok: 0, failed: 1, badInput: 2 } as const;

export interface ModelCommand {
  /** Printed for `--help`; what is before its first empty line also after the message about a wrong option. */
  readonly help: string;
  /**
   * Runs it.
   *
   * @param args - those after the command's name, without `--help`.
   * @returns an exit code of EXIT.
   * @throws CopresenceError CONFIG_INVALID for a wrong option; the code of what is wrong with the input otherwise.
   */
  run(args: readonly string[]): Promise<number>;
}

/**
 * @param words - how many words beside options the command takes at most.
 * @throws CopresenceError CONFIG_INVALID for an unknown option or one without its value, and for a word too many.
 */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: Options, words = 0) {
  const read = tryOptions(args, options);
  const stray = read.positionals[words];
  if (stray !== undefined) throw new CopresenceError('CONFIG_INVALID', `'${stray}' belongs to no option`);
  return read;
}

function tryOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What goes on keeps what it was begun with. @throws CopresenceError CONFIG_INVALID for an option that would be passed over. */
export function refuseWithResume(values: Readonly<Record<string, unknown>>, taken: readonly string[]): void {
  const other = Object.keys(values).find((name) => name !== 'resume' && !taken.includes(name) && values[name] !== undefined && values[name] !== false);
  if (other !== undefined) throw new CopresenceError('CONFIG_INVALID', `--${other} does not go with --resume, which goes on with what was asked for`);
}

/** Until Ctrl+C, once; a second one ends the process at once. */
export function interruption(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  return stop.signal;
}

/** Says how to go on, where the job was interrupted. @param advice - the command that does; asked for when it is known what was written. */
export function withAdvice(signal: AbortSignal, advice: () => string): (error: unknown) => never {
  return (error) => {
    if (signal.aborted && error instanceof CopresenceError && error.code === 'WORKER_FAILED') throw new CopresenceError('WORKER_FAILED', `interrupted; ${advice()}`, { cause: error });
    throw error;
  };
}

/** @throws CopresenceError CONFIG_INVALID when it was not given. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new CopresenceError('CONFIG_INVALID', `give --${name}`);
  return value;
}

/** @throws CopresenceError CONFIG_INVALID when it is no whole number from `least` up. */
export function wholeNumber(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) throw new CopresenceError('CONFIG_INVALID', `--${name} '${text}' is not a whole number from ${least} up`);
  return value;
}

function epochDetail({ loss, validationLoss, validationAccuracy }: NonNullable<FitProgress['epoch']>): string {
  return `loss ${loss.toFixed(4)}, validation ${validationLoss.toFixed(4)}${validationAccuracy === undefined ? '' : ` (${(validationAccuracy * 100).toFixed(1)} %)`}`;
}

/** 0 takes a free one. @throws CopresenceError CONFIG_INVALID when it is none of TCP's. */
export function portNumber(text: string): number {
  const port = wholeNumber('port', text);
  if (port > 0xffff) throw new CopresenceError('CONFIG_INVALID', `--port ${text} is more than ${0xffff}`);
  return port;
}

/** One bar at a time, for the stage that is being worked on. */
export function progressBar(): { tell(progress: FitProgress): void; stop(): void } {
  const bar = new SingleBar({ format: '{stage} [{bar}] {value}/{total} {detail}', noTTYOutput: true, notTTYSchedule: 10_000, hideCursor: true });
  let stage: string | undefined;
  return {
    tell(progress) {
      const detail = progress.epoch === undefined ? (progress.detail ?? '') : epochDetail(progress.epoch);
      if (progress.stage !== stage) {
        if (stage !== undefined) bar.stop();
        bar.start(progress.total, 0, { stage: progress.stage, detail });
        stage = progress.stage;
      }
      bar.update(progress.done, { detail });
    },
    stop() {
      if (stage !== undefined) bar.stop();
      stage = undefined;
    },
  };
}
