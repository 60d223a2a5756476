/**
 * Keeps converted graphs on disk, each under the digest that its manifest expects.
 *
 * A name that does not hold the digest would serve an old graph after the converter or the source has changed. Here
 * such a change comes with a new digest in the manifest, and so with a new place; the old one is left for a process
 * that still runs the old manifest. A graph is written beside its place and renamed into it, so that nobody sees half
 * of one: processes that convert at the same time each put the same bytes there.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { CopresenceError } from '../core/errors.ts';
import { runConverter } from './convert/converters.ts';
import type { ConverterSource } from './convert/converters.ts';
import { digestOf, fitsDigest, readVerified } from './digest.ts';
import type { FileDigest } from './digest.ts';
import { GRAPH_FILE } from './manifest.ts';
import type { Conversion, ModelManifest } from './manifest.ts';

export interface CachedConversionOptions {
  readonly manifest: ModelManifest;
  readonly conversion: Conversion;
  readonly cacheFolder: string;
}

/**
 * The path of a manifest's converted graph, converting it when it is not in the cache or is damaged there.
 *
 * @throws CopresenceError MODEL_INVALID when the package is missing, or when the conversion gives another graph than
 * the manifest expects; MODEL_TAMPERED when a source file differs from its digest; GRAPH_UNSUPPORTED.
 */
export async function cachedConversion(options: CachedConversionOptions): Promise<string> {
  const { manifest, conversion, cacheFolder } = options;
  const expected = graphDigest(manifest);
  const folder = join(cacheFolder, manifest.name, manifest.version, expected.sha256);
  const path = join(folder, GRAPH_FILE);
  if (await holds(path, expected)) return path;
  const graph = await convert(conversion);
  if (!fitsDigest(graph, expected)) {
    const { sha256, bytes } = digestOf(graph);
    throw new CopresenceError(
      'MODEL_INVALID',
      `${manifest.name} ${manifest.version} converts to ${bytes} bytes with sha256 ${sha256}; its manifest has another digest`,
    );
  }
  await mkdir(folder, { recursive: true });
  await place(graph, path);
  return path;
}

/**
 * Converts a package's files, each checked against its digest.
 *
 * @throws CopresenceError as `cachedConversion`.
 */
export async function convert(conversion: Conversion): Promise<Uint8Array> {
  const source = await readSource(conversion);
  return runConverter(conversion.converter, { ...source, ...(conversion.nodes === undefined ? {} : { nodes: conversion.nodes }) });
}

/**
 * The files that a conversion starts from, each checked against its digest.
 *
 * @throws CopresenceError MODEL_INVALID when the package or a file is missing, MODEL_TAMPERED when one differs.
 */
export async function readSource(conversion: Conversion): Promise<Pick<ConverterSource, 'topology' | 'weightFile'>> {
  const root = packageFolder(conversion.package);
  const sources = new Map<string, Uint8Array>();
  for (const [path, expected] of Object.entries(conversion.files)) {
    sources.set(path, await readVerified(join(root, path), expected));
  }
  const source = (path: string): Uint8Array => {
    const bytes = sources.get(path);
    if (bytes === undefined) throw new CopresenceError('MODEL_INVALID', `convertedFrom.files does not list ${path}`);
    return bytes;
  };
  const beside = posix.dirname(conversion.topology);
  return { topology: source(conversion.topology), weightFile: (path) => source(posix.join(beside, path)) };
}

function graphDigest(manifest: ModelManifest): FileDigest {
  const expected = manifest.files[GRAPH_FILE];
  if (expected === undefined) throw new CopresenceError('MODEL_INVALID', `${manifest.name} lists no ${GRAPH_FILE}`);
  return expected;
}

/** Whether the cache has the graph; a damaged one counts as missing and is replaced. */
async function holds(path: string, expected: FileDigest): Promise<boolean> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new CopresenceError('MODEL_INVALID', `cannot read ${path}`, { cause });
  });
  return bytes !== undefined && fitsDigest(bytes, expected);
}

async function place(graph: Uint8Array, path: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, graph);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function packageFolder(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `the package ${name} is not installed`, { cause });
  }
}
