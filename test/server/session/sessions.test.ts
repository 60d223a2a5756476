import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { CODE_ALPHABET } from '../../../protocol/message/session.ts';
import type { UpMessageOf } from '../../../protocol/up.ts';
import { SessionCodes } from '../../../server/session/session-codes.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: false, recording: false, training: false };

async function enterLobby(world: TestGateway, options: Parameters<TestGateway['token']>[0] = {}): Promise<TestClient> {
  const client = world.connect();
  await client.hello(await world.token(options));
  return client;
}

async function create(world: TestGateway, wanted: Partial<UpMessageOf<'create'>> = {}, options: Parameters<TestGateway['token']>[0] = {}): Promise<TestClient> {
  const client = await enterLobby(world, { role: 'host', ...options });
  client.control({ type: 'create', name: 'maker', consent: CONSENT, ...wanted });
  world.turn();
  return client;
}

function byCode(world: TestGateway, client: TestClient, code: string): void {
  client.control({ type: 'join-code', code, name: 'guest', consent: CONSENT });
  world.turn();
}

describe('making a session', () => {
  it('[SES12] makes it as wanted and joins it', async () => {
    const world = new TestGateway();
    const maker = await create(world, { session: 'studio', capacity: 2, metadata: { map: 'harbour' }, visibility: 'private', maxAgeS: 600 });
    expect(maker.one('joined')).toMatchObject({ session: 'studio', slot: 0 });
    expect(maker.one('session-info')).toMatchObject({ host: 0, capacity: 2, metadata: { map: 'harbour' }, visibility: 'private', maxAgeS: 600 });
  });

  it('[SES12] finds a name: that of the token, or one of its own', async () => {
    const world = new TestGateway();
    expect((await create(world, {}, { session: 'mine' })).one('joined').session).toBe('mine');
    expect((await create(world)).one('joined').session).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['without the grant', 'GRANT_MISSING', {}, { role: 'participant' }],
    ['that is there already', 'SESSION_EXISTS', { session: 'there' }, {}],
  ] as const)('[SES12] refuses one %s, and the connection stays', async (_what, code, wanted, options) => {
    const world = new TestGateway();
    await world.join('there');
    const maker = await create(world, wanted, options);
    expect(maker.refusals()).toEqual([code]);
    expect(maker.peer.closedWith).toBeUndefined();
    expect(world.gateway.directory.size).toBe(1);
  });

  it('[SES3] refuses one that the token is not for, and closes', async () => {
    const world = new TestGateway();
    expect((await create(world, { session: 'yours' }, { session: 'mine' })).peer.closedWith).toBe('SESSION_FORBIDDEN');
    expect(world.gateway.directory.size).toBe(0);
  });

  it('[SES10] [SES12] takes as many as it was made for', async () => {
    const world = new TestGateway();
    await create(world, { session: 'pair', capacity: 2 });
    await world.join('pair');
    await expect(world.join('pair')).rejects.toThrow('SESSION_FULL');
  });
});

describe('codes', () => {
  it('[SES14] lead into a session, also a private one, whose name does not', async () => {
    const world = new TestGateway();
    const maker = await create(world, { session: 'den', visibility: 'private' });
    await expect(world.join('den')).rejects.toThrow('SESSION_FORBIDDEN');
    const guest = await enterLobby(world);
    byCode(world, guest, maker.one('session-info').code);
    expect(guest.one('joined').session).toBe('den');
  });

  it('[SES14] of no session, and of one that the token is not for, are refused alike', async () => {
    const world = new TestGateway();
    const maker = await create(world, { session: 'den' });
    const guest = await enterLobby(world, { session: 'other' });
    byCode(world, guest, maker.one('session-info').code);
    byCode(world, guest, 'AAAAAA');
    const [first, second] = guest.messages('error');
    expect(first).toEqual(second);
    expect(first?.code).toBe('NOT_FOUND');
  });

  it('[SES14] cannot be guessed fast, also over many connections, and the right one is refused meanwhile too', async () => {
    const world = new TestGateway();
    const maker = await create(world, { session: 'den' });
    const { code } = maker.one('session-info');
    for (let index = 0; index < LIMITS.codeGuessesPerMinute; index++) byCode(world, await enterLobby(world, { subject: 'thief' }), 'AAAAAA');
    const thief = await enterLobby(world, { subject: 'thief' });
    byCode(world, thief, code);
    expect(thief.refusals()).toEqual(['RATE_LIMITED']);
    const guest = await enterLobby(world, { subject: 'guest' });
    byCode(world, guest, code);
    expect(guest.one('joined').session).toBe('den');
    world.clock.advance(5_000);
    byCode(world, thief, code);
    expect(thief.refusals().at(-1)).toBe('RATE_LIMITED');
    world.gateway.reception.close();
    world.clock.advance(60_000);
    const patient = await enterLobby(world, { subject: 'thief' });
    byCode(world, patient, code);
    expect(patient.one('joined').session).toBe('den');
  });

  it('[SES14] are free again when their session has ended', async () => {
    const world = new TestGateway();
    const maker = await create(world, { session: 'den' });
    const { code } = maker.one('session-info');
    maker.control({ type: 'leave' });
    byCode(world, maker, code);
    expect(maker.refusals()).toEqual(['NOT_FOUND']);
  });

  it('[SES14] are of one session each, of letters that are not mistaken for others', () => {
    const draws = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 30, 30, 30, 30, 30];
    const codes = new SessionCodes(() => draws.shift() ?? 1);
    expect([codes.issue('a'), codes.issue('b')]).toEqual(['222222', 'ZZZZZZ']);
    expect([codes.find('222222'), codes.find('ZZZZZZ')]).toEqual(['a', 'b']);
    expect([...CODE_ALPHABET].some((letter) => '01OIL'.includes(letter))).toBe(false);
    expect(new Set(CODE_ALPHABET).size).toBe(31);
  });
});

