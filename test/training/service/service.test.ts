/** The models' life over real HTTP: from a CSV to what is in production, by people with different roles, and what is refused. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { withFolderLock } from '../../../registry/folder-lock.ts';
import { readHistory } from '../../../registry/history.ts';
import { createKeyPair, readSigners, readSigningKey } from '../../../registry/signers.ts';
import { openModelStore } from '../../../registry/store.ts';
import type { RetrainCycle } from '../../../training/retrain/state.ts';
import { accessOf, makeToken, readAccess, ROLES, type Role } from '../../../training/service/access.ts';
import { callsOf, createApi } from '../../../training/service/api.ts';
import type { Call } from '../../../training/service/call.ts';
import { JobDesk, jobRecord, type JobRecord } from '../../../training/service/job-desk.ts';
import { describeCalls, problemSchema } from '../../../training/service/openapi.ts';
import { Workspace } from '../../../training/service/workspace.ts';
import { until } from '../../support/until.ts';

const clock = systemClock();
const made = {
  ...(Object.fromEntries(ROLES.map((role) => [role, makeToken(role, role === 'read' ? ['read'] : ['read', role])])) as Record<Role, ReturnType<typeof makeToken>>),
  retrain: makeToken('retrain', ['read', 'train', 'publish']),
};
const pair = createKeyPair();
const audit: string[] = [];
let folder = '';
let url = '';
let server: ServerType;
let desk: JobDesk;
let calls: readonly Call[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'service-'));
  const workspace = new Workspace(join(folder, 'work'));
  desk = new JobDesk(workspace.jobsFolder, clock);
  mkdirSync(join(folder, 'plans'));
  const parts = {
    access: accessOf(Object.values(made).map(({ entry }) => entry)), workspace, desk, modelsFolder: join(folder, 'models'), key: readSigningKey(pair.privateKey), clock, plansFolder: join(folder, 'plans'),
    audit: ({ who, call: made, outcome }: { who: string; call: string; outcome: string }): void => void audit.push(`${who} ${made} ${outcome}`),
  };
  const app = createApi(parts);
  calls = callsOf(parts);
  server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await desk.close();
  rmSync(folder, { recursive: true });
});

/** What the description promises of a call's answer. */
function answerOf(method: string, path: string): Call | undefined {
  const fits = (own: Call): boolean => new RegExp(`^${own.path.replaceAll('{file}', '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path.split('?')[0] ?? '');
  return calls.find((own) => own.method === method && fits(own));
}

/** A call as whoever has this role; `read` is everybody's. Whatever is answered has to be what is described. */
async function call(role: keyof typeof made | undefined, method: string, path: string, body?: object | string | Uint8Array | FormData): Promise<{ status: number; json: Record<string, unknown>; text: string }> {
  const response = await fetch(`${url}${path}`, {
    method, headers: role === undefined ? {} : { authorization: `Bearer ${made[role].token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' || body instanceof FormData ? body : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const described = answerOf(method, path);
  if (response.ok && described?.answer !== undefined) {
    expect(response.status).toBe(described.status);
    expect(described.answer.safeParse(JSON.parse(text)).error?.message, path).toBeUndefined();
  }
  if (!response.ok) expect(problemSchema.parse(JSON.parse(text)).status).toBe(response.status);
  return { status: response.status, text, json: response.headers.get('content-type')?.includes('json') === true ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

function table(spread: number): string {
  const random = seededRandom(spread);
  const rows = Array.from({ length: 240 }, (_, index) => [index % 2 === 0 ? 'a' : 'b', `p${index % 40}`, (randomNormal(random) + (index % 2) * 4).toFixed(4), randomNormal(random).toFixed(4)].join(','));
  return ['what,who,x,y', ...rows].join('\n');
}

async function jobDone(answer: { json: Record<string, unknown> }): Promise<JobRecord> {
  const { id } = answer.json['job'] as JobRecord;
  await until(() => !['waiting', 'running'].includes(desk.get(id).state), undefined, 120_000);
  return (await call('read', 'GET', `/v1/jobs/${id}`)).json as JobRecord;
}

/** Every event of one job, until the server ends the stream. */
async function readEvents(id: string): Promise<JobRecord[]> {
  const response = await fetch(`${url}/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${made.read.token}` } });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data = '']) => jobRecord.parse(JSON.parse(data)));
}

