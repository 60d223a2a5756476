/** The models' life over real HTTP: from a CSV to what is in production, by people with different roles, and what is refused. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { readHistory } from '../../../registry/history.ts';
import { createKeyPair, readSigners, readSigningKey } from '../../../registry/signers.ts';
import { openModelStore } from '../../../registry/store.ts';
import { accessOf, makeToken, readAccess, type Role } from '../../../training/service/access.ts';
import { createApi } from '../../../training/service/api.ts';
import { JobDesk, type JobRecord } from '../../../training/service/job-desk.ts';
import { Workspace } from '../../../training/service/workspace.ts';
import { until } from '../../support/until.ts';

const clock = systemClock();
const made = Object.fromEntries((['read', 'train', 'publish', 'promote'] as const).map((role) => [role, makeToken(role, role === 'read' ? ['read'] : ['read', role])])) as Record<Role, ReturnType<typeof makeToken>>;
const pair = createKeyPair();
const audit: string[] = [];
let folder = '';
let url = '';
let server: ServerType;
let desk: JobDesk;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'service-'));
  const workspace = new Workspace(join(folder, 'work'));
  desk = new JobDesk(workspace.jobsFolder, clock);
  const app = createApi({
    access: accessOf(Object.values(made).map(({ entry }) => entry)), workspace, desk, modelsFolder: join(folder, 'models'), key: readSigningKey(pair.privateKey), clock,
    audit: ({ who, call, outcome }) => audit.push(`${who} ${call} ${outcome}`),
  });
  server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await desk.close();
  rmSync(folder, { recursive: true });
});

/** A call as whoever has this role; `read` is everybody's. */
async function call(role: Role | undefined, method: string, path: string, body?: object | string): Promise<{ status: number; json: Record<string, unknown>; text: string }> {
  const response = await fetch(`${url}${path}`, {
    method, headers: role === undefined ? {} : { authorization: `Bearer ${made[role].token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
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

  it('keeps a job that was cancelled, and lets its run go on', { timeout: 120_000 }, async () => {
    await call('train', 'PUT', '/v1/datasets/more?format=csv&label=what&participant=who', table(2));
    const long = { ...config, network: { ...config.network, maxEpochs: 900, patience: 900 } };
    const asked = await call('train', 'POST', '/v1/runs', { dataset: 'more', config: long });
    const second = await call('train', 'POST', '/v1/runs', { dataset: 'more', config });
    expect(second.json).toMatchObject({ run: 'more-2', job: { state: 'waiting' } });
    const { id } = asked.json['job'] as JobRecord;
    await until(() => desk.get(id).progress?.stage === 'mlp', undefined, 60_000);
    expect(await call('train', 'POST', '/v1/runs/more-1/resume')).toMatchObject({ status: 409, json: { code: 'RUN_INVALID' } });
    expect((await call('train', 'DELETE', `/v1/jobs/${id}`)).status).toBe(202);
    expect(await jobDone(asked)).toMatchObject({ state: 'cancelled' });
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
