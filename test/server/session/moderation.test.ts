import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import type { SessionAuditEntry } from '../../../server/session/audit.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: false, recording: false, training: false };

function infoOf(client: TestClient): unknown {
  return client.messages('session-info').at(-1);
}

async function lobbyOf(world: TestGateway): Promise<{ host: TestClient; guest: TestClient }> {
  const host = await world.join('lobby', { role: 'host', subject: 'host' });
  const guest = await world.join('lobby', { subject: 'guest' });
  return { host, guest };
}

async function tryToJoin(world: TestGateway, session: string, subject: string): Promise<TestClient> {
  const client = world.connect();
  await client.hello(await world.token({ subject }));
  client.control({ type: 'join', session, name: subject, consent: CONSENT });
  world.turn();
  return client;
}

describe('how the session stands', () => {
  it('[SES13] is told to whoever joins, complete, with the one who may moderate as host', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    for (const client of [host, guest]) {
      expect(client.one('session-info')).toMatchObject({ session: 'lobby', host: host.slot, visibility: 'open', capacity: LIMITS.participantsPerSession, locked: false, metadata: {}, maxAgeS: null, ending: false });
    }
  });

  it('[SES13] says who is host when the host leaves: the one who has been there longest of those who may', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    const second = await world.join('lobby', { role: 'host', subject: 'second' });
    await world.join('lobby', { role: 'host', subject: 'third' });
    host.control({ type: 'leave' });
    world.turn();
    expect(infoOf(guest)).toMatchObject({ host: second.slot });
  });

  it('[SES13] says that a host has come where there was none', async () => {
    const world = new TestGateway();
    const guest = await world.join('lobby');
    expect(infoOf(guest)).toMatchObject({ host: null });
    const host = await world.join('lobby', { role: 'host' });
    expect(infoOf(guest)).toMatchObject({ host: host.slot });
    expect(host.messages('session-info')).toHaveLength(1);
  });

  it('[SES11] [VER2] is nothing to clients without the capability, nor is the grant moderate', async () => {
    const world = new TestGateway();
    const old = world.connect();
    await old.hello(await world.token({ role: 'host' }), { capabilities: ['pose', 'chat'] });
    old.control({ type: 'join', session: 'lobby', name: 'old', consent: CONSENT });
    world.turn();
    expect(old.one('joined').grants).toEqual(['publish-pose', 'publish-video', 'chat', 'subscribe', 'record']);
    const host = await world.join('lobby', { role: 'host' });
    expect(host.one('joined').grants).toContain('moderate');
    host.control({ type: 'lock' });
    old.control({ type: 'lock' });
    old.control({ type: 'list' });
    world.turn();
    expect(old.messages('session-info')).toEqual([]);
    expect(old.messages('sessions')).toEqual([]);
    expect(old.refusals()).toEqual(['MESSAGE_UNEXPECTED', 'MESSAGE_UNEXPECTED']);
  });

  it('[SES15] tells of new metadata, which replaces the old', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    host.control({ type: 'set-metadata', metadata: { map: 'harbour', level: 3 } });
    host.control({ type: 'set-metadata', metadata: { ranked: true } });
    world.turn();
    expect(infoOf(guest)).toMatchObject({ metadata: { ranked: true } });
  });

  it.each([
    ['too many keys', Object.fromEntries(Array.from({ length: LIMITS.metadataKeys + 1 }, (_, index) => [`k${index}`, 1]))],
    ['too long a value', { a: 'x'.repeat(LIMITS.metadataCharacters + 1) }],
    ['a nested value', { a: { b: 1 } as unknown as string }],
    ['a key of another alphabet', { 'ä': 1 }],
    ['the name of a constructor', { constructor: 1 } as unknown as Record<string, number>],
  ])('[SES15] refuses %s', async (_what, metadata) => {
    const world = new TestGateway();
    const { host } = await lobbyOf(world);
    host.control({ type: 'set-metadata', metadata });
    world.turn();
    expect(host.refusals()).toEqual(['MESSAGE_INVALID']);
    expect(infoOf(host)).toMatchObject({ metadata: {} });
  });
});

describe('a lock', () => {
  it('[SES17] keeps newcomers out, tells everybody, lets those within resume and moderators in, and can be opened', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    host.control({ type: 'lock' });
    world.turn();
    expect(infoOf(guest)).toMatchObject({ locked: true });
    const late = await tryToJoin(world, 'lobby', 'late');
    expect(late.peer.closedWith).toBe('SESSION_LOCKED');
    guest.peer.close();
    const again = world.connect();
    await again.hello(await world.token({ subject: 'guest' }));
    again.control({ type: 'resume', resumeToken: guest.one('joined').resumeToken });
    world.turn();
    expect(again.one('joined').resumed).toBe(true);
    await world.join('lobby', { role: 'host', subject: 'another' });
    host.control({ type: 'unlock' });
    world.turn();
    await world.join('lobby', { subject: 'late' });
    expect(infoOf(host)).toMatchObject({ locked: false });
  });
});

