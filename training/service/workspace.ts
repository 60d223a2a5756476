/** The folder that the service works in: data sets, runs and jobs, by names that cannot lead out of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { openDataset } from '../dataset/store.ts';
import type { DatasetDescription } from '../dataset/dataset.ts';
import { readRun, RUN_FILES, type RunDescription } from '../run/folder.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** What a run made, for downloads; nothing else is handed out. */
export const SERVED_FILES: Readonly<Record<string, string>> = {
  [RUN_FILES.run]: 'application/json', [RUN_FILES.metrics]: 'application/json', [RUN_FILES.cleaning]: 'application/json', [RUN_FILES.manifest]: 'application/json',
  [RUN_FILES.card]: 'text/html; charset=utf-8', [RUN_FILES.graph]: 'application/octet-stream', [RUN_FILES.weights]: 'application/x-hdf5', [RUN_FILES.history]: 'application/jsonl',
  'optimised/pareto.json': 'application/json', 'optimised/pareto.svg': 'image/svg+xml',
};

export class Workspace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    for (const part of ['datasets', 'runs', 'jobs']) mkdirSync(join(folder, part), { recursive: true });
  }

  get jobsFolder(): string {
    return join(this.#folder, 'jobs');
  }

  /** @throws CopresenceError NOT_FOUND for an ill-formed name. */
  datasetFolder(name: string): string {
    return join(this.#folder, 'datasets', named(name, 'data set'));
  }

  runFolder(name: string): string {
    return join(this.#folder, 'runs', named(name, 'run'));
  }

  datasets(): DatasetDescription[] {
    return readdirSync(join(this.#folder, 'datasets')).filter((name) => NAME.test(name)).flatMap((name) => {
      const versions = readdirSync(join(this.#folder, 'datasets', name));
      return versions.includes('current') ? [openDataset(join(this.#folder, 'datasets', name)).description] : [];
    });
  }

  /** @throws CopresenceError NOT_FOUND. */
  existingDataset(name: string): string {
    const folder = this.datasetFolder(name);
    if (!existsSync(join(folder, 'current'))) throw new CopresenceError('NOT_FOUND', `no data set ${name}`);
    return folder;
  }

  runs(): { readonly id: string; readonly run: RunDescription }[] {
    return readdirSync(join(this.#folder, 'runs')).filter((id) => existsSync(join(this.#folder, 'runs', id, RUN_FILES.run))).map((id) => ({ id, run: readRun(this.runFolder(id)) }));
  }

  /** @throws CopresenceError NOT_FOUND. */
  existingRun(id: string): string {
    const folder = this.runFolder(id);
    if (!existsSync(join(folder, RUN_FILES.run))) throw new CopresenceError('NOT_FOUND', `no run ${id}`);
    return folder;
  }

  /** The next free id. @param taken - says of an id whether something else has it already. */
  nextRunId(name: string, taken: (id: string) => boolean): string {
    for (let number = 1; ; number++) {
      const id = `${name.slice(0, 50)}-${number}`;
      if (!existsSync(this.runFolder(id)) && !taken(id)) return id;
    }
  }

  /** @throws CopresenceError NOT_FOUND for a file that no run hands out, or that this one has not made. */
  runFile(id: string, file: string): { readonly bytes: Buffer; readonly type: string } {
    const type = Object.hasOwn(SERVED_FILES, file) ? SERVED_FILES[file] : undefined;
    const path = join(this.existingRun(id), file);
    if (type === undefined || !existsSync(path)) throw new CopresenceError('NOT_FOUND', `run ${id} has no file ${file.slice(0, 60)}`);
    return { bytes: readFileSync(path), type };
  }
}

function named(name: string, what: string): string {
  if (!NAME.test(name)) throw new CopresenceError('NOT_FOUND', `'${name.slice(0, 80)}' is not the name of a ${what}`);
  return name;
}
