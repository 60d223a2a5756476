/** The service's calls about rollouts, against a real server with a real worker: begun, shown and ended, and what the server refuses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../core/clock.ts';
import { startServer, type RunningServer } from '../../../server/app.ts';
import { readConfig } from '../../../server/config.ts';
import { startModelPool, type ModelPool } from '../../../server/model/pool.ts';
import { poolVersions } from '../../../server/model/pool-versions.ts';
import type { RolloutEvent } from '../../../server/rollout/rollout-desk.ts';
import { AdminClient } from '../../../training/retrain/admin-client.ts';
import { accessOf, makeToken } from '../../../training/service/access.ts';
import { createApi } from '../../../training/service/api.ts';
import type { Env } from '../../../training/service/call.ts';
import { JobDesk } from '../../../training/service/job-desk.ts';
import { Workspace } from '../../../training/service/workspace.ts';
import { certainGesture, publish } from '../../server/model/tiny-models.ts';
import { ADMIN_TOKEN } from '../../support/running-server.ts';

const clock = systemClock();
/** Of the server: goes ten times as fast, since a trial that ends waits seconds for requests that nobody sends here. */
const FASTER = 10;
const fastClock: Clock = { ...clock, nowMs: () => clock.nowMs() * FASTER, schedule: (delayMs, run) => clock.schedule(delayMs / FASTER, run) };
const [reader, promoter] = [makeToken('guest', ['read']), makeToken('ada', ['read', 'promote'])];
const events: RolloutEvent[] = [];
const verbs: string[] = [];
let folder = '';
let pool: ModelPool;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-rollout-'));
  const modelsFolder = join(folder, 'models');
  const names = ['left', 'right'];
  for (const name of names) await publish(modelsFolder, certainGesture(name, 0.5));
  pool = await startModelPool({ clock }, { workerCount: 1, models: names.map((name) => ({ name, deadlineMs: 100 })), modelsFolder, cacheFolder: join(folder, 'cache') });
  for (const name of names) await publish(modelsFolder, certainGesture(name, 0.6), '2');
  await publish(modelsFolder, certainGesture('right', 0.7), '3');
  await writeFile(join(modelsFolder, 'right', '3', 'model.onnx'), 'cut off');
  const config = readConfig(['--port', '0', '--workers', '1', '--admin-token', ADMIN_TOKEN, '--recordings-folder', folder], {});
  server = await startServer(config, {
    clock: fastClock, pool, tokenKey: new Uint8Array(32), version: 'test', viewerFolder: '', versions: poolVersions(() => pool), onRollout: (event) => events.push(event), audit: ({ verb }) => verbs.push(verb),
  });
}, 120_000);
afterAll(async () => {
  await server.close();
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

let services = 0;
function serviceOf(options: { url: string; token: string }): Hono<Env> {
  const workspace = new Workspace(join(folder, `work-${++services}`));
  const access = accessOf([reader.entry, promoter.entry]);
  return createApi({ access, workspace, desk: new JobDesk(workspace.jobsFolder, clock), modelsFolder: join(folder, 'models'), clock, admin: new AdminClient(options), audit: () => undefined });
}

type Answer = { status: number; json: Record<string, unknown> };

async function callOf(service: Hono<Env>, path: string, body?: object, { token } = promoter): Promise<Answer> {
  const response = await service.request(`/v1/models/${path}`, { headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) });
  // A caller's own token is another matter.
  expect(response.headers.has('www-authenticate')).toBe(response.status === 401);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe('a rollout by way of the service', { timeout: 120_000 }, () => {
  it('is begun, shown and ended on the server, by whoever may', async () => {
    const service = serviceOf({ url: server.url, token: ADMIN_TOKEN });
    const call = (path: string, body?: object, who?: typeof reader): Promise<Answer> => callOf(service, path, body, who);
    expect(await call('left/rollout', undefined, reader)).toEqual({ status: 200, json: { served: { model: 'left', version: '1' }, watched: [] } });
    for (const path of ['left/rollout', 'left/rollout/end']) expect(await call(path, { version: '2' }, reader)).toMatchObject({ status: 403, json: { code: 'GRANT_MISSING' } });
    const rules = { steps: [50, 100], holdS: 3600 };
    for (const model of ['left', 'right']) expect(await call(`${model}/rollout`, { version: '2', rules })).toMatchObject({ status: 200, json: { served: { model, version: '1', rollout: { version: '2', state: 'running', percent: 50 } } } });
    expect(await call('left/rollout', undefined, reader)).toMatchObject({ json: { served: { rollout: { version: '2', state: 'running' } } } });
    expect(await call('left/rollout', { version: '2', rules })).toMatchObject({ status: 409, json: { code: 'ROLLOUT_EXISTS' } });
    const [promoted, taken] = await Promise.all([call('left/rollout/end', { end: 'promote', reason: 'better' }), call('right/rollout/end', { end: 'roll-back' })]);
    expect(promoted).toEqual({ status: 200, json: { served: { model: 'left', version: '2' }, watched: [] } });
    expect(taken).toEqual({ status: 200, json: { served: { model: 'right', version: '1' }, watched: [] } });
    expect(pool.models.map(({ key, version }) => `${key} ${version}`).sort()).toEqual(['left 2', 'right 1']);
    expect(events.map(({ model, version, outcome, reason }) => [model, version, outcome, reason].join(' ')).sort()).toEqual(['left 2 begun admin', 'left 2 promoted ada: better', 'right 2 begun admin', 'right 2 rolled-back ada: admin']);
  });

  it('is refused with the server’s reason where the server refuses, and nothing changes there', async () => {
    const service = serviceOf({ url: server.url, token: ADMIN_TOKEN });
    const before = pool.models;
    expect(await callOf(service, 'right/rollout', { version: '3' })).toMatchObject({ status: 422, json: { code: 'MODEL_TAMPERED' } });
    expect(await callOf(service, 'right/rollout', { version: '9' })).toMatchObject({ status: 422, json: { code: 'MODEL_INVALID' } });
    expect(await callOf(service, 'right/rollout', { version: '2', rules: { steps: [50, 10] } })).toMatchObject({ status: 400, json: { code: 'MESSAGE_INVALID' } });
    // Rules that say something else than the request do not win.
    expect(await callOf(service, 'right/rollout', { version: '1', rules: { version: '2' } })).toMatchObject({ status: 409, json: { code: 'ROLLOUT_EXISTS' } });
    expect(await callOf(service, 'right/rollout/end', { end: 'promote' })).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
    expect(await callOf(service, 'middle/rollout', { version: '1' })).toMatchObject({ status: 404, json: { code: 'MODEL_NOT_FOUND' } });
    expect(await callOf(service, 'middle/rollout')).toMatchObject({ status: 404, json: { code: 'MODEL_NOT_FOUND' } });
    const asked = verbs.length;
    for (const [path, body] of [['x%2F..%2F..%2Fdrain%3F/rollout', { version: '1' }], ['..%2Fdrain%3F/rollout/end', { end: 'promote' }]] as const) expect(await callOf(service, path, body), path).toMatchObject({ status: 404, json: { code: 'MODEL_NOT_FOUND' } });
    expect(verbs.length).toBe(asked);
    expect(pool.models).toEqual(before);
    expect(await callOf(service, 'right/rollout')).toEqual({ status: 200, json: { served: { model: 'right', version: '1' }, watched: [] } });
  });

  it('is a matter of the service, not of the caller, where the server is gone, is none of ours or refuses the admin token', async () => {
    const other = createServer((request, response) => {
      response.writeHead(request.method === 'GET' ? 200 : 500, { 'content-type': 'application/json' });
      response.end(request.method === 'GET' ? '{"hello": true}' : '{"code": "constructor"}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const [strange, unknown] = [serviceOf({ url: `http://127.0.0.1:${port}`, token: ADMIN_TOKEN }), serviceOf({ url: server.url, token: `${ADMIN_TOKEN}-of-yesterday` })];
    const calls = async (service: Hono<Env>): Promise<Answer[]> => [await callOf(service, 'left/rollout'), await callOf(service, 'left/rollout', { version: '1' }), await callOf(service, 'left/rollout/end', { end: 'promote' })];
    const lost = { status: 502, json: { code: 'CONNECTION_LOST' } };
    for (const answer of await calls(strange)) expect(answer).toMatchObject(lost);
    for (const answer of await calls(unknown)) expect(answer).toMatchObject({ ...lost, json: { ...lost.json, detail: expect.stringContaining('--server-token-file') } });
    await new Promise((resolve) => other.close(resolve));
    for (const answer of await calls(strange)) expect(answer).toMatchObject({ ...lost, json: { ...lost.json, detail: expect.stringContaining('no answer') } });
  });
});