describe('a kick', () => {
  it('[SES18] ends the connection at once, voids the resume token, and lets the same subject join anew without a ban', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    const { participantId, resumeToken } = guest.one('joined');
    host.control({ type: 'kick', participantId, ban: false });
    world.turn();
    expect(guest.peer.closedWith).toBe('KICKED');
    expect(guest.one('error')).toMatchObject({ code: 'KICKED', closing: true });
    expect(host.messages('presence').map(({ event }) => event)).toEqual(['joined', 'left']);
    const again = world.connect();
    await again.hello(await world.token({ subject: 'guest' }));
    again.control({ type: 'resume', resumeToken });
    world.turn();
    expect(again.peer.closedWith).toBe('RESUME_REFUSED');
    await world.join('lobby', { subject: 'guest' });
  });

  it('[SES18] with a ban takes everybody of the subject and keeps them out by every way', async () => {
    const world = new TestGateway();
    const { host, guest } = await lobbyOf(world);
    const device = await world.join('lobby', { subject: 'guest' });
    const away = await world.join('lobby', { subject: 'guest' });
    away.peer.close();
    host.control({ type: 'kick', participantId: guest.one('joined').participantId, ban: true });
    world.turn();
    expect([guest.peer.closedWith, device.peer.closedWith]).toEqual(['KICKED', 'KICKED']);
    expect(world.gateway.directory.session('lobby')?.size).toBe(1);
    expect((await tryToJoin(world, 'lobby', 'guest')).peer.closedWith).toBe('KICKED');
    const byCode = world.connect();
    await byCode.hello(await world.token({ subject: 'guest' }));
    byCode.control({ type: 'join-code', code: host.one('session-info').code, name: 'x', consent: CONSENT });
    world.turn();
    expect(byCode.peer.closedWith).toBe('KICKED');
    expect((await tryToJoin(world, 'elsewhere', 'guest')).one('joined').session).toBe('elsewhere');
  });

  it('[SES18] is refused of oneself, of a device of one\'s own with a ban, and of nobody', async () => {
    const world = new TestGateway();
    const { host } = await lobbyOf(world);
    const device = await world.join('lobby', { subject: 'host' });
    host.control({ type: 'kick', participantId: host.one('joined').participantId, ban: false });
    host.control({ type: 'kick', participantId: device.one('joined').participantId, ban: true });
    host.control({ type: 'kick', participantId: 'nobody', ban: true });
    world.turn();
    expect(host.refusals()).toEqual(['MESSAGE_INVALID', 'MESSAGE_INVALID', 'NOT_FOUND']);
    expect(world.gateway.directory.session('lobby')?.size).toBe(3);
    expect(world.gateway.directory.session('lobby')?.rules.bans.subjects).toEqual([]);
  });

  it('[SES18] lifts the oldest ban for one too many', async () => {
    const world = new TestGateway();
    await lobbyOf(world);
    const bans = world.gateway.directory.session('lobby')?.rules.bans;
    for (let index = 0; index <= LIMITS.bansPerSession; index++) bans?.add(`s${index}`);
    expect(bans?.subjects).toHaveLength(LIMITS.bansPerSession);
    expect([bans?.has('s0'), bans?.has('s1')]).toEqual([false, true]);
  });
});

describe('who may not', () => {
  it('[GRT4] [SES17] [SES18] [SES15] is refused each verb without the grant, without effect, and it is written down', async () => {
    const audit: SessionAuditEntry[] = [];
    const world = new TestGateway(undefined, {}, { onSessionAudit: (entry) => audit.push(entry) });
    const { host, guest } = await lobbyOf(world);
    const spectator = await world.join('lobby', { role: 'spectator', subject: 'watcher' });
    guest.control({ type: 'lock' });
    guest.control({ type: 'unlock' });
    guest.control({ type: 'kick', participantId: host.one('joined').participantId, ban: true });
    guest.control({ type: 'set-metadata', metadata: { secret: 'words' } });
    spectator.control({ type: 'say', text: 'secret words', captureMs: 0 });
    spectator.pose(1);
    world.turn();
    expect(guest.refusals()).toEqual(Array.from({ length: 4 }, () => 'GRANT_MISSING'));
    expect(spectator.refusals()).toEqual(['GRANT_MISSING', 'GRANT_MISSING']);
    expect(host.messages('session-info')).toHaveLength(1);
    expect(host.peer.closedWith).toBeUndefined();
    const { participantId } = guest.one('joined');
    const seen = audit.map(({ verb, outcome, participantId: who }) => [verb, outcome, who]);
    expect(seen).toEqual([
      ...['lock', 'unlock', 'kick', 'set-metadata'].map((verb) => [verb, 'GRANT_MISSING', participantId]),
      ['say', 'GRANT_MISSING', spectator.one('joined').participantId],
      ['pose', 'GRANT_MISSING', spectator.one('joined').participantId],
    ]);
    expect(JSON.stringify(audit)).not.toContain('secret');
  });

  it('[GRT4] writes down what moderators do', async () => {
    const audit: SessionAuditEntry[] = [];
    const world = new TestGateway(undefined, {}, { onSessionAudit: (entry) => audit.push(entry) });
    const { host, guest } = await lobbyOf(world);
    const target = guest.one('joined').participantId;
    host.control({ type: 'kick', participantId: target, ban: false });
    world.turn();
    expect(audit).toEqual([{ verb: 'kick', outcome: 'done', connectionId: 'm1', address: 'memory', session: 'lobby', participantId: host.one('joined').participantId, target }]);
  });
});
