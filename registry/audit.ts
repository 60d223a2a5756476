/** Holds the history and the folder of models against each other, and against what somebody has kept of the history elsewhere. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopresenceError } from '../core/errors.ts';
import { digestOf } from './digest.ts';
import { historyDigests, type HistoryEntry } from './history.ts';
import { MANIFEST_FILE } from './publish.ts';
import { modelsIn, versionsOf } from './versions.ts';

/** How long a history is and the digest of its last line: kept elsewhere, it shows later that nothing up to there was cut off or written anew. */
export interface HistoryHead {
  readonly sequence: number;
  readonly sha256: string;
}

/** Of a folder without a history `0` and the digest of nothing. */
export async function headOf(modelsFolder: string): Promise<HistoryHead> {
  const digests = await historyDigests(modelsFolder);
  return { sequence: digests.length - 1, sha256: digests.at(-1) ?? '' };
}

/** As it is told and given: `12:<64 hexadecimal digits>`. @throws CopresenceError CONFIG_INVALID. */
export function readHead(text: string): HistoryHead {
  const [, sequence, sha256] = /^(\d{1,9}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (sequence === undefined || sha256 === undefined) throw new CopresenceError('CONFIG_INVALID', `'${text.slice(0, 80)}' is no head of a history, such as verify tells: 12:<SHA-256>`);
  return { sequence: Number(sequence), sha256 };
}

/** @throws CopresenceError MODEL_TAMPERED when the history does not go on from this head. */
export async function requireHead(modelsFolder: string, { sequence, sha256 }: HistoryHead): Promise<void> {
  const digests = await historyDigests(modelsFolder);
  if (digests.length <= sequence) throw new CopresenceError('MODEL_TAMPERED', `the history has ${digests.length - 1} entries, and had ${sequence}: its end was cut off`);
  if (digests[sequence] !== sha256) throw new CopresenceError('MODEL_TAMPERED', `entry ${sequence} of the history is another than it was`);
}

export interface AuditFindings {
  /** What is not as the history says, one sentence each. */
  readonly problems: readonly string[];
  /** Versions that nothing is written of: they ship, or were put there by hand. */
  readonly unwritten: readonly string[];
}

/** Whether each version that was published is there with the manifest that it was published with. */
export async function auditVersions(modelsFolder: string, history: readonly HistoryEntry[]): Promise<AuditFindings> {
  const published = new Map(history.flatMap(({ what }): [string, string][] => (what.action === 'publish' ? [[`${what.model} ${what.version}`, what.manifestSha256]] : [])));
  const there = new Set<string>();
  const problems: string[] = [];
  for (const model of await modelsIn(modelsFolder)) {
    for (const version of await versionsOf(modelsFolder, model)) {
      there.add(`${model} ${version}`);
      const expected = published.get(`${model} ${version}`);
      if (expected === undefined) continue;
      if (digestOf(await readFile(join(modelsFolder, model, version, MANIFEST_FILE))).sha256 !== expected) problems.push(`${model} ${version} has another manifest than was published`);
    }
  }
  for (const name of published.keys()) if (!there.has(name)) problems.push(`${name} was published and is not there`);
  return { problems, unwritten: [...there].filter((name) => !published.has(name)) };
}
