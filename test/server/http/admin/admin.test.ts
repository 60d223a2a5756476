import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { signToken } from '../../../../server/session/token-signer.ts';
import { until } from '../../../support/until.ts';
import { ADMIN_TOKEN, ServerInProcess } from '../../../support/running-server.ts';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];

describe('the admin verbs', () => {
  const running: ServerInProcess[] = [];
  afterEach(async () => {
    for (const { server } of running.splice(0)) await server.close();
  });

  async function start(flags?: readonly string[], key?: Uint8Array): Promise<ServerInProcess> {
    const started = await ServerInProcess.start(flags, key);
    running.push(started);
    return started;
  }

  it('[ADM1] are not there without a token of theirs', async () => {
    const world = await start([]);
    for (const path of ['', '/', '/status', '/sessions', '/sessions/studio', '/revocations', '/drain']) {
      for (const method of METHODS) expect((await world.admin(path, undefined, { method })).status, `${method} ${path}`).toBe(404);
    }
  });

  it('[ADM1] are on the port of their own where they have one, and nothing else is', async () => {
    const world = await start(['--admin-token', ADMIN_TOKEN, '--admin-port', '0']);
    expect((await world.admin('/status')).status).toBe(200);
    expect((await fetch(`${world.server.url}/v1/admin/status`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } })).status).toBe(404);
    expect((await fetch(`${world.server.adminUrl ?? ''}/metrics`)).status).toBe(401);
  });

  it.each([
    ['none', {}, ''],
    ['a wrong one', { Authorization: 'Bearer not-the-admin-token-but-one-that-is-as-long' }, ''],
    ['the beginning of it', { Authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}` }, ''],
    ['it in another scheme', { Authorization: `Basic ${ADMIN_TOKEN}` }, ''],
    ['it in the query', {}, `?token=${ADMIN_TOKEN}&access_token=${ADMIN_TOKEN}`],
    ['it in a cookie', { Cookie: `token=${ADMIN_TOKEN}` }, ''],
  ])('[ADM2] [ADM5] refuse %s for a token, and write it down', async (_, headers, query) => {
    const world = await start();
    const client = await world.join('studio', 'ada');
    for (const [path, body] of [['/sessions/studio', undefined], ['/revocations', { subject: 'ada' }], ['/nowhere', undefined]] as const) {
      const response = await world.admin(`${path}${query}`, body, { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ code: 'TOKEN_INVALID', status: 401 });
    }
    expect(world.audited.map(({ who, verb, target, outcome, address }) => [who, verb, target, outcome, address.includes('127.0.0.1')])).toEqual([
      ['stranger', 'show-session', { session: 'studio' }, 'TOKEN_INVALID', true],
      ['stranger', 'revoke', {}, 'TOKEN_INVALID', true],
      ['stranger', 'unknown', {}, 'TOKEN_INVALID', true],
    ]);
    expect(JSON.stringify(world.audited)).not.toContain(ADMIN_TOKEN.slice(0, -1));
    expect(client.state.state).toBe('live');
    client.close();
  });

  it('[ADM2] let nobody guess: after ten wrong tokens an address waits', async () => {
    const world = await start();
    const wrong = { headers: { Authorization: 'Bearer wrong' } };
    for (let count = 0; count < 10; count++) expect((await world.admin('/status', undefined, wrong)).status).toBe(401);
    const limited = await world.admin('/status');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
    expect(world.audited.at(-1)).toMatchObject({ who: 'stranger', outcome: 'RATE_LIMITED' });
  });

  it.each([
    ['a path that is none', '/nowhere', undefined, {}, 404, 'NOT_FOUND'],
    ['a session that is none', '/sessions/nowhere', undefined, {}, 404, 'NOT_FOUND'],
    ['a session whose name cannot be one', '/sessions/..%2f..', undefined, {}, 404, 'NOT_FOUND'],
    ['a method that is not for the path', '/sessions', undefined, { method: 'DELETE' }, 405, 'MESSAGE_UNEXPECTED'],
    ['a body that is no JSON', '/revocations', '{', {}, 400, 'MESSAGE_INVALID'],
    ['a body that is no UTF-8', '/revocations', undefined, { method: 'POST', body: Uint8Array.of(0x22, 0xff, 0x22) }, 400, 'MESSAGE_INVALID'],
    ['a body of another shape', '/revocations', { subject: 'ada', jti: 'both' }, {}, 400, 'MESSAGE_INVALID'],
    ['a body with a field too many', '/revocations', { subject: 'ada', forever: true }, {}, 400, 'MESSAGE_INVALID'],
    ['a time that is none', '/revocations', { subject: 'ada', ttlS: 0 }, {}, 400, 'MESSAGE_INVALID'],
    ['a body that is too long', '/revocations', { subject: 'a'.repeat(9000) }, {}, 413, 'PACKET_TOO_LARGE'],
    ['a compressed body', '/revocations', { subject: 'ada' }, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Encoding': 'gzip' } }, 400, 'MESSAGE_INVALID'],
  ])('[ADM3] answer %s with a problem', async (_, path, body, init, status, code) => {
    const world = await start();
    const response = await world.admin(path, body, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem: unknown = await response.json();
    expect(problem).toMatchObject({ type: `urn:copresence:error:${code}`, title: expect.any(String) as string, status, code });
    expect((problem as { detail: string }).detail).toContain(code);
    expect(world.audited).toMatchObject([{ who: 'admin', outcome: code }]);
    expect(await (await world.admin('/revocations')).json()).toEqual({ revocations: [] });
  });

  it('[ADM3] refuse a body whose length nobody announced once it is too long', async () => {
    const world = await start();
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4096).fill(0x20)) });
    const response = await world.admin('/revocations', undefined, { method: 'POST', body: endless, duplex: 'half' } as RequestInit).catch(() => undefined);
    // The answer may be lost where the sender is still writing; that nothing happened is what counts.
    expect([413, undefined]).toContain(response?.status);
    expect(world.audited).toMatchObject([{ verb: 'revoke', outcome: 'PACKET_TOO_LARGE' }]);
  });

  it('show the sessions and who is in them, and nothing of what they sent', async () => {
    const world = await start();
    const ada = await world.join('studio', 'ada');
    const grace = await world.join('studio', 'grace');
    const alone = await world.join('hall', 'alone');
    grace.close();
    await until(() => ada.participants.get(grace.self.slot)?.presence === 'away');
    expect(await (await world.admin('/sessions')).json()).toMatchObject({ sessions: [{ session: 'studio', live: 1, away: 1, recording: false }, { session: 'hall', live: 1, away: 0 }] });
    const detail = await (await world.admin('/sessions/studio')).json() as { participants: unknown[] };
    expect(detail.participants).toMatchObject([
      { participantId: ada.self.participantId, slot: 0, name: 'ada', subject: 'ada', role: 'host', presence: 'live', consent: { inference: true, recording: false, training: false } },
      { participantId: grace.self.participantId, slot: 1, presence: 'away' },
    ]);
    expect(JSON.stringify(detail)).not.toContain('resumeToken');
    expect(await (await world.admin('/status')).json()).toMatchObject({ version: 'test', state: 'serving', sessions: 2, live: 2, away: 1, revocations: 0 });
    for (const client of [ada, alone]) client.close();
  });

  it('[ADM4] end whoever is connected by a revoked token, and let them not come back', async () => {
    const world = await start();
    const errors: string[] = [];
    const listen = (joining: { on: (event: 'error', listener: (error: { code: string }) => void) => unknown }): void => void joining.on('error', ({ code }) => errors.push(code));
    const mallory = await world.join('studio', 'mallory', { tokenId: 'm1', listen });
    const again = await world.join('studio', 'mallory', { tokenId: 'm2' });
    const ada = await world.join('studio', 'ada');
    const answer = await world.admin('/revocations', { jti: 'm1' });
    expect(await answer.json()).toMatchObject({ kind: 'jti', value: 'm1', ended: { connections: 1, participants: 1 } });
    await until(() => mallory.state.state === 'closed');
    expect(mallory.state).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(errors).toEqual(['TOKEN_REVOKED']);
    await until(() => !ada.participants.has(mallory.self.slot));
    expect([again.state.state, ada.state.state]).toEqual(['live', 'live']);
    await expect(world.join('studio', 'mallory', { tokenId: 'm1' })).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    await world.admin('/revocations', { subject: 'mallory' });
    await until(() => again.state.state === 'closed');
    await expect(world.join('studio', 'mallory', { tokenId: 'm3' })).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(world.audited.filter(({ who }) => who === 'admin').map(({ verb, target, outcome }) => [verb, target, outcome])).toEqual([
      ['revoke', { jti: 'm1' }, 'done'],
      ['revoke', { subject: 'mallory' }, 'done'],
    ]);
    ada.close();
  });

  it('[ADM4] end who is away by a revoked token: there is no place to come back to', async () => {
    const world = await start();
    const mallory = await world.join('studio', 'mallory');
    const ada = await world.join('studio', 'ada');
    mallory.close();
    await until(() => ada.participants.get(mallory.self.slot)?.presence === 'away');
    expect(await (await world.admin('/revocations', { subject: 'mallory' })).json()).toMatchObject({ ended: { connections: 0, participants: 1 } });
    await until(() => !ada.participants.has(mallory.self.slot));
    ada.close();
  });

  it('[ADM6] end a session for everybody in it, and no other', async () => {
    const world = await start();
    const [ada, grace, other] = [await world.join('studio', 'ada', { reconnect: false }), await world.join('studio', 'grace', { reconnect: false }), await world.join('hall', 'other')];
    expect(await (await world.admin('/sessions/studio/end', {})).json()).toEqual({ session: 'studio', ended: 2 });
    await until(() => [ada, grace].every(({ state }) => state.state === 'closed'));
    expect([ada.state, grace.state, other.state]).toMatchObject([{ code: 'SESSION_ENDED' }, { code: 'SESSION_ENDED' }, { state: 'live' }]);
    expect((await world.admin('/sessions/studio/end', {})).status).toBe(404);
    expect(world.audited.map(({ verb, target, outcome }) => [verb, target, outcome])).toEqual([
      ['end-session', { session: 'studio' }, 'done'],
      ['end-session', { session: 'studio' }, 'NOT_FOUND'],
    ]);
    other.close();
  });

  it('[ADM6] lock and unlock a session, and say what it is about', async () => {
    const world = await start();
    const ada = await world.join('studio', 'ada');
    const guest = async (): Promise<string> => signToken(world.key, { subject: 'guest', session: '*', role: 'participant' }, { ttlS: 60, wallMs: systemClock().wallMs() });
    expect(await (await world.admin('/sessions/studio/lock', {})).json()).toMatchObject({ session: 'studio', locked: true });
    await expect(world.join('studio', 'guest', { token: await guest() })).rejects.toMatchObject({ code: 'SESSION_LOCKED' });
    expect(await (await world.admin('/sessions/studio/unlock', {})).json()).toMatchObject({ locked: false });
    (await world.join('studio', 'guest', { token: await guest() })).close();
    const put = (body: unknown): Promise<Response> => world.admin('/sessions/studio/metadata', body, { method: 'PUT' });
    expect(await (await put({ metadata: { map: 'attic', round: 3 } })).json()).toMatchObject({ metadata: { map: 'attic', round: 3 } });
    expect((await put({ metadata: { constructor: 1 } })).status).toBe(400);
    expect((await put({ metadata: { map: { deep: 1 } } })).status).toBe(400);
    expect(await (await world.admin('/sessions/studio')).json()).toMatchObject({ metadata: { map: 'attic', round: 3 }, host: 0, bans: 0 });
    expect(world.audited.filter(({ who }) => who === 'admin').map(({ verb, target, outcome }) => [verb, target, outcome])).toEqual([
      ['lock-session', { session: 'studio' }, 'done'],
      ['unlock-session', { session: 'studio' }, 'done'],
      ['set-metadata', { session: 'studio' }, 'done'],
      ['set-metadata', { session: 'studio' }, 'MESSAGE_INVALID'],
      ['set-metadata', { session: 'studio' }, 'MESSAGE_INVALID'],
      ['show-session', { session: 'studio' }, 'done'],
    ]);
    ada.close();
  });

  it('[ADM6] kick one participant, and leave the others alone', async () => {
    const world = await start();
    const [ada, mallory] = [await world.join('studio', 'ada'), await world.join('studio', 'mallory', { reconnect: false })];
    const path = `/sessions/studio/participants/${mallory.self.participantId}/kick`;
    expect(await (await world.admin(path, {})).json()).toMatchObject({ session: 'studio', ban: false });
    await until(() => mallory.state.state === 'closed' && !ada.participants.has(mallory.self.slot));
    expect([mallory.state, ada.state]).toMatchObject([{ code: 'KICKED' }, { state: 'live' }]);
    expect((await world.admin(path, {})).status).toBe(404);
    // A kick alone keeps nobody out; a ban does.
    const again = await world.join('studio', 'mallory', { reconnect: false });
    await world.admin(`/sessions/studio/participants/${again.self.participantId}/kick`, { ban: true });
    await expect(world.join('studio', 'mallory')).rejects.toMatchObject({ code: 'KICKED' });
    expect(await (await world.admin('/sessions/studio')).json()).toMatchObject({ bans: 1, live: 1 });
    ada.close();
  });

  it('[ADM4] refuse calls of models by a revoked token', async () => {
    const world = await start();
    const token = await world.token({ subject: 'mallory', tokenId: 'm1' });
    const call = async (): Promise<unknown> => (await fetch(`${world.server.url}/v2/models/m/infer`, { method: 'POST', body: '{}', headers: { Authorization: `Bearer ${token}` } })).json();
    expect(await call()).toMatchObject({ code: 'GRANT_MISSING' });
    await world.admin('/revocations', { jti: 'm1' });
    expect(await call()).toMatchObject({ code: 'TOKEN_REVOKED' });
  });
});
