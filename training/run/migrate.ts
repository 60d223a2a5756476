/** Lifts what older versions of this program wrote to the formats of this one, with a copy of what was there. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { formatNumber } from '../../registry/format.ts';
import { MANIFEST_FORMAT, modelManifest, refuseNewerManifest } from '../../registry/manifest.ts';
import { openDataset } from '../dataset/store.ts';
import { liftRun, RUN_FILES, runDescription, writeWhole } from './folder.ts';

export interface Migration {
  /** `run.json` and the like. */
  readonly file: string;
  /** The number of its format before and now; equal where nothing had to be done. */
  readonly from: number;
  readonly to: number;
  /** The copy of what was there, where something was changed. */
  readonly backup: string | undefined;
}

/**
 * Lifts a run's folder, a model's or a data set's.
 *
 * @returns one entry for each file that has a format.
 * @throws CopresenceError FORMAT_NEWER for a file of a newer program; RUN_INVALID, MODEL_INVALID or DATASET_INVALID when a file fits no
 * format. Nothing is changed then.
 */
export function migrateFolder(folder: string): Migration[] {
  const planned: Planned[] = [];
  const [run, manifest] = [join(folder, RUN_FILES.run), join(folder, RUN_FILES.manifest)];
  if (existsSync(run)) planned.push(planRun(run));
  if (existsSync(manifest)) planned.push(planManifest(manifest));
  // Data sets are of one format so far; opening one checks all of it.
  if (planned.length === 0) return [{ file: 'dataset.json', ...ofDataset(folder), backup: undefined }];
  return planned.map(({ file, path, from, to, content }) => {
    if (content === undefined) return { file, from, to, backup: undefined };
    const backup = freeName(`${path}.v${from}`);
    copyFileSync(path, backup);
    writeWhole(path, content);
    return { file, from, to, backup };
  });
}

interface Planned {
  readonly file: string;
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** The new text; undefined where the old one is right. */
  readonly content: string | undefined;
}

function planRun(path: string): Planned {
  const { value, from, to } = liftRun(readJson(path, 'RUN_INVALID'), path);
  const parsed = runDescription.safeParse(value);
  if (!parsed.success) throw new CopresenceError('RUN_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return { file: RUN_FILES.run, path, from, to, content: from === to ? undefined : text(parsed.data) };
}

/** Never changed: a published version's digest stands in the history and under its signature. Only its format is looked at. */
function planManifest(path: string): Planned {
  const value = readJson(path, 'MODEL_INVALID');
  refuseNewerManifest(value, path);
  const parsed = modelManifest.safeParse(value);
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return { file: RUN_FILES.manifest, path, from: MANIFEST_FORMAT, to: MANIFEST_FORMAT, content: undefined };
}

function ofDataset(folder: string): { from: number; to: number } {
  const number = formatNumber(openDataset(folder).description, { name: 'copresence.dataset', field: 'format', current: 1, where: folder }) ?? 1;
  return { from: number, to: number };
}

function freeName(path: string): string {
  for (let index = 1; ; index++) {
    const name = index === 1 ? path : `${path}-${index}`;
    if (!existsSync(name)) return name;
  }
}

function readJson(path: string, code: 'RUN_INVALID' | 'MODEL_INVALID'): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CopresenceError(code, `${path} cannot be read as JSON`, { cause });
  }
}

function text(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
