/** What the operating system refuses, as an error with a code: a full disk or a folder that may not be written is nobody's bug. */
import { CopresenceError } from './errors.ts';

const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system can only be read',
  EACCES: 'it is not allowed',
  EPERM: 'it is not allowed',
  ENOENT: 'there is no such file or folder',
  EEXIST: 'something of that name is there',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENOTEMPTY: 'the folder is not empty',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  EIO: 'the device failed',
  EADDRINUSE: 'the port is in use',
};

/**
 * An error of the operating system as one of ours; undefined for any other, which is a bug of this program.
 *
 * @returns STORAGE_FAILED for files, CONFIG_INVALID for an address that cannot be listened on; the cause is the error itself.
 */
export function systemProblem(error: unknown): CopresenceError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path, dest, address, port } = error as NodeJS.ErrnoException & { readonly dest?: string; readonly address?: string; readonly port?: number };
  if (code === undefined || syscall === undefined || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  const why = whyNot(error);
  if (syscall === 'listen' || syscall === 'bind') return new CopresenceError('CONFIG_INVALID', `cannot listen on ${address ?? ''}:${port ?? ''}: ${why}`, { cause: error });
  if (path === undefined && !FILE_CALLS.has(syscall)) return undefined;
  return new CopresenceError('STORAGE_FAILED', `${path === undefined ? '' : `${dest ?? path}: `}${why} (${syscall})`, { cause: error });
}

/** Why the operating system refused, in words; of any other error what it says. */
export function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return MEANINGS[code ?? ''] ?? code ?? (error instanceof Error ? error.message : String(error));
}

/** Calls on a file that is open do not say its path. */
const FILE_CALLS = new Set(['write', 'read', 'fsync', 'fdatasync', 'ftruncate', 'fstat', 'close']);
