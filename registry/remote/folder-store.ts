/** A folder as an object store: for a shared disk, and as the measure for the others. */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { withFolderLock } from '../folder-lock.ts';
import { MAX_KEYS, type ObjectStore } from './object-store.ts';

export function folderStore(folder: string, clock: Clock): ObjectStore {
  const pathOf = (key: string): string => {
    if (key.split('/').some((part) => part === '' || part === '.' || part === '..') || key.includes('\\')) throw new CopresenceError('MODEL_INVALID', `'${key}' is not a key`);
    return join(folder, ...key.split('/'));
  };
  const etagOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const read = async (path: string): Promise<Buffer | undefined> => readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw new CopresenceError('MODEL_INVALID', `cannot read ${path}`, { cause });
  });
  return {
    name: folder,
    async get(key, maxBytes) {
      const path = pathOf(key);
      const size = await stat(path).then((stats) => stats.size, () => 0);
      if (size > maxBytes) throw new CopresenceError('MODEL_INVALID', `${path} has ${size} bytes, more than ${maxBytes}`);
      const bytes = await read(path);
      return bytes === undefined ? undefined : { bytes, etag: etagOf(bytes) };
    },
    async put(key, bytes, condition) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const aside = join(folder, `.aside-${randomBytes(6).toString('hex')}`);
      await writeFile(aside, bytes);
      try {
        // A link is made whole, and never over what is there.
        if (condition?.kind === 'absent') return await link(aside, path).then(() => 'written' as const, () => 'conflict' as const);
        if (condition === undefined) return await rename(aside, path).then(() => 'written' as const);
        return await withFolderLock(folder, clock, async () => {
          const now = await read(path);
          if (now === undefined || etagOf(now) !== condition.etag) return 'conflict' as const;
          await rename(aside, path);
          return 'written' as const;
        });
      } finally {
        await rm(aside, { force: true });
      }
    },
    async list(prefix) {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const keys = entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
      const found = keys.filter((key) => key.startsWith(prefix) && !key.startsWith('.')).sort();
      if (found.length > MAX_KEYS) throw new CopresenceError('MODEL_INVALID', `${folder} holds more than ${MAX_KEYS} files`);
      return found;
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}
