/** The data set that a run learnt from. */
import { CopresenceError } from '../../core/errors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { openDataset } from '../dataset/store.ts';
import type { RunDescription } from './folder.ts';

/** @throws CopresenceError RUN_INVALID for another than the run's; as `openDataset`. */
export function openOwnData(runFolder: string, { lineage }: RunDescription, datasetFolder: string): Dataset {
  const dataset = openDataset(datasetFolder);
  const { version } = dataset.description;
  if (version !== lineage.dataset.version) throw new CopresenceError('RUN_INVALID', `${runFolder} learnt from version ${lineage.dataset.version}, not ${version}`);
  return dataset;
}
