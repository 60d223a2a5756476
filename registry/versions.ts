/** What lies in a folder of models: names, versions and their manifests. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { modelManifest, modelName, modelVersion, refuseNewerManifest, type ModelManifest } from './manifest.ts';

/** Sorted; none when there is no such folder. */
export function modelsIn(modelsFolder: string): Promise<string[]> {
  return foldersNamed(modelsFolder, modelName);
}

/**
 * From the lowest up; folders without a manifest are not published yet.
 *
 * @throws CopresenceError MODEL_INVALID for an ill-formed name.
 */
export async function versionsOf(modelsFolder: string, name: string): Promise<string[]> {
  // The pattern keeps separators and `..` out of the path.
  if (!modelName.safeParse(name).success) throw new CopresenceError('MODEL_INVALID', `'${name}' is not a model name`);
  const published: string[] = [];
  for (const version of await foldersNamed(join(modelsFolder, name), modelVersion)) {
    const entries = await readdir(join(modelsFolder, name, version));
    if (entries.includes('manifest.json')) published.push(version);
  }
  return published.sort((left, right) => Number(left) - Number(right));
}

/** @throws CopresenceError MODEL_INVALID for an unknown or ill-formed name or version, or a manifest that does not fit. */
export async function readManifest(modelsFolder: string, name: string, version: string): Promise<ModelManifest> {
  return (await readManifestBytes(modelsFolder, name, version)).manifest;
}

/** The same with the bytes that were read, which signatures are of. */
export async function readManifestBytes(modelsFolder: string, name: string, version: string): Promise<{ readonly manifest: ModelManifest; readonly bytes: Uint8Array }> {
  const versions = await versionsOf(modelsFolder, name);
  if (!versions.includes(version)) throw new CopresenceError('MODEL_INVALID', `no model ${name} ${version} in ${modelsFolder}; versions: ${versions.join(', ') || 'none'}`);
  const path = join(modelsFolder, name, version, 'manifest.json');
  const bytes = await readFile(path);
  const value = parseJson(bytes, path);
  refuseNewerManifest(value, path);
  const parsed = modelManifest.safeParse(value);
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  const manifest = parsed.data;
  if (manifest.name !== name || manifest.version !== version) throw new CopresenceError('MODEL_INVALID', `${path} describes ${manifest.name} ${manifest.version}`);
  return { manifest, bytes };
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

function parseJson(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `${path} cannot be read as JSON`, { cause });
  }
}