describe('the list', () => {
  it('[SES16] has the listed sessions that the token admits to and the filter wants', async () => {
    const world = new TestGateway();
    await create(world, { session: 'a', visibility: 'listed', metadata: { map: 'harbour', level: 3 }, capacity: 5 });
    await create(world, { session: 'b', visibility: 'listed', metadata: { map: 'castle' } });
    await create(world, { session: 'c', visibility: 'open', metadata: { map: 'harbour' } });
    await create(world, { session: 'd', visibility: 'private', metadata: { map: 'harbour' } });
    const anybody = await enterLobby(world);
    anybody.control({ type: 'list', filter: { map: 'harbour' } });
    anybody.control({ type: 'list' });
    anybody.control({ type: 'list', filter: { map: 'harbour', level: 4 } });
    world.turn();
    const [first, all, none] = anybody.messages('sessions');
    expect(first?.sessions).toMatchObject([{ session: 'a', size: 1, capacity: 5, locked: false, metadata: { map: 'harbour', level: 3 } }]);
    expect(all?.sessions.map(({ session }) => session)).toEqual(['a', 'b']);
    expect(none).toMatchObject({ sessions: [], next: null });
    const other = await enterLobby(world, { session: 'b' });
    other.control({ type: 'list' });
    world.turn();
    expect(other.one('sessions').sessions.map(({ session }) => session)).toEqual(['b']);
  });

  it('[SES16] comes in pages that miss nothing and repeat nothing, whatever ends between them', async () => {
    const world = new TestGateway(undefined, { 'max-sessions': 10 });
    const makers = [];
    for (const session of ['a', 'b', 'c', 'd', 'e']) makers.push(await create(world, { session, visibility: 'listed' }));
    const reader = makers[0] as TestClient;
    reader.control({ type: 'list', limit: 2 });
    world.turn();
    const first = reader.one('sessions');
    expect(first.sessions.map(({ session }) => session)).toEqual(['a', 'b']);
    makers[1]?.control({ type: 'leave' });
    world.turn();
    reader.control({ type: 'list', limit: 2, after: first.next ?? 0 });
    world.turn();
    const second = reader.messages('sessions')[1];
    expect(second?.sessions.map(({ session }) => session)).toEqual(['c', 'd']);
    reader.control({ type: 'list', limit: 2, after: second?.next ?? 0 });
    world.turn();
    expect(reader.messages('sessions')[2]).toMatchObject({ sessions: [{ session: 'e' }], next: null });
  });

  it('[SES10] waits until the token is known', () => {
    const world = new TestGateway();
    const stranger = world.connect();
    stranger.control({ type: 'list' });
    world.turn();
    expect(stranger.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
  });
});

describe('the end of a session', () => {
  it('[SES19] comes at its age, is said ahead, and takes everybody with it', async () => {
    const world = new TestGateway(undefined, { 'session-max-age-s': 300 });
    const maker = await create(world, { session: 'short', maxAgeS: 8 });
    const guest = await world.join('short');
    expect(guest.one('session-info')).toMatchObject({ maxAgeS: 8, ending: false });
    world.clock.advance(3_999);
    expect(guest.messages('session-info').at(-1)).toMatchObject({ ending: false });
    world.clock.advance(1);
    expect(guest.messages('session-info').at(-1)).toMatchObject({ ending: true });
    world.clock.advance(3_999);
    expect(guest.peer.closedWith).toBeUndefined();
    world.clock.advance(1);
    expect([maker.peer.closedWith, guest.peer.closedWith]).toEqual(['SESSION_ENDED', 'SESSION_ENDED']);
    expect(guest.messages('presence')).toEqual([]);
    expect(world.gateway.directory.size).toBe(0);
  });

  it('[SES12] [SES19] is never later than the server wants, and a new session of the name begins anew', async () => {
    const world = new TestGateway(undefined, { 'session-max-age-s': 4 });
    const maker = await create(world, { session: 'short', maxAgeS: 8 });
    expect(maker.one('session-info')).toMatchObject({ maxAgeS: 4 });
    maker.control({ type: 'leave' });
    world.clock.advance(2_500);
    const second = await world.join('short');
    world.clock.advance(2_500);
    expect(second.peer.closedWith).toBeUndefined();
    world.clock.advance(1_500);
    expect(second.peer.closedWith).toBe('SESSION_ENDED');
  });
});
