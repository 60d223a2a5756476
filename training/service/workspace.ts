/** The folder that the service works in: data sets, what was made of them, and jobs, by names that cannot lead out of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { readDescription } from '../dataset/store.ts';
import type { DatasetDescription } from '../dataset/dataset.ts';
import { RUN_FILES } from '../run/folder.ts';
import { TUNING_FILES } from '../tuning/folder.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** What is made here, each in a folder of its own, with the file that says that it is one. */
const MARKS = { runs: RUN_FILES.run, tunings: TUNING_FILES.tuning, 'cross-validations': RUN_FILES.metrics, imports: 'package/manifest.json' } as const;
export type Place = keyof typeof MARKS;
const PLACES = Object.keys(MARKS) as Place[];

const [JSON_TYPE, HTML_TYPE, BYTES_TYPE] = ['application/json', 'text/html; charset=utf-8', 'application/octet-stream'];

/** Files that may be had, with their types; nothing else is handed out. */
const SERVED_FILES: Readonly<Record<Place, Readonly<Record<string, string>>>> = {
  runs: {
    [RUN_FILES.run]: JSON_TYPE, [RUN_FILES.metrics]: JSON_TYPE, [RUN_FILES.cleaning]: JSON_TYPE, [RUN_FILES.manifest]: JSON_TYPE, [RUN_FILES.card]: HTML_TYPE,
    [RUN_FILES.graph]: BYTES_TYPE, [RUN_FILES.weights]: 'application/x-hdf5', [RUN_FILES.history]: 'application/jsonl', 'optimised/pareto.json': JSON_TYPE, 'optimised/pareto.svg': 'image/svg+xml',
  },
  tunings: { [TUNING_FILES.tuning]: JSON_TYPE, [TUNING_FILES.trials]: 'application/jsonl' },
  'cross-validations': { [RUN_FILES.metrics]: JSON_TYPE, [RUN_FILES.card]: HTML_TYPE },
  imports: { 'package/manifest.json': JSON_TYPE, 'package/card.html': HTML_TYPE, 'package/model.onnx': BYTES_TYPE },
};

export class Workspace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    for (const part of ['datasets', 'inspections', 'jobs', ...PLACES]) mkdirSync(join(folder, part), { recursive: true });
    // What was brought for an import that an earlier process did not end is of no use: imports are not taken up again.
    for (const id of readdirSync(join(folder, 'imports'))) rmSync(join(folder, 'imports', id, 'source'), { recursive: true, force: true });
  }

  get jobsFolder(): string {
    return join(this.#folder, 'jobs');
  }

  /** @throws CopresenceError NOT_FOUND for an ill-formed name. */
  datasetFolder(name: string): string {
    return join(this.#folder, 'datasets', named(name, 'data set'));
  }

  datasets(): DatasetDescription[] {
    return readdirSync(join(this.#folder, 'datasets')).filter((name) => NAME.test(name)).flatMap((name) => {
      const folder = join(this.#folder, 'datasets', name);
      return existsSync(join(folder, 'current')) ? [readDescription(folder)] : [];
    });
  }

  /** @throws CopresenceError NOT_FOUND. */
  existingDataset(name: string): string {
    const folder = this.datasetFolder(name);
    if (!existsSync(join(folder, 'current'))) throw new CopresenceError('NOT_FOUND', `no data set ${name}`);
    return folder;
  }

  /** Where the inspection of one version of a data set is kept; a version never changes. */
  inspectionFile({ name, version }: DatasetDescription): string {
    return join(this.#folder, 'inspections', `${named(name, 'data set')}-${version}.json`);
  }

  /** @throws CopresenceError NOT_FOUND for an ill-formed id. */
  folder(place: Place, id: string): string {
    return join(this.#folder, place, named(id, 'place of work'));
  }

  /** Ids of what is there, in the order of their names. */
  list(place: Place): string[] {
    return readdirSync(join(this.#folder, place)).filter((id) => NAME.test(id) && existsSync(join(this.#folder, place, id, MARKS[place])));
  }

  /** @throws CopresenceError NOT_FOUND. */
  existing(place: Place, id: string): string {
    const folder = this.folder(place, id);
    if (!existsSync(join(folder, MARKS[place]))) throw new CopresenceError('NOT_FOUND', `no ${id} among the ${place}`);
    return folder;
  }

  /** The next id that is free in all places, since what is made in one may leave something of its name in another. @param taken - says of an id whether something else has it already. */
  nextId(name: string, taken: (id: string) => boolean): string {
    for (let number = 1; ; number++) {
      const id = `${name.slice(0, 50)}-${number}`;
      if (!PLACES.some((place) => existsSync(this.folder(place, id))) && !taken(id)) return id;
    }
  }

  /** @throws CopresenceError NOT_FOUND for a file that is not handed out, or has not been made. */
  file(place: Place, id: string, file: string): { readonly bytes: Buffer; readonly type: string } {
    const types = SERVED_FILES[place];
    const type = Object.hasOwn(types, file) ? types[file] : undefined;
    const path = join(this.existing(place, id), file);
    if (type === undefined || !existsSync(path)) throw new CopresenceError('NOT_FOUND', `${id} has no file ${file.slice(0, 60)}`);
    return { bytes: readFileSync(path), type };
  }

  /** One of its JSON files. @throws CopresenceError as `file`. */
  json(place: Place, id: string, file: string): unknown {
    return JSON.parse(this.file(place, id, file).bytes.toString('utf8'));
  }
}

function named(name: string, what: string): string {
  if (!NAME.test(name)) throw new CopresenceError('NOT_FOUND', `'${name.slice(0, 80)}' is not the name of a ${what}`);
  return name;
}
