import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from '../../../server/session/token.ts';
import { signToken } from '../../../server/session/token-signer.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

/** Two in a session, the second of whom misbehaves; at the end the first must not have noticed. */
async function misbehave(act: (bad: TestClient, world: TestGateway) => void): Promise<{ good: TestClient; bad: TestClient; world: TestGateway }> {
  const world = new TestGateway();
  const good = await world.join('lobby', { name: 'good' });
  const bad = await world.join('lobby', { name: 'bad' });
  act(bad, world);
  world.turn();
  good.pose(2);
  good.control({ type: 'say', text: 'still here', captureMs: world.clock.nowMs() });
  world.clock.advance(40);
  expect(good.peer.closedWith).toBeUndefined();
  expect(good.one('chat').text).toBe('still here');
  expect(good.poses.some(({ headX }) => headX === 2)).toBe(true);
  expect(good.refusals()).toEqual([]);
  return { good, bad, world };
}

const jpegChunk = (bytes: Uint8Array, width = 320, height = 240): Uint8Array =>
  frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: 0, codec: 'jpeg', kind: 'key', width, height, bytes }));

describe('what is wrong is refused with its code, and nobody else notices', () => {
  it.each<[string, (bad: TestClient, world: TestGateway) => void, string, string | undefined]>([
    ['[PKT4] garbage', (bad) => bad.peer.send(Uint8Array.from([1, 255, 255, 255, 255])), 'PACKET_MALFORMED', 'PACKET_MALFORMED'],
    ['[PKT4] an empty packet', (bad) => bad.peer.send(new Uint8Array(0)), 'PACKET_MALFORMED', 'PACKET_MALFORMED'],
    ['[PKT4] a packet over the limit', (bad) => bad.peer.send(new Uint8Array(LIMITS.packetBytes + 1)), 'PACKET_TOO_LARGE', 'PACKET_TOO_LARGE'],
    ['[PKT5] an unknown kind', (bad) => bad.peer.send(Uint8Array.from([99, 0])), 'MESSAGE_UNKNOWN', undefined],
    ['[CTL4] a control message that is no MessagePack', (bad) => bad.peer.send(Uint8Array.from([1, 1, 0xc1])), 'MESSAGE_INVALID', undefined],
    ['[POS6] a truncated pose', (bad) => bad.peer.send(Uint8Array.from([2, 4, 0, 0, 0, 0])), 'MESSAGE_INVALID', undefined],
    ['[POS6] a pose marked as not finite', (bad) => bad.peer.send(frameMessage(KIND.poseSample, Uint8Array.from([0, 0, 0, 0, 1, 1, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0]))), 'POSE_NOT_FINITE', undefined],
    ['[TIM4] a pose from the future', (bad, world) => { bad.synchronise(); bad.pose(1, world.clock.nowMs() + LIMITS.futureMs + 100); }, 'TIME_IN_FUTURE', undefined],
    ['[VID2] a picture of an unknown codec', (bad) => bad.peer.send(frameMessage(KIND.videoChunk, Uint8Array.from([0, 0, 0, 0, 77, 1, 64, 1, 240, 0, 1, 2, 3]))), 'VIDEO_INVALID', undefined],
    ['[VID3] a picture of a codec that nothing here decodes', (bad) => bad.peer.send(frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: 0, codec: 'vp8', kind: 'key', width: 320, height: 240, bytes: new Uint8Array(10) }))), 'VIDEO_UNSUPPORTED', undefined],
    ['[VID3] a picture that needs another', (bad) => bad.peer.send(frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: 0, codec: 'jpeg', kind: 'delta', width: 320, height: 240, bytes: new Uint8Array(10) }))), 'VIDEO_INVALID', undefined],
    ['[VID2] a picture of 50,000 pixels a side', (bad) => bad.peer.send(jpegChunk(new Uint8Array(10), 50_000, 50_000)), 'VIDEO_INVALID', undefined],
    ['[SES10] a second hello', (bad, world) => bad.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [], token: 'x', deviceMs: world.clock.nowMs() }), 'MESSAGE_UNEXPECTED', undefined],
    ['[SES10] joining twice', (bad) => bad.control({ type: 'join', session: 'lobby', name: 'x', consent: { inference: true, recording: true, training: true } }), 'MESSAGE_UNEXPECTED', undefined],
    ['[GRT1] recording without the grant', (bad) => bad.control({ type: 'record', action: 'start' }), 'GRANT_MISSING', undefined],
  ])('%s', async (_what, act, code, closedWith) => {
    const { bad, good } = await misbehave(act);
    await bad.until(() => bad.refusals().length > 0);
    expect(bad.refusals()).toEqual([code]);
    expect(bad.peer.closedWith).toBe(closedWith);
    expect(good.messages('presence').at(-1)?.event).toBe(closedWith === undefined ? 'joined' : 'away');
  });

  it('[ERR2] a stream of refusals ends the connection', async () => {
    const { bad } = await misbehave((client) => {
      for (let index = 0; index < LIMITS.refusalsPer10s + 5; index++) client.peer.send(Uint8Array.from([99, 0]));
    });
    expect(bad.peer.closedWith).toBe('TOO_MANY_ERRORS');
  });

  it('[BRC7] [ERR4] says that trying again later helps, and when', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    for (let line = 0; line < LIMITS.chatPerSecond + 1; line++) client.control({ type: 'say', text: 'again', captureMs: world.clock.nowMs() });
    world.turn();
    expect(client.messages('chat')).toHaveLength(LIMITS.chatPerSecond);
    expect(client.one('error')).toMatchObject({ code: 'RATE_LIMITED', retry: 'later', about: 'say', closing: false });
    expect(client.one('error').retryAfterMs).toBeGreaterThan(0);
  });

  it('[GRT1] a spectator may neither pose, show pictures nor chat', async () => {
    const world = new TestGateway();
    const spectator = await world.join('lobby', { role: 'spectator' });
    spectator.pose(1);
    spectator.peer.send(jpegChunk(new Uint8Array(10)));
    spectator.control({ type: 'say', text: 'hello', captureMs: world.clock.nowMs() });
    world.turn();
    expect(spectator.refusals()).toEqual(['GRANT_MISSING', 'GRANT_MISSING', 'GRANT_MISSING']);
  });

  it('[CON2] pictures without consent to inference are refused', async () => {
    const world = new TestGateway();
    const shy = await world.join('lobby', { consent: { inference: false } });
    shy.peer.send(jpegChunk(new Uint8Array(10)));
    world.turn();
    expect(shy.refusals()).toEqual(['CONSENT_MISSING']);
  });

  it('[SES10] poses before joining are refused', async () => {
    const world = new TestGateway();
    const early = world.connect();
    await early.hello(await world.token());
    early.pose(1);
    world.turn();
    expect(early.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
  });

  it('[SES2] a version that the server does not speak ends the connection', () => {
    const world = new TestGateway();
    const newer = world.connect();
    newer.control({ type: 'hello', version: 9, oldestVersion: 7, capabilities: [], token: 'x', deviceMs: 0 });
    world.turn();
    expect(newer.peer.closedWith).toBe('VERSION_UNSUPPORTED');
  });
});

