/** What was done to a model, and which version was in production when, as admins are told. */
import { CopresenceError } from '../../../core/errors.ts';
import { aliasAt, PRODUCTION, readHistory, type HistoryEntry } from '../../../registry/history.ts';
import { readSigners } from '../../../registry/signers.ts';

export interface ModelsPlace {
  readonly folder: string;
  /** With one, only a history counts whose entries are signed. */
  readonly signersFile: string | undefined;
}

/** Of older entries there is the file. */
const MAX_ENTRIES = 500;

/** Newest first. @throws CopresenceError MODEL_TAMPERED or MODEL_UNSIGNED for a history that is not to be believed. */
export async function modelHistory(place: ModelsPlace, model: string): Promise<unknown> {
  const entries = (await historyOf(place)).filter(({ what }) => what.model === model);
  return { model, entries: entries.slice(-MAX_ENTRIES).toReversed().map(({ wallMs, by, reason, what: { model: _, ...what } }) => ({ wallMs, by, reason, ...what })) };
}

/** @param wallMs - Unix time. @throws CopresenceError NOT_FOUND when production named nothing then, or as `modelHistory`. */
export async function modelAt(place: ModelsPlace, model: string, wallMs: number): Promise<unknown> {
  const found = aliasAt(await historyOf(place), { model, alias: PRODUCTION, wallMs });
  if (found === undefined) throw new CopresenceError('NOT_FOUND', `production of ${model} named nothing then`);
  return { model, ...found };
}

async function historyOf({ folder, signersFile }: ModelsPlace): Promise<readonly HistoryEntry[]> {
  return readHistory(folder, signersFile === undefined ? undefined : await readSigners(signersFile));
}
