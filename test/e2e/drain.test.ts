import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openRecording } from '../../recording/reader.ts';
import { ADMIN_TOKEN } from '../support/running-server.ts';
import { until } from '../support/until.ts';
import { ServerUnderTest, untilRepeating } from './support/server.ts';
import { Talker } from './support/talker.ts';

const recordings = mkdtempSync(join(tmpdir(), 'copresence-drain-'));
afterAll(() => rmSync(recordings, { recursive: true, force: true }));

describe('a server that goes down', () => {
  let server: ServerUnderTest | undefined;
  const talkers: Talker[] = [];
  afterEach(async () => {
    for (const talker of talkers.splice(0)) talker.stop();
    await server?.process.stop();
  });

  async function startTalking(flags: readonly string[]): Promise<ServerUnderTest> {
    server = await ServerUnderTest.start(['--workers', '0', '--log-level', 'debug', '--admin-token', ADMIN_TOKEN, '--recordings-folder', recordings, ...flags]);
    for (let index = 0; index < 6; index++) {
      const name = `talker-${index}`;
      talkers.push(new Talker(await server.join('studio', name, { role: 'host', reconnect: false, consent: { inference: true, recording: true, training: false } }), name));
    }
    await until(() => talkers.every(({ heard }) => heard.chat.length > 20));
    return server;
  }

  it('[DRN1] [DRN3] [DRN5] loses no line under load, completes the recording and exits with 0 at SIGTERM', async () => {
    const { process: running } = await startTalking(['--drain-s', '2']);
    const [first] = talkers;
    await untilRepeating(() => first?.heard.client.recording === true, 500, () => first?.heard.client.record('start'));
    process.kill(running.pid, 'SIGTERM');
    await until(() => (server?.log ?? '').includes('"verb":"drain"'));
    expect((await fetch(`${running.url}/v2/health/ready`)).status).toBe(503);
    expect(await running.ended).toBe(0);
    await until(() => talkers.every(({ heard }) => heard.client.state.state === 'closed'));
    for (const { heard, said, moves } of talkers) {
      expect(heard.client.state).toMatchObject({ code: 'SERVER_DRAINING' });
      expect(moves).toEqual([{ type: 'move', reason: 'drain', withinMs: 2000, resume: false }]);
      const own = heard.chat.filter(({ slot }) => slot === heard.client.self.slot).map(({ text }) => text);
      expect(own).toEqual(said);
      const ids = heard.chat.map(({ chatId }) => chatId);
      expect(ids).toEqual(ids.map((_id, index) => (ids[0] ?? 0) + index));
    }
    const [file = ''] = readdirSync(recordings);
    const recording = await openRecording(join(recordings, file));
    expect(recording.info).toMatchObject({ session: 'studio', complete: true });
    await recording.close();
    expect(server?.log).toContain('"left":0');
  });

  it('[DRN5] ends at once with 1 at the second signal', async () => {
    const { process: running } = await startTalking(['--drain-s', '600']);
    process.kill(running.pid, 'SIGTERM');
    await until(() => (server?.log ?? '').includes('"verb":"drain"'));
    process.kill(running.pid, 'SIGTERM');
    expect(await running.ended).toBe(1);
  });

  it('[ADM4] [ADM5] [DRN5] ends revoked tokens and goes down when an admin says so; its log at the level debug names no token, line or person', async () => {
    const { process: running, tokens } = await startTalking([]);
    const call = (path: string, token: string, body?: unknown): Promise<Response> =>
      fetch(`${running.url}/v1/admin${path}`, { headers: { Authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) });
    expect((await call('/drain', 'a-guess-that-is-long-enough-to-be-one', { spreadS: 0 })).status).toBe(401);
    expect((await call(`/sessions?token=${ADMIN_TOKEN}`, '')).status).toBe(401);
    expect((await call('/sessions/studio', ADMIN_TOKEN)).status).toBe(200);
    expect(await (await call('/revocations', ADMIN_TOKEN, { subject: 'e2e-host' })).json()).toMatchObject({ ended: { connections: 6, participants: 6 } });
    await until(() => talkers.every(({ heard }) => heard.client.state.state === 'closed'));
    expect(new Set(talkers.map(({ heard }) => ('code' in heard.client.state ? heard.client.state.code : '')))).toEqual(new Set(['TOKEN_REVOKED']));
    expect(await (await call('/drain', ADMIN_TOKEN, { spreadS: 0.2 })).json()).toMatchObject({ state: 'draining' });
    expect(await running.ended).toBe(0);
    const { log } = server ?? { log: '' };
    const audited = log.split('\n').filter((line) => line.includes('"audit":true')).map((line) => JSON.parse(line) as Record<string, unknown>);
    // A log that is written into a full pipe may put a line behind later ones.
    expect(audited.filter(({ who }) => who !== 'participant').map(({ who, verb, outcome }) => [who, verb, outcome]).sort()).toEqual([
      ['admin', 'drain', 'done'],
      ['admin', 'revoke', 'done'],
      ['admin', 'show-session', 'done'],
      ['stranger', 'drain', 'TOKEN_INVALID'],
      ['stranger', 'list-sessions', 'TOKEN_INVALID'],
    ]);
    for (const secret of [ADMIN_TOKEN, 'a-guess-that-is', ...tokens, running.tokenKey, 'says line', 'talker-', 'Bearer']) expect(log).not.toContain(secret);
  });
});
