import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { Giver } from '../../../server/drain/giver.ts';
import { giveSession } from '../../../server/drain/other-server.ts';
import type { SessionState } from '../../../server/drain/session-state.ts';
import { TestGateway } from '../../support/gateway.ts';
import { ADMIN_TOKEN, ServerInProcess } from '../../support/running-server.ts';
import { until } from '../../support/until.ts';

const STATE: SessionState = {
  format: 1, session: 'studio', nextChatId: 7, recording: false,
  participants: [{ participantId: 'p', slot: 3, name: 'Ada', claims: { subject: 's', session: '*', role: 'host', grants: ['chat'], tenant: '' }, consent: { inference: true, recording: false, training: false }, video: [] }],
};
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(handle: RequestListener): Promise<string> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close(), () => server.closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('[DRN7] gives a session to a server by its admin verbs, which says where its clients reach it', async () => {
  const other = await ServerInProcess.start(['--admin-token', ADMIN_TOKEN, '--admin-port', '0', '--public-url', 'https://rooms.example']);
  closing.push(() => other.server.close());
  const url = other.server.adminUrl ?? '';
  expect(await giveSession(new ManualClock(), { url, token: ADMIN_TOKEN }, STATE)).toEqual({ session: 'studio', participants: 1, url: 'https://rooms.example' });
  await expect(giveSession(new ManualClock(), { url, token: ADMIN_TOKEN }, STATE)).rejects.toMatchObject({ code: 'MESSAGE_UNEXPECTED' });
  await expect(giveSession(new ManualClock(), { url, token: `${ADMIN_TOKEN}x` }, STATE)).rejects.toMatchObject({ code: 'MESSAGE_UNEXPECTED' });
  expect(other.audited.map(({ verb, target, outcome }) => [verb, target, outcome])).toEqual([
    ['import-session', { session: 'studio' }, 'done'],
    ['import-session', { session: 'studio' }, 'SESSION_EXISTS'],
    ['import-session', {}, 'TOKEN_INVALID'],
  ]);
  const drained = other.server.drain();
  await expect(giveSession(new ManualClock(), { url, token: ADMIN_TOKEN }, { ...STATE, session: 'late' })).rejects.toMatchObject({ message: expect.stringContaining('503') as string });
  await drained;
});

it.each<[string, RequestListener, string]>([
  ['refuses', (_, response) => response.writeHead(500).end(), 'MESSAGE_UNEXPECTED'],
  ['answers no JSON', (_, response) => response.end('<html>'), 'MESSAGE_UNEXPECTED'],
  ['answers another session', (_, response) => response.end(JSON.stringify({ session: 'hall', participants: 1 })), 'MESSAGE_UNEXPECTED'],
  ['answers without an end', (_, response) => void response.write(Buffer.alloc(64 * 1024)), 'MESSAGE_UNEXPECTED'],
  ['sends the token elsewhere', (_, response) => response.writeHead(307, { Location: 'http://127.0.0.1:9/' }).end(), 'CONNECTION_LOST'],
  ['hangs up', (request) => request.socket.destroy(), 'CONNECTION_LOST'],
])('[DRN8] gives up on a server that %s', async (_, handle, code) => {
  const url = await listen(handle);
  await expect(giveSession(new ManualClock(), { url, token: ADMIN_TOKEN }, STATE)).rejects.toMatchObject({ code });
});

it('[DRN8] gives up on a server that says nothing for five seconds', async () => {
  let asked = false;
  const url = await listen(() => (asked = true));
  const clock = new ManualClock();
  const giving = giveSession(clock, { url, token: ADMIN_TOKEN }, STATE);
  const failed = expect(giving).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await until(() => asked);
  clock.advance(5000);
  await failed;
});

it('[DRN8] asks for eight sessions at a time, and not for the others once the server is lost', async () => {
  const world = new TestGateway(undefined, { 'max-sessions': 20 });
  for (let count = 0; count < 20; count++) await world.join(`session-${count}`);
  let asked = 0;
  const hangUps: (() => void)[] = [];
  const url = await listen((request) => {
    asked++;
    hangUps.push(() => request.socket.destroy());
  });
  const kept: string[] = [];
  const giver = new Giver({ clock: world.clock, directory: world.gateway.directory, onKept: (_, code) => kept.push(code) }, { url, token: ADMIN_TOKEN });
  const given = Promise.all([...world.gateway.directory.sessions].map((session) => giver.give(session)));
  await until(() => asked === 8);
  for (const hangUp of hangUps) hangUp();
  expect(await given).toEqual(Array(20).fill(undefined));
  expect([asked, kept]).toEqual([8, Array(20).fill('CONNECTION_LOST')]);
});

it('[DRN6] gives more sessions than go at a time, one after the other', async () => {
  const world = new TestGateway(undefined, { 'max-sessions': 20 });
  for (let count = 0; count < 20; count++) await world.join(`session-${count}`);
  const other = await ServerInProcess.start();
  closing.push(() => other.server.close());
  const giver = new Giver({ clock: world.clock, directory: world.gateway.directory, onKept: () => undefined }, { url: other.server.url, token: ADMIN_TOKEN });
  const given = await Promise.all([...world.gateway.directory.sessions].map((session) => giver.give(session)));
  expect(given).toEqual(Array(20).fill(other.server.url));
  expect(await (await other.admin('/status')).json()).toMatchObject({ sessions: 20, away: 20 });
});
