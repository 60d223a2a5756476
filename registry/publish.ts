/** Publishes model versions, signs them, and moves aliases: whole or not at all, each written into the history. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { digestOf, readVerified } from './digest.ts';
import { withFolderLock } from './folder-lock.ts';
import { aliasesOf, aliasHistory, aliasName, appendHistory, MAX_REASON, readHistory, type HistoryAction, type HistoryEntry } from './history.ts';
import { GRAPH_FILE, GRAPH_FILES, modelManifest, modelName, refuseNewerManifest, type ModelManifest } from './manifest.ts';
import { SIGNATURE_FILE, signatureOf } from './signature.ts';
import type { SigningKey } from './signers.ts';
import { readManifest, versionsOf } from './versions.ts';

/** A published version's files together. */
export const MAX_MODEL_BYTES = 4 * 2 ** 30;
export const MANIFEST_FILE = 'manifest.json';

/** A folder of models that may be changed. */
export interface RegistryOptions {
  readonly modelsFolder: string;
  readonly clock: Clock;
  /** Who does it, for the history. */
  readonly by: string;
  /** Signs versions and entries of the history; without one they are unsigned. */
  readonly key?: SigningKey | undefined;
}

/** What a training cannot know. */
export interface Said {
  readonly licence?: string;
  readonly summary?: string;
  /** Files of the folder that the version is to be without: weights that no server reads, a reference that is none for those whom it serves. */
  readonly leaveOut?: readonly string[];
}

/**
 * Publishes the model in `source` (a manifest and the files that it lists; its version is ignored) as the next version of its name.
 *
 * The version appears in one step, with every file in it. Once there it is never changed.
 *
 * @param said - in place of what the folder's manifest says.
 * @throws CopresenceError MODEL_INVALID when the manifest or a file does not fit, MODEL_TAMPERED when a file differs from
 * its digest, MODEL_EXISTS when the highest version is the same model already; nothing is published then.
 */
export async function publishModel(registry: RegistryOptions, source: string, reason: string, { leaveOut = [], ...said }: Said = {}): Promise<ModelManifest> {
  checkReason(reason);
  const whole = await readDraft(source);
  const stray = leaveOut.find((file) => !(file in whole.files) || Object.values(GRAPH_FILES).some((graph) => graph === file));
  if (stray !== undefined) throw new CopresenceError('MODEL_INVALID', `${stray} cannot be left out: the manifest does not list it, or it is the graph`);
  const draft = { ...whole, ...said, files: Object.fromEntries(Object.entries(whole.files).filter(([file]) => !leaveOut.includes(file))) };
  await mkdir(registry.modelsFolder, { recursive: true });
  return changing(registry, async (history) => {
    const versions = await versionsOf(registry.modelsFolder, draft.name);
    await refuseSame(registry.modelsFolder, draft, versions.at(-1));
    const manifest: ModelManifest = { ...draft, version: String(Math.max(0, ...versions.map(Number), ...publishedOf(history, draft.name)) + 1) };
    const manifestBytes = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
    const staging = await stageVersion(registry, source, manifest, manifestBytes);
    try {
      // Before it appears: what is served is written down, whenever this process is ended.
      await note(registry, reason, { action: 'publish', model: manifest.name, version: manifest.version, manifestSha256: digestOf(manifestBytes).sha256 });
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
    await rename(staging, join(registry.modelsFolder, manifest.name, manifest.version));
    return manifest;
  });
}

/**
 * Makes an alias name a version: `production` is what servers load.
 *
 * @throws CopresenceError MODEL_INVALID for an unknown version or an ill-formed alias.
 */
export async function setAlias(registry: RegistryOptions, { model, version, alias, reason }: { model: string; version: string; alias: string; reason: string }): Promise<void> {
  if (!aliasName.safeParse(alias).success) throw new CopresenceError('MODEL_INVALID', `'${alias}' is not the name of an alias`);
  checkReason(reason);
  await changing(registry, async (history) => {
    // Reading it shows whether there is such a version, and whether its manifest still fits.
    await readManifest(registry.modelsFolder, model, version);
    const current = aliasesOf(history, model).get(alias);
    if (current !== version) await note(registry, reason, { action: 'alias', model, version, alias });
  });
}

/**
 * Makes an alias name the version again that it named before this one.
 *
 * @returns that version. @throws CopresenceError MODEL_INVALID when there is none.
 */
export async function rollBackAlias(registry: RegistryOptions, { model, alias, reason }: { model: string; alias: string; reason: string }): Promise<string> {
  const [now, ...earlier] = aliasHistory(await readHistory(registry.modelsFolder), model, alias);
  const target = earlier.find(({ version }) => version !== now?.version);
  if (target === undefined) throw new CopresenceError('MODEL_INVALID', `${alias} of ${model} named no other version before`);
  await setAlias(registry, { model, version: target.version, alias, reason });
  return target.version;
}

/** Writes down how a server's rollout of a version went. */
export async function noteRollout(registry: RegistryOptions, { model, version, outcome, reason }: { model: string; version: string; outcome: 'begun' | 'promoted' | 'rolled-back'; reason: string }): Promise<void> {
  await changing(registry, () => note(registry, reason, { action: 'rollout', model, version, outcome }));
}

/** Writes down that a retrained model was not good enough. @param version - that it was held against. */
export async function noteRetraining(registry: RegistryOptions, { model, version, reason }: { model: string; version: string; reason: string }): Promise<void> {
  await changing(registry, () => note(registry, reason, { action: 'retrain', model, version, outcome: 'refused' }));
}

/**
 * Signs a version that is there, such as one that ships, after its files have been checked.
 *
 * @throws CopresenceError MODEL_TAMPERED when a file differs from its digest.
 */
export async function signModel({ modelsFolder, clock }: RegistryOptions, key: SigningKey, model: string, version: string): Promise<void> {
  const manifest = await readManifest(modelsFolder, model, version);
  const folder = join(modelsFolder, model, version);
  await withFolderLock(modelsFolder, clock, async () => {
    for (const [file, expected] of ownFiles(manifest)) await readVerified(join(folder, file), expected);
    const path = join(folder, SIGNATURE_FILE);
    await writeFile(`${path}.new`, signatureOf(await readFile(join(folder, MANIFEST_FILE)), key));
    await rename(`${path}.new`, path);
  });
}

/** Before anything is done: what the history does not take would be done and not written down. */
function checkReason(reason: string): void {
  if (reason.length > MAX_REASON) throw new CopresenceError('CONFIG_INVALID', `a reason of ${reason.length} characters, of ${MAX_REASON} at most`);
}

async function readDraft(source: string): Promise<Omit<ModelManifest, 'version'>> {
  const path = join(source, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CopresenceError('MODEL_INVALID', `cannot read ${path}`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `${path} is no JSON`, { cause });
  }
  refuseNewerManifest(value, path);
  const parsed = modelManifest.safeParse(typeof value === 'object' && value !== null ? { ...value, version: '1' } : value);
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  const total = Object.values(parsed.data.files).reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > MAX_MODEL_BYTES) throw new CopresenceError('MODEL_INVALID', `${path}: files of ${total} bytes together are more than ${MAX_MODEL_BYTES}`);
  return parsed.data;
}

