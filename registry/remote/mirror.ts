/**
 * Keeps a folder of models and an object store alike: versions never change, and of the history one is always the beginning of the other.
 *
 * Whoever changes something does so in their folder, as without a store, while they hold the store's lock: what is new is there only when
 * its manifest is, which comes last, and in production only when the history says so, which comes behind that.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { fitsDigest } from '../digest.ts';
import { HISTORY_FILE, MAX_HISTORY_BYTES, readHistory } from '../history.ts';
import { modelManifest, modelName, modelVersion } from '../manifest.ts';
import { MANIFEST_FILE, ownFiles } from '../publish.ts';
import { SIGNATURE_FILE } from '../signature.ts';
import { modelsIn, readManifest, versionsOf } from '../versions.ts';
import type { ObjectStore } from './object-store.ts';

const LOCK_KEY = 'lock.json';
const MAX_MANIFEST_BYTES = 2 ** 20;
/** A holder that has not ended within this is taken for dead; publishing a model takes minutes at most. */
const LOCK_LASTS_MS = 15 * 60_000;

export interface MirrorParts {
  readonly store: ObjectStore;
  readonly modelsFolder: string;
  readonly clock: Clock;
}

/** What came over. */
export interface Moved {
  /** As `name/version`. */
  readonly versions: readonly string[];
  readonly entries: number;
}

/**
 * Brings the folder up to what the store has; nothing is taken away.
 *
 * @throws CopresenceError MODEL_TAMPERED when a file is not what its manifest says, or the histories went different ways; then nothing of that is kept.
 */
export async function pullModels(parts: MirrorParts): Promise<Moved> {
  const { store, modelsFolder } = parts;
  await mkdir(modelsFolder, { recursive: true });
  const remote = await store.get(HISTORY_FILE, MAX_HISTORY_BYTES);
  const local = await localHistory(modelsFolder);
  if (remote !== undefined && !isBeginning(local, remote.bytes) && !isBeginning(remote.bytes, local)) throw wentApart(parts);
  const versions: string[] = [];
  for (const { model, version } of await remoteVersions(store)) {
    if ((await versionsOf(modelsFolder, model)).includes(version)) continue;
    await pullVersion(parts, model, version);
    versions.push(`${model}/${version}`);
  }
  if (remote === undefined || remote.bytes.length <= local.length) return { versions, entries: 0 };
  const before = (await readHistory(modelsFolder)).length;
  await placeHistory(modelsFolder, remote.bytes);
  return { versions, entries: (await readHistory(modelsFolder)).length - before };
}

/**
 * Brings the store up to what the folder has.
 *
 * @throws CopresenceError REGISTRY_BUSY when somebody else has changed the store meanwhile: pull first.
 */
export async function pushModels(parts: MirrorParts): Promise<Moved> {
  const { store, modelsFolder } = parts;
  const remote = await store.get(HISTORY_FILE, MAX_HISTORY_BYTES);
  const local = await localHistory(modelsFolder);
  if (remote !== undefined && !isBeginning(remote.bytes, local)) throw isBeginning(local, remote.bytes) ? busy(store) : wentApart(parts);
  const there = new Set((await remoteVersions(store)).map(({ model, version }) => `${model}/${version}`));
  const versions: string[] = [];
  for (const model of await modelsIn(modelsFolder)) {
    for (const version of await versionsOf(modelsFolder, model)) {
      if (there.has(`${model}/${version}`)) continue;
      await pushVersion(parts, model, version);
      versions.push(`${model}/${version}`);
    }
  }
  if (local.length === (remote?.bytes.length ?? 0)) return { versions, entries: 0 };
  const written = await store.put(HISTORY_FILE, local, remote === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: remote.etag });
  if (written === 'conflict') throw busy(store);
  const added = new TextDecoder().decode(local.subarray(remote?.bytes.length ?? 0));
  return { versions, entries: added.split('\n').length - 1 };
}

/**
 * Changes the folder and the store together: pulls, lets `change` work on the folder, pushes. One at a time may do so.
 *
 * @throws CopresenceError REGISTRY_BUSY with the holder of the lock, or whatever `change` throws.
 */
export async function withStore<Result>(parts: MirrorParts, by: string, change: () => Promise<Result>): Promise<Result> {
  const holder = { id: randomUUID(), by, sinceWallMs: parts.clock.wallMs() };
  await takeLock(parts, holder);
  try {
    await pullModels(parts);
    const result = await change();
    await pushModels(parts);
    return result;
  } finally {
    await parts.store.remove(LOCK_KEY);
  }
}

const lockFile = z.object({ id: z.string(), by: z.string(), sinceWallMs: z.number() });

