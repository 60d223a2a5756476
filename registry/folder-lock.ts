/** Lets one process at a time change a folder of models. */
import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { systemProblem } from '../core/system-error.ts';

const LOCK_FILE = '.lock';
const RETRY_MS = 50;
const MAX_TRIES = 200;

export interface LockOptions {
  /** What it is when another process holds the lock to the end of the wait. */
  readonly busy?: 'REGISTRY_BUSY' | 'RUN_BUSY';
  /** How often it is tried again, every 50 ms. */
  readonly maxTries?: number;
}

/**
 * Runs `change` while no other process changes the folder; waits for up to ten seconds. A lock whose process is gone is taken over.
 *
 * @throws CopresenceError REGISTRY_BUSY (or `busy`) with the process that holds it, or whatever `change` throws.
 */
export async function withFolderLock<Result>(folder: string, clock: Clock, change: () => Promise<Result>, { busy = 'REGISTRY_BUSY', maxTries = MAX_TRIES }: LockOptions = {}): Promise<Result> {
  const path = join(folder, LOCK_FILE);
  for (let tries = 0; !(await take(path)); tries++) {
    if (tries === maxTries) throw new CopresenceError(busy, `${folder} is in use by the process ${await readFile(path, 'utf8').catch(() => 'that held it')} (${path})`);
    await sleep(clock, RETRY_MS);
  }
  try {
    return await change();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  if (await claim(path)) return true;
  await removeIfOrphaned(path);
  return false;
}

/** The file appears with its holder in it: one that a full disk or a crash had left empty would be held by nobody, for ever. */
async function claim(path: string): Promise<boolean> {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(aside, String(process.pid));
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw systemProblem(error) ?? error;
    return false;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Only one process at a time looks and removes: else a second one could remove the lock that was taken in between. */
async function removeIfOrphaned(path: string): Promise<void> {
  if (!(await isOrphaned(path))) return;
  const guard = `${path}.orphan`;
  if (!(await claim(guard))) {
    // Whoever looked was ended while it did.
    if (await isOrphaned(guard)) await rm(guard, { force: true });
    return;
  }
  if (await isOrphaned(path)) await rm(path, { force: true });
  await rm(guard, { force: true });
}

/** Empty are those of older versions of this program that were ended, or had no space left, while they wrote it. */
async function isOrphaned(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const holder = Number(text);
  return Number.isInteger(holder) && (holder <= 0 || !isAlive(holder));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
