import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN } from '../support/running-server.ts';
import { until } from '../support/until.ts';
import { ServerUnderTest, untilRepeating, type Heard } from './support/server.ts';
import { Talker } from './support/talker.ts';

const KEY = 'the key that both servers have, long enough for HMAC-SHA-256';
const recordings = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'copresence-move-')));
afterAll(() => {
  for (const folder of recordings) rmSync(folder, { recursive: true, force: true });
});

describe('a server whose sessions move to another', () => {
  const servers: ServerUnderTest[] = [];
  const talkers: Talker[] = [];
  afterEach(async () => {
    for (const talker of talkers.splice(0)) talker.stop();
    await Promise.all(servers.splice(0).map(({ process: running }) => running.stop()));
  });

  async function start(index: number, flags: readonly string[]): Promise<ServerUnderTest> {
    const server = await ServerUnderTest.start(['--workers', '0', '--admin-token', ADMIN_TOKEN, '--recordings-folder', recordings[index] ?? '', ...flags], KEY);
    servers.push(server);
    return server;
  }

  async function startTalking(server: ServerUnderTest): Promise<void> {
    const names = Array.from({ length: 6 }, (_, index) => `talker-${index}`);
    const joined: Heard[] = [];
    for (const name of names) joined.push(await server.join('studio', name, { role: 'host', consent: { inference: true, recording: true, training: false } }));
    // Nobody talks before everybody is there: who comes later does not hear it.
    joined.forEach((heard, index) => talkers.push(new Talker(heard, names[index]!)));
    await until(() => talkers.every(({ heard }) => heard.chat.length > 20 && heard.poses.size === 6));
  }

  async function session(server: ServerUnderTest): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await server.get('/v1/admin/sessions/studio', { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
    return { status: response.status, body: await response.json() as Record<string, unknown> };
  }

  it('[DRN5] [DRN6] [DRN7] takes six talking participants over: the same slots and ids, nobody twice, no line lost', async () => {
    const second = await start(1, []);
    const first = await start(0, ['--drain-to', second.url, '--drain-token', ADMIN_TOKEN]);
    await startTalking(first);
    await untilRepeating(() => talkers[0]?.heard.client.recording === true, 500, () => talkers[0]?.heard.client.record('start'));
    const before = talkers.map(({ heard }) => ({ ...heard.client.self }));
    process.kill(first.process.pid, 'SIGTERM');
    await until(() => talkers.every(({ joins }) => joins.length === 1));
    expect(await first.process.ended).toBe(0);
    for (const { heard } of talkers) heard.poses.clear();
    const linesThen = talkers.map(({ lines }) => lines.length);
    await until(() => talkers.every(({ heard, lines }, index) => heard.poses.size === 6 && lines.length > (linesThen[index] ?? 0) + 20));
    for (const talker of talkers) talker.beSilent();
    const said = talkers.flatMap((talker) => talker.said).sort();
    await until(() => talkers.every(({ lines }) => lines.length >= said.length));
    talkers.forEach((talker, index) => {
      const { client, chat, errors } = talker.heard;
      expect(talker.lines.sort()).toEqual(said);
      expect(new Set(chat.map(({ chatId }) => chatId)).size).toBe(said.length);
      expect(client.self).toEqual(before[index]);
      expect(talker.joins).toMatchObject([{ resumed: true, slot: before[index]?.slot, recording: true }]);
      expect(talker.moves).toMatchObject([{ to: second.url, reason: 'drain', resume: true }]);
      expect(client.state.state).toBe('live');
      expect([...client.participants.values()].map(({ slot, presence }) => [slot, presence]).sort()).toEqual(before.map(({ slot }) => [slot, 'live']).sort());
      expect(talker.presence.filter(({ event }) => event === 'joined' || event === 'left').length).toBeLessThanOrEqual(5 - index);
      expect(errors).toEqual([]);
    });
    expect(await session(second)).toMatchObject({ status: 200, body: { live: 6, away: 0, recording: true } });
    expect(recordings.map((folder) => readdirSync(folder).length)).toEqual([1, 1]);
    for (const server of [first, second]) for (const secret of [ADMIN_TOKEN, KEY, ...server.tokens, 'says line', 'talker-']) expect(server.log).not.toContain(secret);
  });

  it('[DRN8] ends its sessions as if there were no other, where the other does not take them', async () => {
    const first = await start(0, ['--drain-to', 'http://127.0.0.1:9', '--drain-token', ADMIN_TOKEN]);
    await startTalking(first);
    process.kill(first.process.pid, 'SIGTERM');
    await until(() => talkers.every(({ moves }) => moves.length === 1));
    expect(talkers.map(({ moves }) => moves)).toEqual(talkers.map(() => [{ type: 'move', reason: 'drain', withinMs: 2000, resume: false }]));
    expect(await first.process.ended).toBe(0);
    expect(first.log).toContain('"code":"CONNECTION_LOST","msg":"a session could not be moved"');
    for (const { heard } of talkers) expect(heard.client.state).toMatchObject({ state: 'joining', anew: true });
  });
});
