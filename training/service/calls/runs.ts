/** Calls about training runs: beginning, going on, making smaller forms, publishing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { publishModel } from '../../../registry/publish.ts';
import { trainingConfig } from '../../run/config.ts';
import { readRun, runDescription, RUN_FILES, type RunDescription } from '../../run/folder.ts';
import type { RunMetrics } from '../../run/metrics.ts';
import { call, type Call } from '../call.ts';
import { inProcess, jobRecord } from '../job-desk.ts';
import { fileAnswer, nextId, refuseBusy, registryOf, type ApiParts } from '../parts.ts';

export const newName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/);
const runRequest = z.strictObject({
  dataset: z.string(), name: newName.optional(), config: trainingConfig.prefault({}),
  /** A finished run whose probabilities this one learns too, and one with whose weights it begins. */
  teacher: z.string().optional(), from: z.string().optional(),
});
const shares = z.array(z.number().gt(0).lt(1)).max(10).default([]);
const optimiseRequest = z.strictObject({
  minQualityShare: z.number().positive().max(1).default(0.99), maxBytes: z.int().positive().optional(), maxLatencyMs: z.number().positive().optional(),
  prune: shares, narrow: shares, scope: z.enum(['global', 'layer']).default('global'), epochs: z.int().min(1).max(1000).default(12),
  /** Other runs on the same data to compare with. */
  with: z.array(z.string()).max(8).default([]),
});
export const publishRequest = z.strictObject({ reason: z.string().max(500).default('') });
export const publishAnswer = z.strictObject({ model: z.string(), version: z.string(), signed: z.boolean() });

export const accepted = z.strictObject({ run: z.string(), job: jobRecord });
const figures = z.strictObject({ accuracy: z.number(), macroF1: z.number(), bytes: z.number(), medianMs: z.number() });
const listed = z.union([
  runDescription.extend({ id: z.string(), figures: figures.optional(), optimised: z.boolean() }),
  /** One that cannot be read. */
  z.strictObject({ id: z.string(), problem: z.string() }),
]);

export function runCalls(parts: ApiParts): Call[] {
  return [...looking(parts), ...working(parts), publishing(parts)];
}

function looking({ workspace }: ApiParts): Call[] {
  const metricsOf = (id: string): RunMetrics => workspace.json('runs', id, RUN_FILES.metrics) as RunMetrics;
  const row = (id: string): z.infer<typeof listed> => {
    try {
      const run = readRun(workspace.existing('runs', id));
      const isWhole = run.state === 'done' && existsSync(join(workspace.folder('runs', id), RUN_FILES.manifest));
      return { id, ...run, ...(isWhole ? { figures: figuresOf(metricsOf(id)) } : {}), optimised: existsSync(join(workspace.folder('runs', id), 'optimised', 'package', RUN_FILES.manifest)) };
    } catch (error) {
      if (!(error instanceof CopresenceError)) throw error;
      return { id, problem: error.code };
    }
  };
  return [
    call({ method: 'GET', path: '/v1/runs', roles: ['read'], summary: 'Lists training runs with their figures', status: 200, answer: z.strictObject({ runs: z.array(listed) }), run: () => ({ runs: workspace.list('runs').map(row) }) }),
    call({
      method: 'GET', path: '/v1/runs/{id}', roles: ['read'], summary: 'Shows a run, with all that was measured', status: 200, answer: runDescription.extend({ id: z.string(), metrics: z.unknown() }),
      run({ param }) {
        const id = param('id');
        const run = readRun(workspace.existing('runs', id));
        return { id, ...run, metrics: run.state === 'done' ? metricsOf(id) : undefined };
      },
    }),
    call({ method: 'GET', path: '/v1/runs/{id}/files/{file}', roles: ['read'], summary: 'Gives a file of a run, such as card.html or model.onnx', status: 200, run: ({ param }) => fileAnswer(workspace.file('runs', param('id'), param('file'))) }),
  ];
}