describe('tokens', () => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each<[string, (world: TestGateway) => Promise<string> | string]>([
    ['of another key', (world) => signToken(new Uint8Array(32), { subject: 'x', session: '*', role: 'host' }, { ttlS: 60, wallMs: world.clock.wallMs() })],
    ['that have expired', (world) => world.token({ ttlS: -60 })],
    ['without a signature', (world) => `${encode({ alg: 'none' })}.${encode({ sub: 'x', aud: 'copresence', session: '*', role: 'host', exp: world.clock.wallMs() / 1000 + 60 })}.`],
    ['for another audience', (world) => new SignJWT({ session: '*', role: 'host' }).setProtectedHeader({ alg: TOKEN_ALGORITHM }).setSubject('x').setAudience('elsewhere').setExpirationTime(world.clock.wallMs() / 1000 + 60).sign(world.key)],
    ['that never expire', (world) => new SignJWT({ session: '*', role: 'host' }).setProtectedHeader({ alg: TOKEN_ALGORITHM }).setSubject('x').setAudience(TOKEN_AUDIENCE).sign(world.key)],
    ['that are no tokens', () => 'let me in'],
  ])('[SES3] %s are refused', async (_what, make) => {
    const world = new TestGateway();
    const client = world.connect();
    await client.hello(await make(world));
    expect(client.refusals()).toEqual(['TOKEN_INVALID']);
    expect(client.peer.closedWith).toBe('TOKEN_INVALID');
  });
});
