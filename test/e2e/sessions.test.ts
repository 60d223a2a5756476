/** Who may what, and who is there, against a real server over real sockets. */
import { SignJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeDown } from '../../protocol/codec/control.ts';
import { frameMessage, KIND, readContainer } from '../../protocol/codec/container.ts';
import type { DownMessage, DownMessageOf } from '../../protocol/down.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { TOKEN_AUDIENCE } from '../../server/session/token.ts';
import { until } from '../support/until.ts';
import { joinRaw, openRaw, send, type RawSocket } from './support/raw-socket.ts';
import { deviceClock, ServerUnderTest } from './support/server.ts';
import { encodedNow, handSample } from './support/streams.ts';

const CONSENT = { inference: false, recording: false, training: false };
let server: ServerUnderTest;

beforeAll(async () => {
  server = await ServerUnderTest.start(['--workers', '0', '--log-level', 'debug']);
}, 60_000);

afterAll(() => server.process.stop());

/** A raw socket with what came, by kind: control messages, and whether each snapshot was a key one. */
interface Listening extends RawSocket {
  readonly control: DownMessage[];
  readonly kinds: string[];
}

async function listen(): Promise<Listening> {
  const raw = await openRaw(server.socketUrl);
  const control: DownMessage[] = [], kinds: string[] = [];
  raw.socket.on('message', (bytes: Buffer) => {
    readContainer(bytes, (kind, payload) => {
      if (kind === KIND.snapshot) return void kinds.push(payload[8] === 1 ? 'key' : 'delta');
      const decoded = decodeDown(payload);
      if (decoded.kind === 'message') control.push(decoded.message);
    });
  });
  return { ...raw, control, kinds };
}

function heard<Type extends DownMessage['type']>({ control }: Listening, type: Type): DownMessageOf<Type>[] {
  return control.filter((message): message is DownMessageOf<Type> => message.type === type);
}

async function joined(session: string, token: string): Promise<Listening> {
  const client = await listen();
  joinRaw(client, { token, session });
  await until(() => heard(client, 'joined').length > 0);
  return client;
}

const key = (): Uint8Array => new TextEncoder().encode(server.process.tokenKey);
const nowS = (): number => Math.floor(deviceClock.wallMs() / 1000);

function sign(claims: JWTPayload, changes: { readonly audience?: string; readonly key?: Uint8Array } = {}): Promise<string> {
  const payload = { sub: 'somebody', session: '*', role: 'participant', exp: nowS() + 600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).setAudience(changes.audience ?? TOKEN_AUDIENCE).sign(changes.key ?? key());
}

