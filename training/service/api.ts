/**
 * The models' life over HTTP: data in, jobs, what they made, versions and what is in production. docs/models.md lists the calls.
 *
 * Every call needs a token with the role for it. Refusals are problem+json (RFC 9457) with the codes of core/errors.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { problemOf } from '../../core/problem.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import { aliasesOf, aliasHistory, aliasName, PRODUCTION, readHistory } from '../../registry/history.ts';
import { publishModel, rollBackAlias, setAlias, type RegistryOptions } from '../../registry/publish.ts';
import type { SigningKey } from '../../registry/signers.ts';
import { modelsIn, readManifest, versionsOf } from '../../registry/versions.ts';
import { readCsv, readJsonLines, type Collected } from '../dataset/sources.ts';
import { makeDataset, openDataset, writeDataset } from '../dataset/store.ts';
import { readTrainingConfig } from '../run/config.ts';
import { readRun, RUN_FILES } from '../run/folder.ts';
import type { Access, Caller, Role } from './access.ts';
import type { JobDesk } from './job-desk.ts';
import type { Workspace } from './workspace.ts';

export interface ApiParts {
  readonly access: Access;
  readonly workspace: Workspace;
  readonly desk: JobDesk;
  readonly modelsFolder: string;
  /** Signs what is published and promoted. */
  readonly key?: SigningKey | undefined;
  readonly clock: Clock;
  /** One line a call that changes something, or is refused. */
  readonly audit: (line: { readonly who: string; readonly call: string; readonly outcome: string }) => void;
}

/** Of a data set that is brought; files that are larger are collected from the command line. */
const MAX_UPLOAD_BYTES = 256 * 1024 * 1024;
const MAX_REQUEST_BYTES = 64 * 1024;
/** Calls a second with a token that is not known, all addresses together: tokens are too long to be guessed, this keeps the log readable. */
const STRANGERS_PER_SECOND = 10;

const STATUSES: Readonly<Partial<Record<ErrorCode, ContentfulStatusCode>>> = {
  MESSAGE_INVALID: 400, CONFIG_INVALID: 400, TOKEN_INVALID: 401, GRANT_MISSING: 403, NOT_FOUND: 404, PACKET_TOO_LARGE: 413, RATE_LIMITED: 429,
  DATASET_INVALID: 422, DATASET_TAMPERED: 422, DATASET_LEAKS: 422, RUN_INVALID: 409, MODEL_INVALID: 422, MODEL_TAMPERED: 422, MODEL_UNSIGNED: 422, MODEL_EXISTS: 409, REGISTRY_BUSY: 503,
  SERVER_FULL: 503, SERVER_DRAINING: 503,
};

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/);
const runRequest = z.strictObject({ dataset: z.string(), name: name.optional(), config: z.record(z.string(), z.unknown()).default({}) });
const bounds = z.strictObject({ minQualityShare: z.number().positive().max(1).default(0.99), maxBytes: z.int().positive().optional(), maxLatencyMs: z.number().positive().optional() });
const publishRequest = z.strictObject({ optimised: z.boolean().default(false), reason: z.string().max(500).default('') });
const aliasRequest = z.strictObject({ version: z.string(), reason: z.string().max(500).default('') });
const rollBackRequest = z.strictObject({ alias: aliasName.default(PRODUCTION), reason: z.string().max(500).default('') });

type Env = { Variables: { caller: Caller } };

export function createApi(parts: ApiParts): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((error, context) => problem(parts, context, error));
  app.notFound((context) => problem(parts, context, new CopresenceError('NOT_FOUND', `no call ${context.req.method} ${context.req.path}`)));
  const strangers = new RateLimit(STRANGERS_PER_SECOND, parts.clock.nowMs());
  app.use('/v1/*', async (context, next) => {
    const caller = parts.access.callerOf(context.req.header('authorization'));
    if (caller === undefined) {
      if (!strangers.take(parts.clock.nowMs())) throw new CopresenceError('RATE_LIMITED', 'too many calls without a token that is known');
      throw new CopresenceError('TOKEN_INVALID', 'give Authorization: Bearer <token>');
    }
    context.set('caller', caller);
    await next();
    if (context.req.method !== 'GET' && context.res.ok) parts.audit({ who: caller.name, call: `${context.req.method} ${context.req.path}`, outcome: 'done' });
  });
  addDatasets(app, parts);
  addRuns(app, parts);
  addModels(app, parts);
  return app;
}

