/** Lets one process at a time change a folder of models. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';

const LOCK_FILE = '.lock';
const RETRY_MS = 50;
const MAX_TRIES = 200;

/**
 * Runs `change` while no other process changes the folder; waits for up to ten seconds. A lock whose process is gone is taken over.
 *
 * @throws CopresenceError REGISTRY_BUSY with the process that holds it, or whatever `change` throws.
 */
export async function withFolderLock<Result>(folder: string, clock: Clock, change: () => Promise<Result>): Promise<Result> {
  const path = join(folder, LOCK_FILE);
  for (let tries = 0; !(await take(path)); tries++) {
    if (tries === MAX_TRIES) throw new CopresenceError('REGISTRY_BUSY', `${folder} is being changed by the process ${await readFile(path, 'utf8').catch(() => 'that held it')}`);
    await sleep(clock, RETRY_MS);
  }
  try {
    return await change();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new CopresenceError('MODEL_INVALID', `cannot write ${path}`, { cause: error });
    await removeIfOrphaned(path);
    return false;
  }
}

/** Only one process at a time looks and removes: else a second one could remove the lock that was taken in between. */
async function removeIfOrphaned(path: string): Promise<void> {
  if (!(await isOrphaned(path))) return;
  const guard = `${path}.orphan`;
  const mine = await writeFile(guard, String(process.pid), { flag: 'wx' }).then(() => true, () => false);
  if (!mine) return;
  if (await isOrphaned(path)) await rm(path, { force: true });
  await rm(guard, { force: true });
}

async function isOrphaned(path: string): Promise<boolean> {
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  return Number.isInteger(holder) && holder > 0 && !isAlive(holder);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
