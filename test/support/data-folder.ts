/** Finds the optional folder of data sets for tests that read real data; they skip without it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** `COPRESENCE_DATA`, else the folder `shared/data` beside the repository, else undefined. */
export function dataFolder(): string | undefined {
  const named = process.env['COPRESENCE_DATA'];
  if (named !== undefined && named !== '') return named;
  const sibling = resolve(import.meta.dirname, '../../..', 'shared/data');
  return existsSync(sibling) ? sibling : undefined;
}
