/** Keeps what the watch over models knows in the server's state folder, so that a restart neither forgets a trouble nor tells it twice. */
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { every, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { decodeWatchState, encodeWatchState, type WatchState } from './watch/watch-state.ts';

const FILE = 'watch.json';
/** Windows take minutes; what is lost with a crash is at most the counts of so long. */
const SAVE_MS = 10_000;
const MAX_BYTES = 32 * 1024 * 1024;

export interface WatchKeeperParts {
  readonly clock: Clock;
  readonly log: { warn(facts: object, message: string): void };
}

export interface Keeping {
  /** Resolves when what is known now is written, or could not be. Never throws. */
  save(): Promise<void>;
  /** Saves a last time. */
  close(): Promise<void>;
}

export class WatchKeeper {
  /** Of the server before this one. */
  readonly before: WatchState | undefined;
  readonly #path: string;
  readonly #parts: WatchKeeperParts;

  /**
   * Reads what is there. What cannot be used is moved aside, with a line in the log: the watch then begins anew.
   *
   * @throws CopresenceError CONFIG_INVALID when the folder cannot be made or read.
   */
  constructor(folder: string, parts: WatchKeeperParts) {
    this.#path = join(folder, FILE);
    this.#parts = parts;
    try {
      mkdirSync(folder, { recursive: true });
      this.before = this.#read();
    } catch (cause) {
      throw new CopresenceError('CONFIG_INVALID', `--state-folder ${folder} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  /** Saves now and then, and when it is told to. */
  start(state: () => WatchState): Keeping {
    let saving: Promise<void> | undefined;
    let isAsked = false;
    // A disk that is slow is waited for, and what was asked for meanwhile is one more save.
    const work = async (): Promise<void> => {
      for (isAsked = true; isAsked;) {
        isAsked = false;
        await this.#save(state());
      }
      saving = undefined;
    };
    const save = (): Promise<void> => {
      isAsked = true;
      return (saving ??= work());
    };
    const repeating = every(this.#parts.clock, SAVE_MS, () => void save());
    return {
      save,
      close() {
        repeating.stop();
        return save();
      },
    };
  }

  #read(): WatchState | undefined {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    const read = size > MAX_BYTES ? `it has ${size} bytes, of ${MAX_BYTES} at most` : decodeWatchState(readFileSync(this.#path, 'utf8'));
    if (typeof read !== 'string') return read;
    this.#parts.log.warn({ file: this.#path, why: read }, 'what the watch over models knew cannot be read; it begins anew, and the file is kept as watch.json.unread');
    renameSync(this.#path, `${this.#path}.unread`);
    return undefined;
  }

  /** Aside and then renamed, so that a reader finds the old or the new. Not on the loop: a disk may take its time. */
  async #save(state: WatchState): Promise<void> {
    try {
      await writeFile(`${this.#path}.partial`, encodeWatchState(state));
      await rename(`${this.#path}.partial`, this.#path);
    } catch (error) {
      this.#parts.log.warn({ file: this.#path, why: (error as NodeJS.ErrnoException).code ?? 'unknown' }, 'what the watch over models knows could not be written');
    }
  }
}