function addDatasets(app: Hono<Env>, { workspace }: ApiParts): void {
  app.get('/v1/datasets', needs('read'), (context) => context.json({ datasets: workspace.datasets() }));
  app.get('/v1/datasets/:name', needs('read'), (context) => context.json(openDataset(workspace.existingDataset(param(context, 'name'))).description));
  app.put('/v1/datasets/:name', needs('train'), limited(MAX_UPLOAD_BYTES), async (context) => {
    const folder = workspace.datasetFolder(param(context, 'name'));
    const bytes = new Uint8Array(await context.req.arrayBuffer());
    const { source = 'uploaded', licence = 'not said', ...query } = context.req.query();
    const collected = collectedFrom(bytes, query);
    const history = [`brought by ${context.get('caller').name}`];
    const dataset = makeDataset({ name: param(context, 'name'), ...collected, sources: [{ name: source, origin: 'HTTP', licence, ...(collected.sha256 === undefined ? {} : { sha256: collected.sha256 }) }], history });
    writeDataset(folder, dataset);
    return context.json({ ...dataset.description, notes: collected.notes }, 201);
  });
}

const csvQuery = z.strictObject({ format: z.literal('csv'), label: z.string(), text: z.string().optional(), participant: z.string().optional(), group: z.string().optional(), part: z.string().optional(), hand: z.stringbool().optional() });
const linesQuery = z.strictObject({ format: z.literal('jsonl'), steps: z.coerce.number().int().min(1).default(1), hand: z.stringbool().optional() });

function collectedFrom(bytes: Uint8Array, query: Readonly<Record<string, string>>): Collected {
  const asked = check(z.discriminatedUnion('format', [csvQuery, linesQuery]), query);
  if (asked.format === 'csv') return readCsv(bytes, 'the body', asked);
  return readJsonLines(bytes, 'the body', { steps: asked.steps, layout: asked.hand === true ? { kind: 'hand' } : undefined });
}

