/** Holds a new model against the version in production, on samples that neither has learnt from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { GRAPH_FILE, type ModelManifest } from '../../registry/manifest.ts';
import { openModelStore } from '../../registry/store.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { chooseEncoding, type Encoding } from '../dataset/table.ts';
import { classificationReport } from '../evaluate/classification.ts';
import { openOnnx } from '../export/run-onnx.ts';
import { bestClasses } from '../models/classifier.ts';
import { OUTPUT_NAME } from '../models/export.ts';
import { encodingOf, readGraph, readRun } from '../run/folder.ts';
import type { GateFigures } from './state.ts';

export interface GateInput {
  readonly heldOut: Dataset;
  readonly runFolder: string;
  readonly modelsFolder: string;
  readonly model: string;
  /** What stands in production. */
  readonly version: string;
}

/**
 * The macro F1 of both over the held-out samples, by their best label; a label that a model does not know it never gets right.
 *
 * @throws CopresenceError RUN_INVALID, MODEL_TAMPERED or MODEL_INVALID when either cannot be run on such samples.
 */
export async function compareOnHeldOut({ heldOut, runFolder, modelsFolder, model, version }: GateInput): Promise<GateFigures> {
  const run = readRun(runFolder);
  const candidate = await scoreOf(heldOut, readGraph(runFolder), { labels: run.labels, encoding: encodingOf(run) });
  const production = await openModelStore({ modelsFolder, cacheFolder: join(modelsFolder, '.cache') }).resolve(model, version);
  return { samples: heldOut.samples.length, candidate, production: await scoreOf(heldOut, readFileSync(production.graphPath), servedAs(production.manifest, heldOut)), productionVersion: version };
}

interface Served {
  readonly labels: readonly string[];
  readonly encoding: Encoding;
}

/** How samples become rows for a version in the registry. */
function servedAs({ labels, name, version, convertedFrom, files }: ModelManifest, { description, samples }: Dataset): Served {
  if (convertedFrom !== undefined || files[GRAPH_FILE] === undefined) throw new CopresenceError('MODEL_INVALID', `${name} ${version} was not trained here, and cannot be measured on samples`);
  // Without missing values nothing is filled in, so what it would be filled with does not matter.
  return { labels: labels[OUTPUT_NAME] ?? [], encoding: chooseEncoding(description.layout, description.steps, samples) };
}

async function scoreOf({ samples }: Dataset, graph: Uint8Array, { labels, encoding }: Served): Promise<number> {
  const known = [...new Set([...labels, ...samples.map(({ label }) => label)])];
  const session = await openOnnx(graph, encoding, known);
  try {
    const predicted = bestClasses(await session.predict(samples), labels.length);
    return classificationReport({ labels: known, actual: samples.map(({ label }) => known.indexOf(label)), predicted }).macroF1;
  } finally {
    await session.close();
  }
}
