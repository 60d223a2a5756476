/** The model store: finds a model version by name, checks its files against its manifest and hands out their place. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { cachedConversion } from './conversion-cache.ts';
import { readVerified } from './digest.ts';
import { GRAPH_FILE, GRAPH_FILES, modelManifest, modelName, modelVersion } from './manifest.ts';
import type { ModelManifest } from './manifest.ts';

/** A model version that is ready to load. */
export interface ResolvedModel {
  readonly manifest: ModelManifest;
  /** The graph, an ONNX file or a TensorFlow.js `model.json`, whose digest is the manifest's. */
  readonly graphPath: string;
  /** Where the manifest and its other files are. */
  readonly folder: string;
}

/**
 * The models under one folder, as `<name>/<version>/manifest.json` and the files that it lists. A version exists
 * once its manifest does, so whoever publishes one writes the manifest last.
 */
export interface ModelStore {
  /**
   * The manifests of every version, by name and then from the lowest version up; digests are not checked.
   *
   * @throws CopresenceError MODEL_INVALID with the path and the field of a manifest that does not fit its schema.
   */
  list(): Promise<ModelManifest[]>;

  /**
   * A model version with every file checked; converts the graph first where it comes from a package.
   *
   * @param version - the highest one when left out.
   * @throws CopresenceError MODEL_INVALID for an unknown or ill-formed name, version or manifest; MODEL_TAMPERED
   * when a file differs from its digest.
   */
  resolve(name: string, version?: string): Promise<ResolvedModel>;
}

export interface ModelStoreOptions {
  /** Read only. */
  readonly modelsFolder: string;
  /** Where converted graphs are kept; made when missing. Several processes may share it. */
  readonly cacheFolder: string;
}

/** Opens a store; it reads the folder anew on each call. */
export function openModelStore(options: ModelStoreOptions): ModelStore {
  const { modelsFolder, cacheFolder } = options;
  return {
    async list() {
      const manifests: ModelManifest[] = [];
      for (const name of await foldersNamed(modelsFolder, modelName)) {
        for (const version of await versionsOf(modelsFolder, name)) {
          manifests.push(await readManifest(modelsFolder, name, version));
        }
      }
      return manifests;
    },
    async resolve(name, version) {
      const found = await findVersion(modelsFolder, name, version);
      const manifest = await readManifest(modelsFolder, name, found);
      const folder = join(modelsFolder, name, found);
      return { manifest, folder, graphPath: await verify(manifest, folder, cacheFolder) };
    },
  };
}

/**
 * Resolves every model that a server is going to need, so that a missing, tampered or unconverted one shows at
 * start-up and not at the first request.
 *
 * @param names - the highest version of each is taken.
 * @returns by name.
 * @throws CopresenceError as `ModelStore.resolve`.
 */
export async function ensureModels(store: ModelStore, names: readonly string[]): Promise<Map<string, ResolvedModel>> {
  const resolved = new Map<string, ResolvedModel>();
  for (const name of names) resolved.set(name, await store.resolve(name));
  return resolved;
}

/** Checks the files beside the manifest and returns the path of the graph. */
async function verify(manifest: ModelManifest, folder: string, cacheFolder: string): Promise<string> {
  const { convertedFrom, files } = manifest;
  for (const [file, expected] of Object.entries(files)) {
    if (file === GRAPH_FILE && convertedFrom !== undefined) continue;
    await readVerified(join(folder, file), expected);
  }
  if (convertedFrom === undefined) return join(folder, GRAPH_FILES[manifest.format]);
  return cachedConversion({ manifest, conversion: convertedFrom, cacheFolder });
}

async function findVersion(modelsFolder: string, name: string, version?: string): Promise<string> {
  // The pattern keeps separators and `..` out of the path.
  if (!modelName.safeParse(name).success) throw new CopresenceError('MODEL_INVALID', `'${name}' is not a model name`);
  const versions = await versionsOf(modelsFolder, name);
  const found = version === undefined ? versions.at(-1) : versions.find((other) => other === version);
  if (found === undefined) {
    const known = versions.length === 0 ? 'none' : versions.join(', ');
    throw new CopresenceError('MODEL_INVALID', `no model ${name} ${version ?? ''} in ${modelsFolder}; versions: ${known}`);
  }
  return found;
}

/** From the lowest up; folders without a manifest are not published yet. */
async function versionsOf(modelsFolder: string, name: string): Promise<string[]> {
  const published: string[] = [];
  for (const version of await foldersNamed(join(modelsFolder, name), modelVersion)) {
    const entries = await readdir(join(modelsFolder, name, version));
    if (entries.includes('manifest.json')) published.push(version);
  }
  return published.sort((left, right) => Number(left) - Number(right));
}

/** The sorted names of the folders that fit a pattern; none when there is no such parent. */
async function foldersNamed(parent: string, pattern: z.ZodString): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new CopresenceError('MODEL_INVALID', `cannot read ${parent}`, { cause });
  });
  const folders = entries.filter((entry) => entry.isDirectory() && pattern.safeParse(entry.name).success);
  return folders.map((entry) => entry.name).sort();
}

async function readManifest(modelsFolder: string, name: string, version: string): Promise<ModelManifest> {
  const path = join(modelsFolder, name, version, 'manifest.json');
  const parsed = modelManifest.safeParse(await readJson(path));
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  const manifest = parsed.data;
  if (manifest.name !== name || manifest.version !== version) {
    throw new CopresenceError('MODEL_INVALID', `${path} describes ${manifest.name} ${manifest.version}`);
  }
  return manifest;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `${path} cannot be read as JSON`, { cause });
  }
}