async function takeLock({ store, clock }: MirrorParts, holder: z.infer<typeof lockFile>): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(holder));
  if ((await store.put(LOCK_KEY, bytes, { kind: 'absent' })) === 'written') return;
  const held = await store.get(LOCK_KEY, MAX_MANIFEST_BYTES);
  const known = held === undefined ? undefined : lockFile.safeParse(tryJson(held.bytes)).data;
  const isDead = held !== undefined && (known === undefined || clock.wallMs() - known.sinceWallMs > LOCK_LASTS_MS);
  if (isDead && (await store.put(LOCK_KEY, bytes, { kind: 'unchanged', etag: held.etag })) === 'written') return;
  throw new CopresenceError('REGISTRY_BUSY', `${store.name} is being changed by ${known?.by ?? 'somebody'}`);
}

async function remoteVersions(store: ObjectStore): Promise<{ model: string; version: string }[]> {
  const keys = await store.list('');
  return keys.flatMap((key) => {
    const [model, version, file, ...more] = key.split('/');
    // Whoever can write the bucket can name keys as they like: what is no name leads nowhere.
    const fits = more.length === 0 && file === MANIFEST_FILE && modelName.safeParse(model).success && modelVersion.safeParse(version).success;
    return fits && model !== undefined && version !== undefined ? [{ model, version }] : [];
  });
}

async function pullVersion({ store, modelsFolder }: MirrorParts, model: string, version: string): Promise<void> {
  const key = (file: string): string => `${model}/${version}/${file}`;
  const manifestObject = await store.get(key(MANIFEST_FILE), MAX_MANIFEST_BYTES);
  const manifest = modelManifest.safeParse(manifestObject === undefined ? undefined : tryJson(manifestObject.bytes)).data;
  if (manifestObject === undefined || manifest === undefined || manifest.name !== model || manifest.version !== version) throw new CopresenceError('MODEL_INVALID', `${store.name}${key(MANIFEST_FILE)} does not describe ${model} ${version}`);
  const parent = join(modelsFolder, model);
  await mkdir(parent, { recursive: true });
  const staging = await mkdtemp(join(parent, '.staging-'));
  try {
    for (const [file, expected] of ownFiles(manifest)) {
      const object = await store.get(key(file), expected.bytes);
      if (object === undefined || !fitsDigest(object.bytes, expected)) throw new CopresenceError('MODEL_TAMPERED', `${store.name}${key(file)} is ${object === undefined ? 'missing' : 'not the file that its manifest describes'}`);
      await writeFile(join(staging, file), object.bytes);
    }
    const signature = await store.get(key(SIGNATURE_FILE), MAX_MANIFEST_BYTES);
    if (signature !== undefined) await writeFile(join(staging, SIGNATURE_FILE), signature.bytes);
    await writeFile(join(staging, MANIFEST_FILE), manifestObject.bytes);
    await rename(staging, join(parent, version));
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function pushVersion({ store, modelsFolder }: MirrorParts, model: string, version: string): Promise<void> {
  const folder = join(modelsFolder, model, version);
  const manifest = await readManifest(modelsFolder, model, version);
  const signed = (await readdir(folder)).includes(SIGNATURE_FILE);
  const files = [...ownFiles(manifest).map(([file]) => file), ...(signed ? [SIGNATURE_FILE] : [])];
  for (const file of files) await store.put(`${model}/${version}/${file}`, await readFile(join(folder, file)));
  const manifestKey = `${model}/${version}/${MANIFEST_FILE}`;
  if ((await store.put(manifestKey, await readFile(join(folder, MANIFEST_FILE)), { kind: 'absent' })) === 'conflict') throw busy(store);
}

async function localHistory(modelsFolder: string): Promise<Uint8Array> {
  const bytes = await readFile(join(modelsFolder, HISTORY_FILE)).catch(() => Buffer.alloc(0));
  // A line that a crash has cut off was never said.
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
}

/** The chain of what came is checked before it takes the place of what was there. */
async function placeHistory(modelsFolder: string, bytes: Uint8Array): Promise<void> {
  const aside = await mkdtemp(join(dirname(join(modelsFolder, HISTORY_FILE)), '.history-'));
  try {
    await writeFile(join(aside, HISTORY_FILE), bytes);
    await readHistory(aside);
    await rename(join(aside, HISTORY_FILE), join(modelsFolder, HISTORY_FILE));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function isBeginning(first: Uint8Array, whole: Uint8Array): boolean {
  return first.length <= whole.length && Buffer.compare(first, whole.subarray(0, first.length)) === 0;
}

function busy({ name }: ObjectStore): CopresenceError {
  return new CopresenceError('REGISTRY_BUSY', `${name} was changed meanwhile: pull, and try again`);
}

function wentApart({ store, modelsFolder }: MirrorParts): CopresenceError {
  return new CopresenceError('MODEL_TAMPERED', `the history in ${modelsFolder} and the one in ${store.name} went different ways; neither is changed`);
}

function tryJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
