/** Versions of a model that are tried on a running server with real workers: a good one is promoted, a planted bad one goes by itself. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { SIGNATURE_HEADER, signatureOf } from '../../core/webhook.ts';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { digestOf } from '../../registry/digest.ts';
import { readHistory } from '../../registry/history.ts';
import { publishModel } from '../../registry/publish.ts';
import { ADMIN_TOKEN } from '../support/running-server.ts';
import { copyAsFirst, shippedFolder } from '../support/shipped.ts';
import { until } from '../support/until.ts';
import { certainGesture, publish } from '../server/model/tiny-models.ts';
import { ServerUnderTest, type Heard } from './support/server.ts';
import { streamPoses } from './support/streams.ts';

const NAME = 'gesture-mlp';
const SESSIONS = 6;
const ALERT_KEY = 'a-key-that-the-receiver-knows';
// On a busy machine either version may be late, which says nothing of what is tested here.
const QUICK = { holdS: 0.2, minSamples: 15, minAgreement: 0.8, maxMoreLate: 1 };
/** The test's hand points. */
const RIGHT = 'point';

describe('a rollout on a running server', { timeout: 180_000 }, () => {
  let folder: string;
  let server: ServerUnderTest;
  let members: Heard[];
  let streams: { stop(): void }[];
  let alerts: Server;
  const alerted: { event: string }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollout-'));
    const models = join(folder, 'models');
    for (const name of [NAME, 'avatar-language', 'dynamic-gesture-mlp']) copyAsFirst(name, models);
    alerts = createServer((request, response) => {
      let text = '';
      request.on('data', (bytes: Buffer) => (text += bytes.toString()));
      request.on('end', () => {
        expect(request.headers[SIGNATURE_HEADER]).toBe(signatureOf(text, ALERT_KEY));
        alerted.push(JSON.parse(text) as { event: string });
        response.end();
      });
    });
    await new Promise<void>((resolve) => alerts.listen(0, '127.0.0.1', resolve));
    const alertUrl = `http://127.0.0.1:${(alerts.address() as AddressInfo).port}/`;
    server = await ServerUnderTest.start(['--models-folder', models, '--video-tasks', '', '--admin-token', ADMIN_TOKEN, '--alert-url', alertUrl, '--alert-key', ALERT_KEY, '--drift-window-s', '1', '--drift-min-samples', '12']);
    await vi.waitFor(async () => expect((await server.get('/v2/health/ready')).status).toBe(200), { timeout: 120_000, interval: 100 });
    members = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => server.join(`room-${index}`, `Member ${index}`)));
    streams = members.map(({ client }) => streamPoses(client));
    await until(() => members.every(({ results }) => results.length > 0));
  });
  afterAll(async () => {
    for (const stream of streams) stream.stop();
    await server.process.stop();
    alerts.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function admin(path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${server.url}/v1/admin/models${path}`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  const modelNow = async (): Promise<unknown> => (((await admin('')).body['models']) as { model: string }[]).find(({ model }) => model === NAME);
  /** By everybody, and no rollout any more. */
  const untilServed = (version: string): Promise<void> => vi.waitFor(async () => expect(await modelNow()).toEqual({ model: NAME, version }), { timeout: 120_000, interval: 100 });
  const heardVersions = (since: readonly number[]): Set<string>[] => members.map(({ results }, index) => new Set(results.slice(since[index]).map(({ version }) => version)));
  const heardSoFar = (): number[] => members.map(({ results }) => results.length);

  /** Publishes a version as a developer would: whole, from a folder of its own. */
  async function publishVersion(prepare: (source: string) => Promise<void>): Promise<string> {
    const source = join(folder, 'run');
    await rm(source, { recursive: true, force: true });
    await prepare(source);
    return (await publishModel({ modelsFolder: join(folder, 'models'), clock: systemClock(), by: 'test' }, source, '')).version;
  }

  it('promotes a good version: every session goes over to it once, and it is in production from then on', async () => {
    await publishVersion(async (source) => {
      await cp(shippedFolder(NAME), source, { recursive: true });
      const path = join(source, 'manifest.json');
      await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), thresholds: { probabilities: 0.501 } }));
    });
    const since = heardSoFar();
    expect((await admin(`/${NAME}/rollout`, { version: '2', steps: [0, 50, 100], ...QUICK })).status).toBe(200);
    await untilServed('2');
    await until(() => heardVersions(since).every((versions) => versions.has('2')));
    for (const { results } of members) {
      const versions = results.map(({ version }) => version).join('');
      // Nobody goes to and fro.
      expect(versions).toMatch(/^1+2+$/);
    }
    // A machine that is busy with something else may refuse streams for a while; nothing else may go wrong.
    expect(members.flatMap(({ errors }) => errors).filter(({ code }) => code !== 'MODEL_OVERLOADED')).toEqual([]);
    expect(await (await server.get('/metrics')).text()).toMatch(new RegExp(`copresence_model_version_percent\\{[^}]*model="${NAME}"[^}]*version="2"[^}]*\\} 100\\n`));
  });

  it('takes a planted bad version back by itself, in the shadow, with an alert', async () => {
    await publishVersion(async (source) => {
      await publish(join(source, '..', 'made'), certainGesture(NAME, 0.5, ['fist', RIGHT]));
      await cp(join(source, '..', 'made', NAME, '1'), source, { recursive: true });
    });
    const since = heardSoFar();
    expect((await admin(`/${NAME}/rollout`, { version: '3', steps: [0, 50, 100], ...QUICK })).status).toBe(200);
    await untilServed('2');
    expect(heardVersions(since).every((versions) => versions.size === 1 && versions.has('2'))).toBe(true);
    const rolledBack = (): unknown[] => alerted.filter(({ event }) => event === 'rollout');
    await until(() => rolledBack().length > 0);
    expect(rolledBack()).toMatchObject([{ event: 'rollout', model: NAME, version: '3', outcome: 'rolled-back', reason: 'disagreement' }]);
  });

  it('refuses what cannot be tried, and nothing changes', async () => {
    expect(await admin(`/${NAME}/rollout`, { version: '9' })).toMatchObject({ status: 422, body: { code: 'MODEL_INVALID' } });
    expect(await admin(`/${NAME}/rollout`, { version: '2' })).toMatchObject({ status: 409, body: { code: 'ROLLOUT_EXISTS' } });
    expect(await admin('/nothing/rollout', { version: '2' })).toMatchObject({ status: 404, body: { code: 'MODEL_NOT_FOUND' } });
    expect(await admin(`/${NAME}/rollout`, { version: '3', steps: [50, 10] })).toMatchObject({ status: 400, body: { code: 'MESSAGE_INVALID' } });
    expect(await admin(`/${NAME}/promote`, {})).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    const since = heardSoFar();
    await until(() => heardSoFar().every((count, index) => count > (since[index] ?? 0)));
    expect(heardVersions(since).every((versions) => versions.size === 1 && versions.has('2'))).toBe(true);
  });

  it('writes all of it into the history of the models', async () => {
    const told = (await readHistory(join(folder, 'models'))).map(({ what, reason }) => [what.action, what.version, what.action === 'rollout' ? what.outcome : what.action === 'alias' ? what.alias : '', reason]);
    expect(told).toEqual([
      ['publish', '2', '', ''], ['rollout', '2', 'begun', 'admin'], ['rollout', '2', 'promoted', 'rules'], ['alias', '2', 'production', 'rules'],
      ['publish', '3', '', ''], ['rollout', '3', 'begun', 'admin'], ['rollout', '3', 'rolled-back', 'disagreement'],
    ]);
  });

  it('tells, once, when a version is asked something else than it was trained on', async () => {
    const version = await publishVersion(async (source) => {
      await cp(shippedFolder(NAME), source, { recursive: true });
      // Nobody's hands: every feature lies where the streamed ones never are.
      const columns = Array.from({ length: HAND_FEATURE_COUNT }, (_, at) => ({ name: `feature ${at}`, edges: [100, 200], shares: [0, 0.5, 0.5] }));
      const reference = JSON.stringify({ format: 'copresence.reference.v1', inputs: { samples: 5000, participants: 500, columns } });
      await writeFile(join(source, 'reference.json'), reference);
      const path = join(source, 'manifest.json');
      const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: object };
      await writeFile(path, JSON.stringify({ ...manifest, files: { ...manifest.files, 'reference.json': digestOf(Buffer.from(reference)) } }));
    });
    expect((await admin(`/${NAME}/rollout`, { version, steps: [100], ...QUICK, holdS: 3600 })).status).toBe(200);
    const drifts = (): object[] => alerted.filter((alert) => 'kind' in alert && alert.kind === 'input-drift');
    await vi.waitFor(() => expect(drifts()).toHaveLength(1), { timeout: 120_000, interval: 100 });
    expect(drifts()).toMatchObject([{ event: 'alert', state: 'raised', model: NAME, version, facts: { shifted: HAND_FEATURE_COUNT } }]);
    const { versions } = (await admin(`/${NAME}/drift`)).body as { versions: object[] };
    expect(versions).toHaveLength(2);
    expect(versions).toEqual(expect.arrayContaining([expect.objectContaining({ version, against: 'training' })]));
    const response = await fetch(`${server.url}/v1/admin/alerts`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
    const { alerts: listed } = (await response.json()) as { alerts: object[] };
    expect(listed).toEqual(expect.arrayContaining([expect.objectContaining({ state: 'raised', kind: 'input-drift', version })]));
    const metrics = await (await server.get('/metrics')).text();
    expect(metrics).toMatch(new RegExp(`copresence_model_alert\\{[^}]*kind="input-drift"[^}]*\\} 1\\n`));
    expect(metrics).toMatch(new RegExp(`copresence_model_drift_columns\\{[^}]*version="${version}"[^}]*\\} ${HAND_FEATURE_COUNT}\\n`));
  });
});
