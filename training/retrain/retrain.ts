/**
 * Retrains a model by a plan, in steps that are each done once: collect, train, gate, publish, begin a trial, tell.
 *
 * The state is written before a step is begun, and each step finds out by what it has left whether it was done already. So whoever is
 * interrupted, anywhere, is taken up by the next call, and nothing is published half or twice. A new version never goes straight into
 * production: it is published without an alias, and the server tries it as any other.
 */
import { existsSync, rmSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { digestOf } from '../../registry/digest.ts';
import { aliasesOf, PRODUCTION, readHistory } from '../../registry/history.ts';
import { modelManifest } from '../../registry/manifest.ts';
import { noteRetraining, publishModel, setAlias, type RegistryOptions } from '../../registry/publish.ts';
import { readManifest, versionsOf } from '../../registry/versions.ts';
import { openDataset, writeDataset } from '../dataset/store.ts';
import type { FitProgress } from '../models/fit.ts';
import { readRun, RUN_FILES } from '../run/folder.ts';
import type { JobOptions } from '../run/job.ts';
import type { TrainRequest } from '../run/train-run.ts';
import type { AdminClient } from './admin-client.ts';
import { collectMaterial } from './collect.ts';
import { compareOnHeldOut } from './gate.ts';
import type { RetrainPlan } from './plan.ts';
import { readState, writeState, type RetrainCycle } from './state.ts';

export interface RetrainParts {
  readonly clock: Clock;
  /** Of the plan's folder of models. */
  readonly registry: RegistryOptions;
  /** Runs one training, in a process of its own. */
  readonly train: (request: TrainRequest, options: JobOptions) => Promise<unknown>;
  /** Of the plan's server, where it has one. */
  readonly admin: AdminClient | undefined;
  /** Sends a fact to whoever is to be alerted. */
  readonly alert: (fact: object) => void;
  readonly onProgress?: (progress: FitProgress) => void;
  readonly signal?: AbortSignal;
  /** Hears of each step before it is begun. */
  readonly onStep?: (cycle: RetrainCycle) => void;
}

/** `unchanged`: there is nothing to learn from that was not there the last time. */
export type RetrainResult = { readonly kind: 'unchanged' } | { readonly kind: 'ended'; readonly cycle: RetrainCycle };

/**
 * Begins a retraining, or takes up one that was left. One process at a time: the caller holds the lock of the work folder.
 *
 * @throws CopresenceError as the steps do; the next call begins with the step that failed.
 */
export async function retrain(plan: RetrainPlan, parts: RetrainParts): Promise<RetrainResult> {
  let cycle = readState(plan.work).cycle ?? (await collect(plan));
  if (cycle === undefined) return { kind: 'unchanged' };
  for (;;) {
    writeState(plan.work, { ...readState(plan.work), cycle });
    if (parts.signal?.aborted === true) throw new CopresenceError('WORKER_FAILED', `the retraining was interrupted before the step ${cycle.step}; the next call goes on with it`);
    parts.onStep?.(cycle);
    const next: RetrainCycle | 'ended' = await STEPS[cycle.step](plan, parts, cycle);
    if (next === 'ended') break;
    cycle = next;
  }
  writeState(plan.work, { format: 'copresence.retrain.v1', last: cycle });
  return { kind: 'ended', cycle };
}

type Step = (plan: RetrainPlan, parts: RetrainParts, cycle: RetrainCycle) => Promise<RetrainCycle | 'ended'>;

const STEPS: Readonly<Record<RetrainCycle['step'], Step>> = { train, gate, publish, try: tryOnServer, tell };

async function collect(plan: RetrainPlan): Promise<RetrainCycle | undefined> {
  const heldOut = openDataset(plan.heldOut);
  const dataset = await collectMaterial({ ...plan, heldOut });
  const material = digestOf(Buffer.from(JSON.stringify([dataset.description.version, plan.config, heldOut.description.version, plan.gate]))).sha256.slice(0, 16);
  const { last } = readState(plan.work);
  if (last?.material === material) return undefined;
  return { number: (last?.number ?? 0) + 1, material, datasetFolder: writeDataset(join(plan.work, 'data', plan.model), dataset), step: 'train' };
}

function runFolderOf({ work }: RetrainPlan, { number }: RetrainCycle): string {
  return join(work, 'runs', String(number));
}

async function train(plan: RetrainPlan, { train: run, onProgress, signal }: RetrainParts, cycle: RetrainCycle): Promise<RetrainCycle> {
  const runFolder = runFolderOf(plan, cycle);
  const state = existsSync(join(runFolder, RUN_FILES.run)) ? readRun(runFolder).state : undefined;
  // Without its manifest a run that says `done` was cut off between the two.
  const isDone = state === 'done' && existsSync(join(runFolder, RUN_FILES.manifest));
  if (!isDone) {
    if (state !== undefined && state !== 'running') rmSync(runFolder, { recursive: true });
    const request = { datasetFolder: cycle.datasetFolder, runFolder, name: plan.model, config: plan.config, resume: state === 'running' };
    await run(request, { ...(onProgress === undefined ? {} : { onProgress }), ...(signal === undefined ? {} : { signal }) });
  }
  return { ...cycle, step: 'gate' };
}

async function gate(plan: RetrainPlan, { admin }: RetrainParts, cycle: RetrainCycle): Promise<RetrainCycle> {
  const { modelsFolder, model, gate: { minGain, minSamples } } = plan;
  const heldOut = openDataset(plan.heldOut);
  if (heldOut.samples.length < minSamples) throw new CopresenceError('DATASET_INVALID', `the held-out set has ${heldOut.samples.length} samples; the plan asks for ${minSamples}`);
  const version = admin === undefined ? await inProduction(modelsFolder, model) : (await admin.served(model)).version;
  const figures = await compareOnHeldOut({ heldOut, runFolder: runFolderOf(plan, cycle), modelsFolder, model, version });
  const passes = figures.candidate - figures.production >= minGain;
  return passes ? { ...cycle, figures, step: 'publish' } : { ...cycle, figures, outcome: 'refused', step: 'tell' };
}

/** What the alias names, else the highest version, as servers take it. */
async function inProduction(modelsFolder: string, model: string): Promise<string> {
  const version = aliasesOf(await readHistory(modelsFolder), model).get(PRODUCTION) ?? (await versionsOf(modelsFolder, model)).at(-1);
  if (version === undefined) throw new CopresenceError('MODEL_INVALID', `there is no version of ${model} in ${modelsFolder} to hold a new one against`);
  return version;
}

async function publish(plan: RetrainPlan, { registry }: RetrainParts, cycle: RetrainCycle): Promise<RetrainCycle> {
  const { modelsFolder, model, licence, server } = plan;
  const productionVersion = cycle.figures?.productionVersion ?? '';
  // Without the alias a server that starts takes the highest version, which the new one is going to be.
  if (aliasesOf(await readHistory(modelsFolder), model).get(PRODUCTION) === undefined) await setAlias(registry, { model, version: productionVersion, alias: PRODUCTION, reason: 'stays in production while a retrained version is tried' });
  const folder = await draftOf(runFolderOf(plan, cycle), join(plan.work, 'draft'), licence);
  const version = await publishOnce(registry, folder, model, cycle);
  await rm(folder, { recursive: true, force: true });
  // The very same model as is in production needs no trial.
  return { ...cycle, version, ...(server === undefined || version === productionVersion ? { outcome: 'published', step: 'tell' } : { step: 'try' }) };
}

/** The same files cannot be published twice in a row: then an earlier call has done so, and was ended before it could say so. */
async function publishOnce(registry: RegistryOptions, folder: string, model: string, cycle: RetrainCycle): Promise<string> {
  try {
    return (await publishModel(registry, folder, `retraining ${cycle.number} of ${cycle.material}`)).version;
  } catch (error) {
    const highest = (await versionsOf(registry.modelsFolder, model)).at(-1);
    if (!(error instanceof CopresenceError) || error.code !== 'MODEL_EXISTS' || highest === undefined) throw error;
    return highest;
  }
}

/** The finished run with a licence, in a folder of its own: a run stays as it was made. */
async function draftOf(runFolder: string, folder: string, licence: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const manifest = modelManifest.parse(JSON.parse(await readFile(join(runFolder, RUN_FILES.manifest), 'utf8')));
  for (const file of Object.keys(manifest.files)) await copyFile(join(runFolder, file), join(folder, file));
  await writeFile(join(folder, RUN_FILES.manifest), JSON.stringify({ ...manifest, licence }));
  return folder;
}

async function tryOnServer({ model, server }: RetrainPlan, { admin }: RetrainParts, cycle: RetrainCycle): Promise<RetrainCycle> {
  const version = cycle.version ?? '';
  const now = await admin?.served(model);
  // An earlier call may have begun it, and the server may even have ended it since.
  if (now !== undefined && now.version !== version && now.rollout?.version !== version) await admin?.beginRollout(model, version, server?.rules ?? {});
  return { ...cycle, outcome: 'on-trial', step: 'tell' };
}

async function tell({ model, modelsFolder }: RetrainPlan, { registry, alert }: RetrainParts, cycle: RetrainCycle): Promise<'ended'> {
  const { outcome, figures, version, number, material } = cycle;
  const fact = { event: 'retrain', model, outcome, figures, ...(version === undefined ? {} : { version }) };
  if (outcome === 'refused' && figures !== undefined) {
    await readManifest(modelsFolder, model, figures.productionVersion);
    const reason = `retraining ${number} of ${material}: macro F1 ${figures.candidate.toFixed(4)}, in production ${figures.production.toFixed(4)}, of ${figures.samples} held-out samples`;
    const isNoted = (await readHistory(modelsFolder)).some(({ what, reason: noted }) => what.action === 'retrain' && what.model === model && noted === reason);
    if (!isNoted) await noteRetraining(registry, { model, version: figures.productionVersion, reason });
  }
  alert(fact);
  return 'ended';
}
