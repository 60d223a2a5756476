/**
 * What was done to the models under one folder: an append-only log, one JSON line an entry.
 *
 * Each line holds the SHA-256 of the line before it, so that none can be changed or taken out from between the others
 * unnoticed; what is cut off at the end can be, unless somebody else keeps the last digest (audit.ts). Aliases, and so what is in
 * production, follow from the log and stand nowhere else.
 */
import { createHash } from 'node:crypto';
import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { modelName, modelVersion } from './manifest.ts';
import { requireSigner, type Signers, type SigningKey } from './signers.ts';

export const HISTORY_FILE = 'history.jsonl';
/** The alias whose version a server loads. */
export const PRODUCTION = 'production';

/** UTF-16 units of why something was done. */
export const MAX_REASON = 500;

export const aliasName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

const what = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('publish'), model: modelName, version: modelVersion, manifestSha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.strictObject({ action: z.literal('rollout'), model: modelName, version: modelVersion, outcome: z.enum(['begun', 'promoted', 'rolled-back']) }),
  /** A retrained model was not good enough to be published beside this version. */
  z.strictObject({ action: z.literal('retrain'), model: modelName, version: modelVersion, outcome: z.literal('refused') }),
  z.strictObject({ action: z.literal('alias'), model: modelName, version: modelVersion, alias: aliasName }),
]);
/** Something that was done. */
export type HistoryAction = z.infer<typeof what>;

const entry = z.strictObject({
  /** From 1 up. */
  sequence: z.int().positive(),
  /** Unix time, milliseconds. */
  wallMs: z.int(),
  /** Who says that they did it; what counts is the signature. */
  by: z.string().min(1).max(64),
  reason: z.string().max(MAX_REASON),
  what,
  /** SHA-256 of the line before, without its line feed; of nothing for the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
});
export type HistoryEntry = z.infer<typeof entry>;

const line = z.strictObject({ entry, keyId: z.string().optional(), signature: z.string().optional() });
type HistoryLine = z.infer<typeof line>;

export const MAX_HISTORY_BYTES = 64 * 2 ** 20;

/**
 * Reads the log and checks its chain.
 *
 * @param signers - where given, each entry has to be signed by one with the role for it.
 * @returns nothing for a folder without a log. A last line without an end was cut off by a crash and is left out.
 * @throws CopresenceError MODEL_TAMPERED with the line of a broken chain, MODEL_UNSIGNED with that of a missing signature.
 */
export async function readHistory(modelsFolder: string, signers?: Signers): Promise<HistoryEntry[]> {
  const { lines } = await readLines(join(modelsFolder, HISTORY_FILE));
  let previous = sha256('');
  return lines.map((text, index) => {
    const place = `line ${index + 1} of ${join(modelsFolder, HISTORY_FILE)}`;
    const read = parseLine(text, place);
    if (read.entry.sequence !== index + 1 || read.entry.previous !== previous) throw new CopresenceError('MODEL_TAMPERED', `${place} does not follow from the line before`);
    if (signers !== undefined) checkSignature(signers, read, place);
    previous = sha256(text);
    return read.entry;
  });
}

/** The SHA-256 of nothing, and of each line: at place `n` that of entry `n`. The chain is not checked. */
export async function historyDigests(modelsFolder: string): Promise<string[]> {
  const { lines } = await readLines(join(modelsFolder, HISTORY_FILE));
  return ['', ...lines].map(sha256);
}

/**
 * Adds an entry behind the last. One process at a time may do so: the caller holds the folder's lock.
 *
 * @throws CopresenceError MODEL_TAMPERED when what is there is broken: nothing is added to that.
 */
export async function appendHistory(modelsFolder: string, added: { wallMs: number; by: string; reason: string; what: HistoryAction }, key?: SigningKey): Promise<HistoryEntry> {
  await readHistory(modelsFolder);
  const path = join(modelsFolder, HISTORY_FILE);
  const { lines, wholeBytes } = await readLines(path);
  const next: HistoryEntry = { sequence: lines.length + 1, ...added, previous: sha256(lines.at(-1) ?? '') };
  entry.parse(next);
  const written: HistoryLine = key === undefined ? { entry: next } : { entry: next, keyId: key.keyId, signature: key.sign(signedBytes(next)) };
  const file = await open(path, 'a');
  try {
    // What a crash has left behind the last whole line would be taken for the head of this one.
    await truncate(path, wholeBytes);
    await file.appendFile(`${JSON.stringify(written)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return next;
}

/** By alias, the version of a model that it names now. */
export function aliasesOf(history: readonly HistoryEntry[], model: string): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const { what } of history) if (what.action === 'alias' && what.model === model) aliases.set(what.alias, what.version);
  return aliases;
}

/** The versions that an alias of a model has named, the newest first, each with when it began to. */
export function aliasHistory(history: readonly HistoryEntry[], model: string, alias: string): { readonly version: string; readonly sinceMs: number; readonly by: string; readonly reason: string }[] {
  const named = history.filter(({ what }) => what.action === 'alias' && what.model === model && what.alias === alias);
  return named.map(({ what, wallMs, by, reason }) => ({ version: what.version, sinceMs: wallMs, by, reason })).toReversed();
}

/** What an alias of a model named at a time, and since when; undefined when it named nothing yet. @param wallMs - Unix time, milliseconds. */
export function aliasAt(history: readonly HistoryEntry[], { model, alias, wallMs }: { readonly model: string; readonly alias: string; readonly wallMs: number }): ReturnType<typeof aliasHistory>[number] | undefined {
  return aliasHistory(history, model, alias).find(({ sinceMs }) => sinceMs <= wallMs);
}

function checkSignature(signers: Signers, { entry: signed, keyId, signature }: HistoryLine, place: string): void {
  if (keyId === undefined || signature === undefined) throw new CopresenceError('MODEL_UNSIGNED', `${place} has no signature`);
  requireSigner(signers, { keyId, signature, bytes: signedBytes(signed), role: signed.what.action === 'publish' || signed.what.action === 'retrain' ? 'publish' : 'promote', what: place });
}

/** What the signature of an entry is of: a text of its own, so that no signature of anything else can stand in for it. */
function signedBytes(signed: HistoryEntry): Uint8Array {
  return Buffer.from(`copresence history entry\n${JSON.stringify(entry.parse(signed))}`);
}

function parseLine(text: string, place: string): HistoryLine {
  try {
    return line.parse(JSON.parse(text));
  } catch (cause) {
    throw new CopresenceError('MODEL_TAMPERED', `${place} is no entry`, { cause });
  }
}

/** @returns the whole lines, and how many bytes they take. */
async function readLines(path: string): Promise<{ lines: string[]; wholeBytes: number }> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return Buffer.alloc(0);
    throw new CopresenceError('MODEL_INVALID', `cannot read ${path}`, { cause });
  });
  if (bytes.length > MAX_HISTORY_BYTES) throw new CopresenceError('MODEL_INVALID', `${path} has more than ${MAX_HISTORY_BYTES} bytes`);
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const text = bytes.subarray(0, wholeBytes).toString('utf8');
  return { lines: text === '' ? [] : text.slice(0, -1).split('\n'), wholeBytes };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