function unsigned(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'x', aud: TOKEN_AUDIENCE, session: '*', role: 'host', exp: nowS() + 600 })}.`;
}

describe('tokens at the door', () => {
  it.each<[string, number, () => Promise<string> | string]>([
    ['of no algorithm', 4401, unsigned],
    ['of another key', 4401, () => sign({}, { key: new Uint8Array(32) })],
    ['for another audience', 4401, () => sign({}, { audience: 'elsewhere' })],
    ['that have expired', 4401, () => sign({ exp: nowS() - 60 })],
    ['that are not good yet', 4401, () => sign({ nbf: nowS() + 600 })],
    ['for one use and without an id', 4401, () => sign({ once: true })],
    ['for another session', 4403, () => sign({ session: 'another' })],
  ])('[SES3] [GRT5] %s end the connection with %i', async (_what, code, make) => {
    const raw = await openRaw(server.socketUrl);
    joinRaw(raw, { token: await make(), session: 'hall' });
    expect(await raw.closed).toBe(code);
  });

  it('[GRT6] that are replayed end the second connection with 4401, and not the first', async () => {
    const token = await sign({ once: true, jti: 'one-way' });
    const first = await joined('replay', token);
    const second = await openRaw(server.socketUrl);
    joinRaw(second, { token, session: 'replay' });
    expect(await second.closed).toBe(4401);
    send(first, { type: 'say', text: 'still here', captureMs: deviceClock.nowMs() });
    await until(() => heard(first, 'chat').length === 1);
    first.socket.close();
  });
});

describe('who goes beyond what they may', () => {
  it('[GRT1] [GRT4] is refused each message, which has no effect, and stands in the log with the participant and the verb', async () => {
    const host = await server.join('guarded', 'Host', { role: 'host' });
    const watcher = await joined('guarded', await sign({ role: 'spectator', sub: 'watcher' }));
    const target = host.client.self.participantId;
    const tries: UpMessage[] = [
      { type: 'say', text: 'words-of-the-watcher', captureMs: deviceClock.nowMs() },
      { type: 'record', action: 'start' },
      { type: 'lock' },
      { type: 'kick', participantId: target, ban: true },
      { type: 'set-metadata', metadata: { note: 'words-of-the-watcher' } },
      // Another's slot and id are no fields of any message.
      { type: 'say', text: 'words-of-the-watcher', captureMs: 0, slot: host.client.self.slot, participantId: target } as UpMessage,
      { type: 'join', session: 'other', name: 'x', consent: CONSENT },
    ];
    for (const message of tries) send(watcher, message);
    watcher.socket.send(frameMessage(KIND.poseSample, encodedNow(handSample())));
    watcher.socket.send(frameMessage(KIND.videoChunk, new Uint8Array(40)));
    await until(() => heard(watcher, 'error').length === tries.length + 2);
    const withoutGrant = ['say', 'record', 'lock', 'kick', 'set-metadata', 'pose', 'video'].map((verb) => `${verb} GRANT_MISSING`);
    const refused = heard(watcher, 'error').map(({ about, code }) => `${about} ${code}`);
    expect(refused.sort()).toEqual([...withoutGrant, 'say MESSAGE_INVALID', 'join MESSAGE_UNEXPECTED'].sort());
    expect(host.client.state.state).toBe('live');
    expect(host.chat).toEqual([]);
    const [{ participantId } = { participantId: '' }] = heard(watcher, 'joined');
    const audit = (): { verb: string; outcome: string }[] => server.log.split('\n').filter((line) => line.includes(participantId) && line.includes('"audit":true')).map((line) => JSON.parse(line) as { verb: string; outcome: string });
    await until(() => audit().length >= withoutGrant.length + 1);
    expect(host.poses.size).toBe(0);
    expect(new Set(audit().map(({ verb, outcome }) => `${verb} ${outcome}`))).toEqual(new Set([...withoutGrant, 'say MESSAGE_INVALID']));
    for (const secret of ['words-of-the-watcher', ...server.tokens]) expect(server.log).not.toContain(secret);
    watcher.socket.close();
    host.client.close();
  });

  it('[SES18] is sent away by a moderator with 4424, and kept out', async () => {
    const host = await joined('tidy', await sign({ role: 'host', sub: 'host' }));
    const token = await sign({ sub: 'rude' });
    const rude = await joined('tidy', token);
    const [{ participantId } = { participantId: '' }] = heard(rude, 'joined');
    send(host, { type: 'kick', participantId, ban: true });
    expect(await rude.closed).toBe(4424);
    const again = await openRaw(server.socketUrl);
    joinRaw(again, { token, session: 'tidy' });
    expect(await again.closed).toBe(4424);
    send(host, { type: 'lock' });
    await until(() => heard(host, 'session-info').at(-1)?.locked === true);
    const late = await openRaw(server.socketUrl);
    joinRaw(late, { token: await sign({ sub: 'late' }), session: 'tidy' });
    expect(await late.closed).toBe(4423);
    host.socket.close();
  });
});

describe('a link that is half open', () => {
  it('[TIM5] [SES6] [SES7] [BRC6] is given up within the heartbeat; who comes back is the same one, and their old token is void', async () => {
    const watcher = await server.join('tunnel', 'Watcher', { role: 'host' });
    const events: string[] = [];
    watcher.client.on('presence', ({ event, participant }) => events.push(`${event} ${participant.participantId}`));
    const token = await sign({ sub: 'traveller' });
    const lost = await joined('tunnel', token);
    const before = heard(lost, 'joined')[0] as DownMessageOf<'joined'>;
    // Nothing is read and nothing answered, while the operating system keeps the connection.
    lost.socket.pause();
    await until(() => events.includes(`away ${before.participantId}`));
    expect(await (await server.get('/metrics')).text()).toMatch(/copresence_connections_closed_total\{code="HEARTBEAT_TIMEOUT".*\} 1/);
    const back = await listen();
    send(back, { type: 'hello', version: 1, oldestVersion: 1, capabilities: ['sessions'], token, deviceMs: deviceClock.nowMs() });
    send(back, { type: 'resume', resumeToken: before.resumeToken });
    await until(() => heard(back, 'joined').length > 0 && back.kinds.length > 0);
    const after = heard(back, 'joined')[0] as DownMessageOf<'joined'>;
    expect(after).toMatchObject({ resumed: true, participantId: before.participantId, slot: before.slot });
    expect(after.resumeToken).not.toBe(before.resumeToken);
    expect(back.kinds[0]).toBe('key');
    expect(after.participants.filter(({ participantId }) => participantId === before.participantId)).toHaveLength(1);
    expect(after.participants).toHaveLength(2);
    const thief = await openRaw(server.socketUrl);
    send(thief, { type: 'hello', version: 1, oldestVersion: 1, capabilities: [], token, deviceMs: deviceClock.nowMs() });
    send(thief, { type: 'resume', resumeToken: before.resumeToken });
    expect(await thief.closed).toBe(4404);
    expect(watcher.client.participants.size).toBe(2);
    back.socket.close();
    lost.socket.terminate();
    watcher.client.close();
  }, 60_000);
});