function working(parts: ApiParts): Call[] {
  const { workspace, desk } = parts;
  return [
    call({
      method: 'POST', path: '/v1/runs', roles: ['train'], summary: 'Trains', status: 202, body: runRequest, answer: accepted,
      run({ caller, body: { dataset, name: asked, config, teacher, from } }) {
        const datasetFolder = workspace.existingDataset(dataset);
        const name = asked ?? dataset.slice(0, 50);
        const folders = { teacherFolder: teacher && workspace.existing('runs', teacher), startFolder: from && workspace.existing('runs', from) };
        const id = nextId(parts, name);
        const input = { datasetFolder, runFolder: workspace.folder('runs', id), name, config, resume: false, ...folders };
        return { run: id, job: desk.ask({ kind: 'train', by: caller.name, about: id, work: inProcess('train', input, trained) }) };
      },
    }),
    call({
      method: 'POST', path: '/v1/runs/{id}/resume', roles: ['train'], summary: 'Goes on with a run that was interrupted', status: 202, answer: accepted,
      run({ caller, param }) {
        const { id, folder, run, datasetFolder } = runOf(parts, param('id'));
        if (run.state === 'done') throw new CopresenceError('RUN_INVALID', `run ${id} is finished`);
        const input = { datasetFolder, runFolder: folder, name: run.name, config: run.config, resume: true };
        return { run: id, job: desk.ask({ kind: 'train', by: caller.name, about: id, work: inProcess('train', input, trained) }) };
      },
    }),
    call({
      method: 'POST', path: '/v1/runs/{id}/optimise', roles: ['train'], summary: 'Makes smaller forms of a finished run, and chooses one', status: 202, body: optimiseRequest, answer: accepted,
      run({ caller, param, body: { minQualityShare, maxBytes, maxLatencyMs, prune, narrow, scope, epochs, with: others } }) {
        const { id, folder, run, datasetFolder } = runOf(parts, param('id'));
        if (run.state !== 'done') throw new CopresenceError('RUN_INVALID', `run ${id} is not finished`);
        const otherRuns = others.map((other) => workspace.existing('runs', other));
        const input = { runFolder: folder, datasetFolder, bounds: { minQualityShare, maxBytes, maxLatencyMs }, thinning: { sparsities: prune, unitShares: narrow, scope, epochs }, otherRuns };
        return { run: id, job: desk.ask({ kind: 'optimise', by: caller.name, about: id, work: inProcess('optimise', input, ({ chosen }) => `chosen: ${chosen}`) }) };
      },
    }),
  ];
}

function publishing(parts: ApiParts): Call {
  return call({
    method: 'POST', path: '/v1/runs/{id}/publish', roles: ['publish'], summary: 'Makes the next version of the model', status: 201, body: publishRequest.extend({ optimised: z.boolean().default(false) }), answer: publishAnswer,
    async run({ caller, param, body: { optimised, reason } }) {
      const { folder, id } = runOf(parts, param('id'));
      const source = optimised ? join(folder, 'optimised', 'package') : folder;
      if (!existsSync(join(source, RUN_FILES.manifest))) throw new CopresenceError('RUN_INVALID', `run ${id} ${optimised ? 'has no optimised form' : 'is not finished'}`);
      const { name: model, version } = await publishModel(registryOf(parts, caller), source, reason);
      return { model, version, signed: parts.key !== undefined };
    },
  });
}

/** A run that nothing is working on, and its data. */
function runOf(parts: ApiParts, id: string): { id: string; folder: string; run: RunDescription; datasetFolder: string } {
  const { workspace } = parts;
  const folder = workspace.existing('runs', id);
  refuseBusy(parts, id);
  const run = readRun(folder);
  return { id, folder, run, datasetFolder: join(workspace.datasetFolder(run.lineage.dataset.name), run.lineage.dataset.version) };
}

function figuresOf({ test: { classification: { accuracy, macroF1 } }, bytes, latency: { medianMs } }: RunMetrics): z.infer<typeof figures> {
  return { accuracy, macroF1, bytes, medianMs };
}

export function trained({ test: { classification: { accuracy, macroF1 } } }: RunMetrics): string {
  return `${(100 * accuracy).toFixed(1)} % of the test part right, macro F1 ${macroF1.toFixed(3)}`;
}
