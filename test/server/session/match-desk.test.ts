import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import type { UpMessageOf } from '../../../protocol/up.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: false, recording: false, training: false };

async function match(world: TestGateway, wanted: Partial<UpMessageOf<'match'>> = {}, options: Parameters<TestGateway['token']>[0] = {}): Promise<TestClient> {
  const client = world.connect();
  await client.hello(await world.token(options));
  ask(world, client, wanted);
  return client;
}

function ask(world: TestGateway, client: TestClient, wanted: Partial<UpMessageOf<'match'>> = {}): void {
  client.control({ type: 'match', name: 'player', consent: CONSENT, min: 2, max: 4, timeoutMs: 30_000, ...wanted });
  world.turn();
}

describe('matches', () => {
  it('[SES20] put those together who want the same, then more into the same session, up to the size they all want', async () => {
    const world = new TestGateway();
    const first = await match(world, { metadata: { mode: 'duel', level: 1 }, max: 3 });
    const other = await match(world, { metadata: { mode: 'race' } });
    world.clock.advance(1_000);
    expect(first.messages('matched')).toEqual([]);
    const second = await match(world, { metadata: { level: 1, mode: 'duel' } });
    const { session } = second.one('matched');
    expect(first.one('matched')).toMatchObject({ session, waitedMs: 1_000 });
    expect([first.one('joined').session, second.one('joined').session]).toEqual([session, session]);
    expect(second.one('session-info')).toMatchObject({ capacity: 3, metadata: { mode: 'duel', level: 1 }, visibility: 'open' });
    const third = await match(world, { metadata: { mode: 'duel', level: 1 } });
    expect(third.one('joined').session).toBe(session);
    const fourth = await match(world, { metadata: { mode: 'duel', level: 1 } });
    expect(fourth.messages('matched')).toEqual([]);
    expect(other.messages('matched')).toEqual([]);
  });

  it('[SES20] have one who waits take the place of one who leaves', async () => {
    const world = new TestGateway();
    const [first] = [await match(world, { max: 2 }), await match(world, { max: 2 })];
    const third = await match(world, { max: 2 });
    first.control({ type: 'leave' });
    world.clock.advance(500);
    expect(third.one('joined').participants).toHaveLength(2);
  });

  it('[SES20] do not put a kicked subject back, nor anybody into a locked session', async () => {
    const world = new TestGateway();
    const host = await match(world, { max: 3 }, { role: 'host', subject: 'host' });
    const guest = await match(world, { max: 3 }, { subject: 'guest' });
    host.control({ type: 'kick', participantId: guest.one('joined').participantId, ban: true });
    const again = await match(world, {}, { subject: 'guest' });
    world.clock.advance(1_000);
    expect(again.messages('matched')).toEqual([]);
    again.control({ type: 'match-cancel' });
    host.control({ type: 'lock' });
    const third = await match(world, {}, { subject: 'third' });
    world.clock.advance(1_000);
    expect(third.messages('matched')).toEqual([]);
  });

  it('[SES20] end when nobody came in time, or when they are not wanted any more; and may be asked for again', async () => {
    const world = new TestGateway();
    const client = await match(world, { timeoutMs: 5_000 });
    world.clock.advance(5_000);
    expect(client.one('unmatched')).toEqual({ type: 'unmatched', reason: 'timeout' });
    ask(world, client);
    client.control({ type: 'match-cancel' });
    client.control({ type: 'match-cancel' });
    world.turn();
    expect(client.messages('unmatched').at(-1)).toMatchObject({ reason: 'cancelled' });
    expect(client.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
    ask(world, client);
    ask(world, client);
    expect(client.refusals().at(-1)).toBe('MESSAGE_UNEXPECTED');
  });

  it('[SES20] forget who joins elsewhere or is gone', async () => {
    const world = new TestGateway();
    const joined = await match(world);
    joined.control({ type: 'join', session: 'elsewhere', name: 'x', consent: CONSENT });
    const gone = await match(world);
    gone.peer.close();
    const waiting = await match(world);
    world.clock.advance(1_000);
    expect(waiting.messages('matched')).toEqual([]);
    expect(joined.messages('matched')).toEqual([]);
  });

  it.each([
    ['a token for one session', {}, { session: 'mine' }, 'SESSION_FORBIDDEN'],
    ['a size that is none', { min: 3, max: 2 }, {}, 'MESSAGE_INVALID'],
    ['a group that is too large', { max: LIMITS.matchGroup + 1 }, {}, 'MESSAGE_INVALID'],
  ])('[SES20] refuse %s', async (_what, wanted, options, code) => {
    const world = new TestGateway();
    const client = await match(world, wanted, options);
    expect(client.refusals()).toEqual([code]);
  });

  it('[SES20] keep the customers of two tenants apart, and say when the server has no room', async () => {
    const world = new TestGateway(undefined, { 'max-sessions': 1 });
    await world.join('only');
    const clients = [await match(world, {}, { tenant: 'one' }), await match(world, {}, { tenant: 'two' })];
    expect(clients.flatMap((client) => client.messages('unmatched'))).toEqual([]);
    const third = await match(world, {}, { tenant: 'one' });
    expect([third.one('unmatched').reason, clients[0]?.one('unmatched').reason]).toEqual(['full', 'full']);
  });
});