/** The same weights under a higher number would make roll-backs and comparisons mean nothing. */
async function refuseSame(modelsFolder: string, draft: Omit<ModelManifest, 'version'>, highest: string | undefined): Promise<void> {
  if (highest === undefined) return;
  const { files, thresholds, labels } = await readManifest(modelsFolder, draft.name, highest);
  const same = JSON.stringify([files, thresholds, labels]) === JSON.stringify([draft.files, draft.thresholds, draft.labels]);
  if (same) throw new CopresenceError('MODEL_EXISTS', `${draft.name} ${highest} has the same files, labels and thresholds`);
}

/**
 * Holds the folder's lock over `work`, which gets the history as it is.
 *
 * @throws CopresenceError MODEL_TAMPERED behind a broken history: nothing is changed then.
 */
async function changing<T>({ modelsFolder, clock }: RegistryOptions, work: (history: readonly HistoryEntry[]) => Promise<T>): Promise<T> {
  return withFolderLock(modelsFolder, clock, async () => {
    const history = await readHistory(modelsFolder);
    await finishPublishing(modelsFolder, history.at(-1)?.what);
    return work(history);
  });
}

/** A publisher that was ended between the history's entry and the version's name: all that the version is of lies there, and it appears now. */
async function finishPublishing(modelsFolder: string, last: HistoryAction | undefined): Promise<void> {
  if (last?.action !== 'publish' || (await versionsOf(modelsFolder, last.model)).includes(last.version)) return;
  const parent = join(modelsFolder, last.model);
  for (const staging of await stagingIn(parent)) {
    const manifest = await readFile(join(staging, MANIFEST_FILE)).catch(() => undefined);
    if (manifest !== undefined && digestOf(manifest).sha256 === last.manifestSha256) return rename(staging, join(parent, last.version));
  }
}

/** Copies into a folder that no reader takes for a version, which it returns, and checks the copies. */
async function stageVersion({ modelsFolder, key }: RegistryOptions, source: string, manifest: ModelManifest, manifestBytes: Uint8Array): Promise<string> {
  const parent = join(modelsFolder, modelName.parse(manifest.name));
  const staging = join(parent, `.staging-${randomBytes(6).toString('hex')}`);
  // Of publishers that were ended in the middle.
  for (const leftover of await stagingIn(parent)) await rm(leftover, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  try {
    for (const [file, expected] of ownFiles(manifest)) {
      await copyFile(join(source, file), join(staging, file)).catch((cause: unknown) => {
        throw new CopresenceError('MODEL_INVALID', `cannot read ${join(source, file)}, which the manifest lists`, { cause });
      });
      await readVerified(join(staging, file), expected);
      await toDisk(join(staging, file));
    }
    if (key !== undefined) await writeFile(join(staging, SIGNATURE_FILE), signatureOf(manifestBytes, key));
    await writeFile(join(staging, MANIFEST_FILE), manifestBytes);
    await toDisk(join(staging, MANIFEST_FILE));
    return staging;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** The numbers that versions of a model were published under: those that are gone are not given again. */
function publishedOf(history: readonly HistoryEntry[], name: string): number[] {
  return history.flatMap(({ what }) => (what.action === 'publish' && what.model === name ? [Number(what.version)] : []));
}

async function stagingIn(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  return names.filter((name) => name.startsWith('.staging-')).map((name) => join(parent, name));
}

/** The files beside a manifest: a graph that is converted from a package lies in a cache. */
export function ownFiles({ files, convertedFrom }: Pick<ModelManifest, 'files' | 'convertedFrom'>): [string, ModelManifest['files'][string]][] {
  return Object.entries(files).filter(([file]) => convertedFrom === undefined || file !== GRAPH_FILE);
}

async function toDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync();
  await file.close();
}

async function note({ modelsFolder, clock, by, key }: RegistryOptions, reason: string, what: HistoryAction): Promise<void> {
  await appendHistory(modelsFolder, { wallMs: clock.wallMs(), by, reason, what }, key);
}
