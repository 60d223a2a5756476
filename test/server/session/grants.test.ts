import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { frameMessage, KIND, readContainer } from '../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from '../../../server/session/token.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

/** A token with its own list of grants, as a back end makes it. */
function tokenWith(world: TestGateway, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ session: '*', role: 'host', ...claims })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM })
    .setSubject('somebody')
    .setAudience(TOKEN_AUDIENCE)
    .setExpirationTime(world.clock.wallMs() / 1000 + 60)
    .sign(world.key);
}

async function joinWith(world: TestGateway, grants: readonly string[]): Promise<TestClient> {
  const client = world.connect();
  await client.hello(await tokenWith(world, { grants }));
  client.control({ type: 'join', session: 'lobby', name: 'x', consent: { inference: true, recording: false, training: false } });
  world.turn();
  return client;
}

function tryEverything(world: TestGateway, client: TestClient): void {
  client.pose(1);
  client.peer.send(frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: 0, codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: new Uint8Array(10) })));
  client.control({ type: 'say', text: 'hello', captureMs: world.clock.nowMs() });
}

describe('grants', () => {
  it('[GRT1] a token\'s own list narrows its role, and names that do not exist give nothing', async () => {
    const world = new TestGateway();
    const client = await joinWith(world, ['chat', 'subscribe', 'fly']);
    expect(client.one('joined')).toMatchObject({ role: 'host', grants: ['chat', 'subscribe'] });
    tryEverything(world, client);
    client.control({ type: 'record', action: 'start' });
    await client.until(() => client.refusals().length === 3);
    expect(client.messages('error').map(({ code, about }) => [code, about])).toEqual([['GRANT_MISSING', 'pose'], ['GRANT_MISSING', 'video'], ['GRANT_MISSING', 'record']]);
    expect(client.one('chat').text).toBe('hello');
  });

  it.each([['a list that is none', { grants: 'chat' }], ['an unknown role', { role: 'owner' }], ['no session', { session: undefined }]])('[SES3] [GRT1] %s makes a token invalid', async (_what, claims) => {
    const world = new TestGateway();
    const client = world.connect();
    await client.hello(await tokenWith(world, claims));
    expect(client.peer.closedWith).toBe('TOKEN_INVALID');
  });

  it.each([['[GRT2] without subscribe nothing of the session is heard', ['publish-pose', 'chat']], ['[GRT3] admin gives nothing', ['admin']]])('%s', async (_title, grants) => {
    const world = new TestGateway();
    const deaf = await joinWith(world, grants);
    deaf.peer.received.length = 0;
    const host = await world.join('lobby', { role: 'host', consent: { recording: true } });
    host.control({ type: 'record', action: 'start' });
    await host.until(() => host.messages('recording').length > 0);
    host.pose(2);
    host.control({ type: 'say', text: 'anybody?', captureMs: world.clock.nowMs() });
    host.peer.close();
    world.clock.advance(100);
    const kinds: number[] = [];
    for (const packet of deaf.peer.received) readContainer(packet, (kind) => kinds.push(kind));
    deaf.read();
    expect(kinds).not.toContain(KIND.snapshot);
    expect(new Set(deaf.control_.map(({ type }) => type))).toEqual(new Set(['welcome', 'ping']));
    await world.gateway.close();
  });

  it('[GRT3] admin neither publishes, chats nor records', async () => {
    const world = new TestGateway();
    const client = await joinWith(world, ['admin']);
    tryEverything(world, client);
    client.control({ type: 'record', action: 'start' });
    await client.until(() => client.refusals().length === 4);
    expect(new Set(client.refusals())).toEqual(new Set(['GRANT_MISSING']));
  });
});
