import { describe, expect, it } from 'vitest';
import { SingleUse } from '../../../server/session/single-use.ts';
import type { TokenClaims } from '../../../server/session/token.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: false, recording: false, training: false };
const claims = (changes: Partial<TokenClaims>): TokenClaims => ({ subject: 's', session: '*', role: 'participant', grants: [], tenant: '', ...changes });

async function joinWith(world: TestGateway, token: string): Promise<TestClient> {
  const client = world.connect();
  await client.hello(token);
  client.control({ type: 'join', session: 'lobby', name: 'x', consent: CONSENT });
  world.turn();
  return client;
}

describe('a token for one use', () => {
  it('[GRT6] lets one participant in, who may resume with it', async () => {
    const world = new TestGateway();
    const token = await world.token({ once: 'only' });
    const first = await joinWith(world, token);
    const replay = await joinWith(world, token);
    expect(replay.peer.closedWith).toBe('TOKEN_INVALID');
    first.peer.close();
    const again = world.connect();
    await again.hello(token);
    again.control({ type: 'resume', resumeToken: first.one('joined').resumeToken });
    world.turn();
    expect(again.one('joined').resumed).toBe(true);
    expect((await joinWith(world, await world.token({ tokenId: 'only' }))).one('joined').resumed).toBe(false);
  });

  it('[GRT6] is not spent by a way in that was refused', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host' });
    host.control({ type: 'lock' });
    world.turn();
    const token = await world.token({ once: 'only', subject: 'guest' });
    expect((await joinWith(world, token)).peer.closedWith).toBe('SESSION_LOCKED');
    host.control({ type: 'unlock' });
    world.turn();
    expect((await joinWith(world, token)).one('joined')).toBeDefined();
  });

  it('[GRT6] is remembered until it has expired, and none is let in that could not be remembered', () => {
    let wallMs = 1_000;
    const singleUse = new SingleUse(() => wallMs, 2);
    for (const once of ['a', 'b']) singleUse.spend(claims({ once, expiresMs: 5_000 }));
    expect(() => singleUse.check(claims({ once: 'a', expiresMs: 5_000 }))).toThrow('TOKEN_INVALID');
    expect(() => singleUse.check(claims({ once: 'c', expiresMs: 9_000 }))).toThrow('SERVER_FULL');
    expect(() => singleUse.check(claims({}))).not.toThrow();
    wallMs = 6_000;
    expect(() => singleUse.check(claims({ once: 'c', expiresMs: 9_000 }))).not.toThrow();
  });
});

describe('the end of a token', () => {
  it('[GRT5] ends nothing for who is in, and lets nobody in who waited at the door', async () => {
    const world = new TestGateway();
    const token = await world.token({ ttlS: 10, subject: 'me' });
    const member = await joinWith(world, token);
    const waiting = world.connect();
    await waiting.hello(token);
    for (let second = 0; second < 20; second++) {
      world.clock.advance(1_000);
      for (const client of [member, waiting]) client.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
    }
    expect(member.peer.closedWith).toBeUndefined();
    member.control({ type: 'say', text: 'still here', captureMs: world.clock.nowMs() });
    waiting.control({ type: 'join', session: 'lobby', name: 'x', consent: CONSENT });
    world.turn();
    expect(member.one('chat').text).toBe('still here');
    expect(waiting.peer.closedWith).toBe('TOKEN_INVALID');
    member.peer.close();
    const again = world.connect();
    await again.hello(token);
    expect(again.peer.closedWith).toBe('TOKEN_INVALID');
  });
});
