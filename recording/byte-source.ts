/** Bytes that can be read from any place: a file, through a small window, or memory. */
import type { FileHandle } from 'node:fs/promises';
import { invalidAt } from './format.ts';

export interface ByteSource {
  readonly size: number;
  /** @returns the bytes from `offset` on, fewer than `length` only at the end; read only, valid until the next read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Records that are passed over are small and lie close together, so that one read serves many. */
const WINDOW_BYTES = 64 * 1024;

export function bytesSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) };
}

/** @throws CopresenceError RECORDING_INVALID when it is a folder or a pipe, which cannot be read from any place. */
export async function fileSource(file: FileHandle): Promise<ByteSource> {
  const stats = await file.stat();
  if (!stats.isFile()) throw invalidAt(0, 'not a file');
  const { size } = stats;
  const window = new Uint8Array(WINDOW_BYTES);
  let windowAt = 0;
  let windowBytes = 0;
  const fill = async (into: Uint8Array, offset: number): Promise<number> => {
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await file.read(into, filled, into.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  };
  return {
    size,
    async read(offset, length) {
      if (length > WINDOW_BYTES / 2) {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        return bytes.subarray(0, await fill(bytes, offset));
      }
      if (offset < windowAt || offset + length > windowAt + windowBytes) {
        windowAt = offset;
        windowBytes = await fill(window, offset);
      }
      return window.subarray(offset - windowAt, Math.min(offset - windowAt + length, windowBytes));
    },
  };
}
