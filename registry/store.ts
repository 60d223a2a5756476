/** The model store: finds a model version by name, checks its files against its manifest and hands out their place. */
import { join } from 'node:path';
import { CopresenceError } from '../core/errors.ts';
import { cachedConversion } from './conversion-cache.ts';
import { readVerified } from './digest.ts';
import { aliasesOf, PRODUCTION, readHistory } from './history.ts';
import { GRAPH_FILE, GRAPH_FILES } from './manifest.ts';
import type { ModelManifest } from './manifest.ts';
import { requireSignature } from './signature.ts';
import { readSigners, type Signers } from './signers.ts';
import { modelsIn, readManifest, readManifestBytes, versionsOf } from './versions.ts';

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
   * @param version - when left out, what the alias `production` names, else the highest one.
   * @throws CopresenceError MODEL_INVALID for an unknown or ill-formed name, version or manifest; MODEL_TAMPERED
   * when a file differs from its digest; MODEL_UNSIGNED where signers are given and none of them has signed.
   */
  resolve(name: string, version?: string): Promise<ResolvedModel>;
}

export interface ModelStoreOptions {
  /** Read only. */
  readonly modelsFolder: string;
  /** Where converted graphs are kept; made when missing. Several processes may share it. */
  readonly cacheFolder: string;
  /** The path of a signers file: with one, only versions and aliases that they have signed count. */
  readonly signersFile?: string | undefined;
}

/** Opens a store; it reads the folder anew on each call. */
export function openModelStore({ modelsFolder, cacheFolder, signersFile }: ModelStoreOptions): ModelStore {
  const readTrusted = async (): Promise<Signers | undefined> => (signersFile === undefined ? undefined : readSigners(signersFile));
  return {
    async list() {
      const manifests: ModelManifest[] = [];
      for (const name of await modelsIn(modelsFolder)) {
        for (const version of await versionsOf(modelsFolder, name)) manifests.push(await readManifest(modelsFolder, name, version));
      }
      return manifests;
    },
    async resolve(name, version) {
      const signers = await readTrusted();
      const found = version ?? (await currentVersion(modelsFolder, name, signers));
      const folder = join(modelsFolder, name, found);
      const { manifest, bytes } = await readManifestBytes(modelsFolder, name, found);
      if (signers !== undefined) await requireSignature(folder, bytes, signers);
      return { manifest, folder, graphPath: await verify(manifest, folder, cacheFolder) };
    },
  };
}

/** What the alias `production` names, else the highest version. */
async function currentVersion(modelsFolder: string, name: string, signers: Signers | undefined): Promise<string> {
  const versions = await versionsOf(modelsFolder, name);
  const found = aliasesOf(await readHistory(modelsFolder, signers), name).get(PRODUCTION) ?? versions.at(-1);
  if (found === undefined) throw new CopresenceError('MODEL_INVALID', `no model ${name} in ${modelsFolder}; versions: none`);
  return found;
}

/**
 * Resolves every model that a server is going to need, so that a missing, tampered or unconverted one shows at
 * start-up and not at the first request.
 *
 * @param names - of each the version that `resolve` takes.
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
