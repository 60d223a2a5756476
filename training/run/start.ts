/** Lets a network begin with the weights of a finished run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { loadWeights } from '../checkpoint/hdf5.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { createNetwork } from '../models/network.ts';
import type { Network } from '../models/network.ts';
import { carryWeights } from '../models/warm-start.ts';
import type { CarrySource } from '../models/warm-start.ts';
import { NETWORK_FAMILIES } from './config.ts';
import type { TrainingConfig } from './config.ts';
import { fileDigest, readGraph, readRun, RUN_FILES } from './folder.ts';
import type { startRecord } from './folder.ts';
import { refuseLearnt } from './leaks.ts';
import type { PreparedData } from './prepare.ts';

export interface Start {
  readonly record: z.infer<typeof startRecord>;
  /** A network for this run's rows and labels, with what could be carried. */
  readonly network: Network;
}

/**
 * @throws CopresenceError CONFIG_INVALID when either run is no network, or nothing of it fits; RUN_INVALID for another encoding;
 * DATASET_LEAKS as `refuseLearnt`, where both have the same data set.
 */
export async function openStart(folder: string, config: TrainingConfig, dataset: Dataset, data: PreparedData): Promise<Start> {
  const family = NETWORK_FAMILIES.find((own) => own === config.family);
  if (family === undefined) throw new CopresenceError('CONFIG_INVALID', `a ${config.family} cannot begin with weights; ${NETWORK_FAMILIES.join(', ')} can`);
  const description = readRun(folder);
  const graph = readGraph(folder);
  if (description.encoding.kind !== data.encoding.kind) throw new CopresenceError('RUN_INVALID', `${folder} reads ${description.encoding.kind}, not ${data.encoding.kind}`);
  const sameData = description.lineage.dataset.version === dataset.description.version;
  if (sameData) refuseLearnt(dataset, data, description);
  const weights = join(folder, RUN_FILES.weights);
  if (!existsSync(weights)) throw new CopresenceError('CONFIG_INVALID', `${folder} has no weights: a ${description.config.family} is no network`);
  const source: CarrySource = { network: (await loadWeights(weights)).network, labels: description.labels };
  const network = createNetwork({ family, hidden: config.network.hidden }, data.tables.train, config.seed);
  const { carried, fresh } = carryWeights(network, data.labels, source);
  if (carried.length === 0) throw new CopresenceError('CONFIG_INVALID', `nothing of ${folder} fits: ${fresh.join('; ')}`);
  const record = { name: description.name, graphSha256: fileDigest(graph).sha256, carried: [...carried], fresh: [...fresh], overlap: sameData ? ('none' as const) : ('unknown' as const) };
  return { record, network };
}
