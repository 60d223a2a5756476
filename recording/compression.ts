/** How the chunks of a recording may be compressed: the two ways that MCAP knows, and none. */
import decompressLz4 from '@foxglove/wasm-lz4';
import * as zstd from '@foxglove/wasm-zstd';

/** Names in the file; the empty one is none. */
export const COMPRESSIONS = ['', 'zstd', 'lz4'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Makes a chunk smaller. */
export interface ChunkCompressor {
  readonly name: Compression;
  compress(bytes: Uint8Array): Uint8Array;
}

/** Level 1: level 3 saves 4 % more of a recording with hands and takes twice as long. */
const ZSTD_LEVEL = 1;

/** Resolves when both decoders, which are WebAssembly, can be called. */
export async function loadCompressions(): Promise<void> {
  await Promise.all([zstd.isLoaded, decompressLz4.isLoaded]);
}

/** Zstandard. */
export async function zstdCompressor(): Promise<ChunkCompressor> {
  await zstd.isLoaded;
  return { name: 'zstd', compress: (bytes) => zstd.compress(bytes, ZSTD_LEVEL) };
}

/**
 * The bytes of a chunk as they were; `loadCompressions` comes first.
 *
 * @param size - how many bytes come out; the caller bounds it.
 * @throws Error when the bytes are damaged, or give another number of bytes.
 */
export function decompress(compression: string, bytes: Uint8Array, size: number): Uint8Array {
  const out = compression === '' ? bytes : compression === 'zstd' ? zstd.decompress(bytes, size) : compression === 'lz4' ? decompressLz4(bytes, size) : undefined;
  if (out === undefined) throw new Error(`a chunk compressed by "${compression}", which is not known`);
  if (out.length !== size) throw new Error(`a chunk of ${out.length} bytes that says it has ${size}`);
  return out;
}