const config = { network: { hidden: [8], maxEpochs: 4, patience: 4, batchSize: 16, learningRate: 0.02 }, baselines: ['naive-bayes'] };

describe('the models’ life over HTTP', () => {
  it('goes from a CSV to production and back, each step by whoever has the role', { timeout: 180_000 }, async () => {
    const brought = await call('train', 'PUT', '/v1/datasets/signs?format=csv&label=what&participant=who&licence=CC0-1.0', table(1));
    expect(brought).toMatchObject({ status: 201, json: { name: 'signs', labels: ['a', 'b'], participants: 40, history: ['brought by train'], sources: [{ licence: 'CC0-1.0' }] } });
    const asked = await call('train', 'POST', '/v1/runs', { dataset: 'signs', config });
    expect(asked).toMatchObject({ status: 202, json: { run: 'signs-1', job: { kind: 'train', by: 'train' } } });
    expect(await jobDone(asked)).toMatchObject({ state: 'done', about: 'signs-1' });
    const run = (await call('read', 'GET', '/v1/runs/signs-1')).json as { metrics: { test: { classification: { accuracy: number } } } };
    expect(run.metrics.test.classification.accuracy).toBeGreaterThan(0.8);
    const card = await fetch(`${url}/v1/runs/signs-1/files/card.html`, { headers: { authorization: `Bearer ${made.read.token}` } });
    expect(card.headers.get('content-security-policy')).toContain('sandbox');
    expect(await card.text()).toContain('<html');

    expect((await call('read', 'GET', '/v1/runs')).json).toMatchObject({ runs: [{ id: 'signs-1', figures: run.metrics.test.classification }].map(({ id, figures: { accuracy } }) => ({ id, figures: { accuracy } })) });

    expect((await call('publish', 'POST', '/v1/runs/signs-1/publish', { reason: 'first' })).json).toEqual({ model: 'signs', version: '1', signed: true });
    expect(await jobDone(await call('train', 'POST', '/v1/runs/signs-1/optimise', {}))).toMatchObject({ state: 'done', kind: 'optimise' });
    expect((await call('publish', 'POST', '/v1/runs/signs-1/publish', { optimised: true })).json).toMatchObject({ version: '2' });
    for (const version of ['1', '2']) expect((await call('promote', 'PUT', '/v1/models/signs/aliases/production', { version, reason: `try ${version}` })).status).toBe(200);
    expect((await call('promote', 'POST', '/v1/models/signs/roll-back', { reason: 'worse' })).json).toEqual({ model: 'signs', alias: 'production', version: '1' });
    expect((await call('read', 'GET', '/v1/models')).json).toEqual({ models: [{ name: 'signs', versions: ['1', '2'], aliases: { production: '1' } }] });
    expect((await call('read', 'GET', '/v1/models/signs')).json).toMatchObject({ production: [{ version: '1', by: 'promote' }, { version: '2' }, { version: '1' }] });

    // A server that trusts this key loads it.
    const signersFile = join(folder, 'signers.json');
    writeFileSync(signersFile, JSON.stringify({ signers: [{ name: 'service', publicKey: pair.publicKey, roles: ['publish', 'promote'] }] }));
    expect((await readHistory(join(folder, 'models'), await readSigners(signersFile))).length).toBe(5);
    expect((await openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache'), signersFile }).resolve('signs')).manifest.version).toBe('1');
    expect(audit).toContain('promote POST /v1/models/signs/roll-back done');
  });

  it('tunes, tells of each trial as it ends, goes on where it was ended, and trains the best as a run', { timeout: 240_000 }, async () => {
    await call('train', 'PUT', '/v1/datasets/tuned?format=csv&label=what&participant=who', table(3));
    const space = { format: 'copresence.space.v1', parameters: { 'network.learningRate': { kind: 'float', low: 0.001, high: 0.1, scale: 'log' } } };
    const asked = await call('train', 'POST', '/v1/tunings', { dataset: 'tuned', config, space, trials: 3, strategy: 'random', pruning: false });
    expect(asked).toMatchObject({ status: 202, json: { tuning: 'tuned-1', job: { kind: 'tune' } } });
    const { id } = asked.json['job'] as JobRecord;
    const trials = async (): Promise<{ number: number; values: object }[]> => (await call('read', 'GET', '/v1/tunings/tuned-1')).json['trials'] as { number: number; values: object }[];
    await until(() => desk.get(id).progress?.done === 1, undefined, 120_000);
    expect(await trials()).toHaveLength(1);
    expect(await call('train', 'POST', '/v1/tunings/tuned-1/resume', {})).toMatchObject({ status: 409, json: { code: 'RUN_INVALID' } });
    await call('train', 'DELETE', `/v1/jobs/${id}`);
    expect(await jobDone(asked)).toMatchObject({ state: 'cancelled' });
    const before = await trials();
    const resumed = await call('train', 'POST', '/v1/tunings/tuned-1/resume', {});
    expect(await jobDone(resumed)).toMatchObject({ state: 'done', outcome: expect.stringMatching(/^trial \d was the best with [01]\./) });
    const after = await trials();
    expect([after.length, after.slice(0, before.length)]).toEqual([3, before]);
    expect((await call('read', 'GET', '/v1/tunings/tuned-1')).json).toMatchObject({ run: 'tuned-1', tuning: { state: 'done' } });
    expect((await call('read', 'GET', '/v1/tunings/tuned-1/page')).text).toContain('Score by trial');
    expect((await call('read', 'GET', '/v1/runs/tuned-1')).json).toMatchObject({ state: 'done' });
    expect(await call('train', 'POST', '/v1/tunings/tuned-1/resume', {})).toMatchObject({ status: 409 });
  });

  it('measures by folds, and looks into the data set', { timeout: 240_000 }, async () => {
    const dirty = `${table(4)}\na,p1,,\na,p2,900,900`.split('\n').map((line, row) => `${row === 0 ? 'row' : row},${line}`).join('\n');
    const brought = await call('train', 'PUT', '/v1/datasets/dirty?format=csv&label=what&participant=who&leaveOut=row', dirty);
    expect(brought.json).toMatchObject({ layout: { kind: 'columns', width: 2 } });
    const asked = await call('train', 'POST', '/v1/cross-validations', { dataset: 'dirty', config: { family: 'naive-bayes', baselines: [] }, folds: 3 });
    const [found, again] = [await call('read', 'GET', '/v1/datasets/dirty/inspection'), await call('read', 'GET', '/v1/datasets/dirty/inspection')];
    expect(found.json).toMatchObject({ cleaning: { seen: 242, kept: 240, byReason: { 'empty': 1, outlier: 1 } }, labels: [{ label: 'a', samples: 122, kept: 120, participants: 20 }, { label: 'b', kept: 120 }] });
    expect(again.json).toEqual(found.json);
    expect(await jobDone(asked)).toMatchObject({ state: 'done', about: 'dirty-1', outcome: expect.stringContaining('95 % interval') });
    expect((await call('read', 'GET', '/v1/cross-validations')).json).toEqual({ crossValidations: ['dirty-1'] });
    expect((await call('read', 'GET', '/v1/cross-validations/dirty-1')).json).toMatchObject({ format: 'copresence.cross-validation.v1', folds: { length: 3 } });
    expect((await call('read', 'GET', '/v1/cross-validations/dirty-1/files/card.html')).text).toContain('<html');
  });

  it('takes in a model from elsewhere and publishes it, and keeps nothing of a file that is none', { timeout: 240_000 }, async () => {
    const graph = readFileSync(join(folder, 'work', 'runs', 'signs-1', 'model.onnx'));
    const form = new FormData();
    form.append('file', new File([graph], '../model.json'));
    expect(await call('train', 'POST', '/v1/imports?name=foreign', form)).toMatchObject({ status: 400, json: { code: 'MESSAGE_INVALID' } });
    const [good, bad] = [await call('train', 'POST', '/v1/imports?name=foreign&labels=x,y&licence=MIT', graph), await call('train', 'POST', '/v1/imports?name=foreign', graph.subarray(0, 100))];
    expect(await jobDone(good)).toMatchObject({ state: 'done', about: 'foreign-1' });
    expect(await jobDone(bad)).toMatchObject({ state: 'failed', code: 'MODEL_INVALID' });
    expect(readdirSync(join(folder, 'work', 'imports', 'foreign-2'))).toEqual([]);
    expect((await call('read', 'GET', '/v1/imports')).json).toMatchObject({ imports: [{ id: 'foreign-1', manifest: { name: 'foreign', licence: 'MIT' } }] });
    expect((await call('publish', 'POST', '/v1/imports/foreign-1/publish', {})).json).toEqual({ model: 'foreign', version: '1', signed: true });
  });

  it('retrains by a plan of the operator’s, once', { timeout: 240_000 }, async () => {
    await call('train', 'PUT', '/v1/datasets/held-out?format=csv&label=what&participant=who', table(5).replaceAll(',p', ',q'));
    expect((await call('train', 'POST', '/v1/plans/signs/run')).status).toBe(403);
    const plan = { model: 'signs', modelsFolder: '../models', work: '../retraining', licence: 'CC0-1.0', base: '../work/datasets/signs', heldOut: '../work/datasets/held-out', config, gate: { minGain: -0.5, minSamples: 100 } };
    writeFileSync(join(folder, 'plans', 'signs.json'), JSON.stringify(plan));
    expect((await call('read', 'GET', '/v1/plans')).json).toEqual({ plans: [{ name: 'signs', model: 'signs', state: { format: 'copresence.retrain.v1' } }] });
    expect(await jobDone(await call('retrain', 'POST', '/v1/plans/signs/run'))).toMatchObject({ state: 'done', kind: 'retrain', outcome: expect.stringMatching(/version \d is published$/) });
    expect((await call('read', 'GET', '/v1/plans')).json).toMatchObject({ plans: [{ state: { last: { outcome: 'published' } } }] });
    expect(await jobDone(await call('retrain', 'POST', '/v1/plans/signs/run'))).toMatchObject({ outcome: 'nothing new to learn from since the last time' });
    expect((await call('read', 'GET', '/v1/models/signs/rollout')).json).toMatchObject({ code: 'NOT_FOUND' });
    for (const path of ['/v1/plans/nothing/run', '/v1/plans/..%2fsigns/run']) expect((await call('retrain', 'POST', path)).status).toBe(404);
  });

  it('ends a retraining that is cancelled before its next step, and the next call goes on with that one', { timeout: 240_000 }, async () => {
    const work = join(folder, 'retraining-2');
    const plan = { model: 'signs', modelsFolder: '../models', work: '../retraining-2', licence: 'CC0-1.0', base: '../work/datasets/signs', heldOut: '../work/datasets/held-out', config: { family: 'naive-bayes', baselines: [] }, gate: { minGain: -1, minSamples: 100 } };
    writeFileSync(join(folder, 'plans', 'cut.json'), JSON.stringify(plan));
    const modelsFolder = join(folder, 'models');
    const told = async (): Promise<string[]> => (await readHistory(modelsFolder)).map(({ what }) => `${what.action} ${what.model} ${what.version}`);
    const before = await told();
    // Somebody else changes the models, so that the step of publishing has to wait.
    const asked = await withFolderLock(modelsFolder, clock, async () => {
      const begun = await call('retrain', 'POST', '/v1/plans/cut/run');
      const { id } = begun.json['job'] as JobRecord;
      await until(() => desk.get(id).progress?.stage === 'publish', undefined, 120_000);
      expect(await call('retrain', 'POST', '/v1/plans/cut/run')).toMatchObject({ status: 409, json: { code: 'RUN_INVALID' } });
      expect(await call('train', 'DELETE', `/v1/jobs/${id}`)).toMatchObject({ status: 202, json: { state: 'running' } });
      return begun;
    });
    expect(await jobDone(asked)).toMatchObject({ state: 'cancelled', progress: { stage: 'publish' } });
    // The step that had begun came to its end, none after it has begun, and another process may work by the plan.
    const published = (await told()).slice(before.length);
    const [cycle] = ((await call('read', 'GET', '/v1/plans')).json['plans'] as { name: string; state: { cycle?: RetrainCycle } }[]).filter(({ name }) => name === 'cut').map(({ state }) => state.cycle);
    expect(cycle).toMatchObject({ number: 1, step: 'tell', outcome: 'published' });
    expect(published).toEqual([`publish signs ${cycle?.version}`]);
    expect(readdirSync(work)).not.toContain('.lock');
    const next = await jobDone(await call('retrain', 'POST', '/v1/plans/cut/run'));
    expect(next).toMatchObject({ state: 'done', progress: { stage: 'tell' }, outcome: expect.stringContaining(`version ${cycle?.version} is published`) });
    expect(await told()).toEqual([...before, ...published]);
    expect(readdirSync(join(work, 'runs'))).toEqual(['1']);
    expect((await call('read', 'GET', '/v1/plans')).json).toMatchObject({ plans: [{ name: 'cut', state: { last: { number: 1, outcome: 'published' } } }, { name: 'signs' }] });
  });

  it('keeps a job that was cancelled, and lets its run go on', { timeout: 120_000 }, async () => {
    await call('train', 'PUT', '/v1/datasets/more?format=csv&label=what&participant=who', table(2));
    const long = { ...config, network: { ...config.network, maxEpochs: 900, patience: 900 } };
    const asked = await call('train', 'POST', '/v1/runs', { dataset: 'more', config: long });
    const second = await call('train', 'POST', '/v1/runs', { dataset: 'more', config });
    expect(second.json).toMatchObject({ run: 'more-2', job: { state: 'waiting' } });
    const { id } = asked.json['job'] as JobRecord;
    const told = readEvents(id);
    await until(() => desk.get(id).progress?.stage === 'mlp', undefined, 60_000);
    expect(await call('train', 'POST', '/v1/runs/more-1/resume')).toMatchObject({ status: 409, json: { code: 'RUN_INVALID' } });
    expect((await call('train', 'DELETE', `/v1/jobs/${id}`)).status).toBe(202);
    expect(await jobDone(asked)).toMatchObject({ state: 'cancelled' });
    const events = await told;
    expect(new Set(events.map((own) => own.id))).toEqual(new Set([id]));
    expect(events.some(({ progress }) => progress?.stage === 'mlp' && progress.epoch !== undefined)).toBe(true);
    expect(events.at(-1)).toMatchObject({ state: 'cancelled' });
    expect(await jobDone(second)).toMatchObject({ state: 'done' });
    const resumed = await call('train', 'POST', '/v1/runs/more-1/resume');
    expect(resumed.status).toBe(202);
    await call('train', 'DELETE', `/v1/jobs/${(resumed.json['job'] as JobRecord).id}`);
    await jobDone(resumed);
  });
});

describe('what is refused', () => {
  it('is everything without a token, and each role what is not its own', async () => {
    expect(await call(undefined, 'GET', '/v1/models')).toMatchObject({ status: 401, json: { code: 'TOKEN_INVALID' } });
    for (const [role, method, path] of [['read', 'PUT', '/v1/datasets/x?format=csv&label=a'], ['publish', 'POST', '/v1/runs'], ['train', 'POST', '/v1/runs/signs-1/publish'], ['publish', 'PUT', '/v1/models/signs/aliases/production'], ['read', 'DELETE', '/v1/jobs/1']] as const) {
      expect(await call(role, method, path, {}), path).toMatchObject({ status: 403, json: { code: 'GRANT_MISSING' } });
    }
    for (let index = 0; index < 12; index++) await call(undefined, 'GET', '/v1/models');
    expect((await call(undefined, 'GET', '/v1/models')).status).toBe(429);
    expect((await call('read', 'GET', '/v1/models')).status).toBe(200);
  });

  it.each([
    ['an empty table', 'PUT', '/v1/datasets/bad?format=csv&label=what', '', 422, 'DATASET_INVALID'],
    ['one label only', 'PUT', '/v1/datasets/bad?format=csv&label=what', 'what,x\na,1\na,2', 422, 'DATASET_INVALID'],
    ['a column that is not there', 'PUT', '/v1/datasets/bad?format=csv&label=nothing', 'what,x\na,1\nb,2', 400, 'CONFIG_INVALID'],
    ['a format that is none', 'PUT', '/v1/datasets/bad?format=xls', 'x', 400, 'MESSAGE_INVALID'],
    ['a name that leads out', 'PUT', '/v1/datasets/..%2f..%2fetc?format=csv&label=what', 'what,x\na,1\nb,2', 404, 'NOT_FOUND'],
    ['a data set that is not there', 'POST', '/v1/runs', '{"dataset": "nothing"}', 404, 'NOT_FOUND'],
    ['a setting with a typo', 'POST', '/v1/runs', '{"dataset": "typo", "configs": {}}', 400, 'MESSAGE_INVALID'],
    ['no JSON', 'POST', '/v1/runs', '{', 400, 'MESSAGE_INVALID'],
    ['a request that is too long', 'POST', '/v1/runs', `{"dataset": "${'x'.repeat(70_000)}"}`, 413, 'PACKET_TOO_LARGE'],
    ['a call that is none', 'GET', '/v1/nothing', undefined, 404, 'NOT_FOUND'],
    ['a file that no run hands out', 'GET', '/v1/runs/signs-1/files/..%2frun.json', undefined, 404, 'NOT_FOUND'],
    ['a job that is not there', 'GET', '/v1/jobs/999', undefined, 404, 'NOT_FOUND'],
  ])('is %s', async (_, method, path, body, status, code) => {
    expect(await call('train', method, path, body)).toMatchObject({ status, json: { code } });
    expect(readdirSync(join(folder, 'work', 'datasets'))).not.toContain('bad');
  });

  it('is an access file that does not fit, and it says where', () => {
    const path = join(folder, 'access.json');
    writeFileSync(path, '{"tokens": [{"name": "ada", "sha256": "00", "roles": ["rule"]}]}');
    expect(() => readAccess(path)).toThrow(/CONFIG_INVALID: .*access.json[\s\S]*sha256[\s\S]*roles/);
    expect(() => makeToken('ada', ['rule' as Role])).toThrow(/CONFIG_INVALID/);
    expect(JSON.stringify(made.read.entry)).not.toContain(made.read.token);
  });
});

describe('the description of the service', () => {
  it('is OpenAPI 3.1, has every call, and is given to whoever asks', async () => {
    const served = (await (await fetch(`${url}/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, { description: string; parameters?: unknown }>> };
    expect(await new Validator().validate(structuredClone(served))).toEqual({ valid: true });
    expect(served).toEqual(JSON.parse(JSON.stringify(describeCalls(calls))));
    expect(Object.values(served.paths).flatMap((own) => Object.keys(own))).toHaveLength(calls.length);
    expect(served.paths['/v1/plans/{name}/run']?.['post']).toMatchObject({ description: 'Needs the role train and publish.', parameters: [{ name: 'name', in: 'path', required: true }] });
  });

  it('has a row in docs/models.md for every call', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/models.md'), 'utf8');
    for (const { path } of calls) expect(text, path).toContain(path.replaceAll(/\{(\w+)\}/g, '<$1>'));
  });
});

describe('what is damaged', () => {
  it('is named in the lists and hides nothing else, and what an import left behind is gone', async () => {
    for (const [place, file] of [['runs', 'run.json'], ['tunings', 'tuning.json']] as const) {
      mkdirSync(join(folder, 'work', place, 'broken-1'), { recursive: true });
      writeFileSync(join(folder, 'work', place, 'broken-1', file), '{');
      expect((await call('read', 'GET', `/v1/${place}`)).json[place]).toContainEqual({ id: 'broken-1', problem: 'RUN_INVALID' });
    }
    mkdirSync(join(folder, 'work', 'imports', 'left-1', 'source'), { recursive: true });
    expect(new Workspace(join(folder, 'work')).list('imports')).not.toContain('left-1');
    expect(readdirSync(join(folder, 'work', 'imports', 'left-1'))).toEqual([]);
  });
});

describe('a desk that was ended', () => {
  it('says of what it had not finished that it was interrupted', () => {
    const jobs = join(folder, 'old');
    new JobDesk(jobs, clock);
    writeFileSync(join(jobs, '7.json'), JSON.stringify({ id: '7', kind: 'train', by: 'ada', about: 'signs-9', state: 'running', askedAtMs: 1 }));
    writeFileSync(join(jobs, '8.json'), '{"id"');
    const again = new JobDesk(jobs, clock);
    expect(again.list()).toMatchObject([{ id: '7', state: 'interrupted' }]);
    expect(again.isBusyWith('signs-9')).toBe(false);
    expect(JSON.parse(readFileSync(join(jobs, '7.json'), 'utf8'))).toMatchObject({ state: 'interrupted' });
  });
});