function addRuns(app: Hono<Env>, parts: ApiParts): void {
  const { workspace, desk } = parts;
  app.get('/v1/jobs', needs('read'), (context) => context.json({ jobs: desk.list() }));
  app.get('/v1/jobs/:id', needs('read'), (context) => context.json(desk.get(param(context, 'id'))));
  app.delete('/v1/jobs/:id', needs('train'), (context) => context.json(desk.cancel(param(context, 'id')), 202));
  app.get('/v1/runs', needs('read'), (context) => context.json({ runs: workspace.runs().map(({ id, run }) => ({ id, ...run })) }));
  app.get('/v1/runs/:id', needs('read'), (context) => {
    const id = param(context, 'id');
    const run = readRun(workspace.existingRun(id));
    const metrics: unknown = run.state === 'done' ? JSON.parse(workspace.runFile(id, RUN_FILES.metrics).bytes.toString('utf8')) : undefined;
    return context.json({ id, ...run, metrics });
  });
  app.get('/v1/runs/:id/files/:file{.+}', needs('read'), (context) => {
    const { bytes, type } = workspace.runFile(param(context, 'id'), param(context, 'file'));
    // A card is a page with what the data set's labels say in it: it may run nothing, wherever it is opened.
    return context.body(new Uint8Array(bytes), 200, { 'content-type': type, 'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:", 'x-content-type-options': 'nosniff' });
  });
  app.post('/v1/runs', needs('train'), limited(MAX_REQUEST_BYTES), async (context) => {
    const asked = await bodyOf(context, runRequest);
    const datasetFolder = workspace.existingDataset(asked.dataset);
    const config = readTrainingConfig(asked.config);
    const modelName = asked.name ?? asked.dataset.slice(0, 50);
    const id = workspace.nextRunId(modelName, (own) => desk.isBusyWith(own));
    const input = { datasetFolder, runFolder: workspace.runFolder(id), name: modelName, config, resume: false };
    return context.json({ run: id, job: desk.ask({ kind: 'train', input, by: context.get('caller').name, about: id }) }, 202);
  });
  app.post('/v1/runs/:id/resume', needs('train'), (context) => {
    const { id, folder, run, datasetFolder } = runOf(parts, param(context, 'id'));
    if (run.state === 'done') throw new CopresenceError('RUN_INVALID', `run ${id} is finished`);
    const input = { datasetFolder, runFolder: folder, name: run.name, config: run.config, resume: true };
    return context.json({ run: id, job: desk.ask({ kind: 'train', input, by: context.get('caller').name, about: id }) }, 202);
  });
  app.post('/v1/runs/:id/optimise', needs('train'), limited(MAX_REQUEST_BYTES), async (context) => {
    const { id, folder, run, datasetFolder } = runOf(parts, param(context, 'id'));
    if (run.state !== 'done') throw new CopresenceError('RUN_INVALID', `run ${id} is not finished`);
    const { minQualityShare, maxBytes, maxLatencyMs } = await bodyOf(context, bounds);
    const input = { runFolder: folder, datasetFolder, bounds: { minQualityShare, maxBytes, maxLatencyMs }, thinning: { sparsities: [], unitShares: [], scope: 'global', epochs: 1 }, otherRuns: [] } as const;
    return context.json({ run: id, job: desk.ask({ kind: 'optimise', input, by: context.get('caller').name, about: id }) }, 202);
  });
}

/** A run that nothing is working on, and its data. */
function runOf({ workspace, desk }: ApiParts, id: string): { id: string; folder: string; run: ReturnType<typeof readRun>; datasetFolder: string } {
  const folder = workspace.existingRun(id);
  if (desk.isBusyWith(id)) throw new CopresenceError('RUN_INVALID', `a job about run ${id} waits or runs`);
  const run = readRun(folder);
  return { id, folder, run, datasetFolder: join(workspace.datasetFolder(run.lineage.dataset.name), run.lineage.dataset.version) };
}

function addModels(app: Hono<Env>, parts: ApiParts): void {
  const { modelsFolder, clock, key } = parts;
  const registryOf = ({ name: by }: Caller): RegistryOptions => ({ modelsFolder, clock, by, key });
  app.post('/v1/runs/:id/publish', needs('publish'), limited(MAX_REQUEST_BYTES), async (context) => {
    const { folder, id } = runOf(parts, param(context, 'id'));
    const { optimised, reason } = await bodyOf(context, publishRequest);
    const source = optimised ? join(folder, 'optimised', 'package') : folder;
    if (!existsSync(join(source, RUN_FILES.manifest))) throw new CopresenceError('RUN_INVALID', `run ${id} ${optimised ? 'has no optimised form' : 'is not finished'}`);
    const { name: model, version } = await publishModel(registryOf(context.get('caller')), source, reason);
    return context.json({ model, version, signed: key !== undefined }, 201);
  });
  app.get('/v1/models', needs('read'), async (context) => {
    const history = await readHistory(modelsFolder);
    const models = (await modelsIn(modelsFolder)).map(async (model) => ({ name: model, versions: await versionsOf(modelsFolder, model), aliases: Object.fromEntries(aliasesOf(history, model)) }));
    return context.json({ models: await Promise.all(models) });
  });
  app.get('/v1/models/:model', needs('read'), async (context) => {
    const model = param(context, 'model');
    const history = await readHistory(modelsFolder);
    const versions = (await versionsOf(modelsFolder, model)).map((version) => readManifest(modelsFolder, model, version));
    if (versions.length === 0) throw new CopresenceError('NOT_FOUND', `no model ${model}`);
    return context.json({ name: model, versions: await Promise.all(versions), aliases: Object.fromEntries(aliasesOf(history, model)), production: aliasHistory(history, model, PRODUCTION), history: history.filter(({ what }) => what.model === model) });
  });
  app.put('/v1/models/:model/aliases/:alias', needs('promote'), limited(MAX_REQUEST_BYTES), async (context) => {
    const { version, reason } = await bodyOf(context, aliasRequest);
    const [model, alias] = [param(context, 'model'), param(context, 'alias')];
    await setAlias(registryOf(context.get('caller')), { model, version, alias, reason });
    return context.json({ model, alias, version });
  });
  app.post('/v1/models/:model/roll-back', needs('promote'), limited(MAX_REQUEST_BYTES), async (context) => {
    const { alias, reason } = await bodyOf(context, rollBackRequest);
    const model = param(context, 'model');
    return context.json({ model, alias, version: await rollBackAlias(registryOf(context.get('caller')), { model, alias, reason }) });
  });
}

/** A part of the path. */
function param(context: Context<Env>, part: string): string {
  return context.req.param(part) ?? '';
}

function needs(role: Role) {
  return async (context: Context<Env>, next: () => Promise<void>): Promise<void> => {
    if (!context.get('caller').roles.has(role)) throw new CopresenceError('GRANT_MISSING', `this needs the role ${role}`);
    await next();
  };
}

function limited(maxSize: number) {
  return bodyLimit({ maxSize, onError: () => { throw new CopresenceError('PACKET_TOO_LARGE', `more than ${maxSize} bytes`); } });
}

async function bodyOf<Schema extends z.ZodType>(context: Context<Env>, schema: Schema): Promise<z.infer<Schema>> {
  const text = await context.req.text();
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new CopresenceError('MESSAGE_INVALID', 'the body is no JSON', { cause });
  }
  return check(schema, value);
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CopresenceError('MESSAGE_INVALID', z.prettifyError(parsed.error));
  return parsed.data;
}

function problem({ audit }: ApiParts, context: Context<Env>, error: unknown): Response {
  const known = error instanceof CopresenceError ? error : undefined;
  const status = (known && STATUSES[known.code]) ?? 500;
  const who = (context.get('caller') as Caller | undefined)?.name ?? 'stranger';
  audit({ who, call: `${context.req.method} ${context.req.path.slice(0, 200)}`, outcome: known?.code ?? 'INTERNAL' });
  return context.body(JSON.stringify(problemOf(error, status)), status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) });
}
