import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, findSessions, openNodeSocket, type ConnectOptions, type CopresenceClient } from '../../client/node.ts';
import { systemClock } from '../../core/clock.ts';
import type { Role } from '../../protocol/roles.ts';
import { until } from '../support/until.ts';
import { joinScene, openScene, optionsFor } from './support/joined-client.ts';
import { joinedMessage, WELCOME } from './support/played-server.ts';
import { startRealGateway, type TestGateway } from './web/support/real-gateway.ts';

const INFO = { type: 'session-info', session: 'room', code: 'K7XW2M', visibility: 'private', host: null, capacity: 8, locked: false, metadata: {}, createdMs: 0, maxAgeS: null, ending: false } as const;

describe('ways into a session of a real gateway', () => {
  const clock = systemClock();
  let folder: string;
  let gateway: TestGateway;
  const clients: CopresenceClient[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/copresence-sdk-`);
    gateway = await startRealGateway({ viewer: folder, recordings: folder });
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await gateway.server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function enter(role: Role, changes: Partial<ConnectOptions>): Promise<CopresenceClient> {
    const client = await connect({
      url: gateway.server.url, token: await gateway.token(role), name: role, clock, openSocket: openNodeSocket, consent: { inference: false, recording: false, training: false }, ...changes,
    });
    clients.push(client);
    return client;
  }

  it('[SES12] [SES13] [SES14] [SES16] makes one, finds it in the list, and joins it by its code', async () => {
    const maker = await enter('host', { session: 'made', way: { kind: 'create', wanted: { visibility: 'listed', capacity: 3, metadata: { map: 'harbour' } } } });
    await until(() => maker.info !== undefined);
    expect(maker.info).toMatchObject({ session: 'made', host: maker.self.slot, capacity: 3 });
    const options = { url: gateway.server.url, token: await gateway.token('spectator'), clock, openSocket: openNodeSocket };
    expect(await findSessions({ ...options, filter: { map: 'harbour' } })).toMatchObject([{ session: 'made', size: 1, capacity: 3 }]);
    expect(await findSessions({ ...options, filter: { map: 'castle' } })).toEqual([]);
    const guest = await enter('participant', { way: { kind: 'code', code: maker.info?.code ?? '' } });
    expect(guest.self.session).toBe('made');
  });

  it('[SES17] [SES18] [SES15] locks, describes and sends away', async () => {
    const host = await enter('host', { session: 'tidy' });
    const guest = await enter('participant', { session: 'tidy' });
    expect([host.moderation.lock(), host.moderation.setMetadata({ level: 3 })]).toEqual(['sent', 'sent']);
    await until(() => guest.info?.locked === true && guest.info.metadata['level'] === 3);
    await expect(enter('participant', { session: 'tidy' })).rejects.toMatchObject({ code: 'SESSION_LOCKED' });
    host.moderation.unlock();
    host.moderation.kick(guest.self.participantId);
    await until(() => guest.state.state === 'closed');
    expect(guest.state).toMatchObject({ code: 'KICKED' });
  });

  it('[SES20] matches two, and says when nobody came', async () => {
    const wanted = { metadata: { mode: 'duel' }, min: 2, max: 2, timeoutMs: 20_000 };
    const way = { kind: 'match', wanted } as const;
    const [one, two] = await Promise.all([enter('participant', { way }), enter('participant', { way })]);
    expect(one.self.session).toBe(two.self.session);
    await expect(enter('participant', { way: { kind: 'match', wanted: { ...wanted, timeoutMs: 50 } } })).rejects.toMatchObject({ code: 'REQUEST_EXPIRED' });
  });

  it.each<[string, Role, Partial<ConnectOptions>, string]>([
    ['a code of nobody\'s', 'participant', { way: { kind: 'code', code: 'AAAAAA' } }, 'NOT_FOUND'],
    ['making one without the grant', 'participant', { way: { kind: 'create' } }, 'GRANT_MISSING'],
    ['no way at all', 'participant', {}, 'MESSAGE_INVALID'],
  ])('is not taken for joined with %s', async (_what, role, changes, code) => {
    await expect(enter(role, changes)).rejects.toMatchObject({ code });
  });
});

describe('joining anew', () => {
  it('goes by the code into a private session, and by the name into any other, whatever the first way was', async () => {
    for (const visibility of ['private', 'open'] as const) {
      const scene = openScene();
      const client = connect({ ...optionsFor(scene), way: { kind: 'create' } });
      scene.server.newest.open();
      scene.server.newest.down(WELCOME, joinedMessage(), { ...INFO, visibility });
      await client;
      expect(scene.server.newest.received('create')).toHaveLength(1);
      scene.server.newest.down({ type: 'error', code: 'RESUME_REFUSED', detail: '', about: 'resume', retry: 'reconnect', closing: true });
      scene.server.newest.drop(4404);
      scene.clock.advance(1_000);
      scene.server.newest.open();
      scene.clock.advance(0);
      expect(scene.server.newest.received('join-code').map(({ code }) => code)).toEqual(visibility === 'private' ? ['K7XW2M'] : []);
      expect(scene.server.newest.received('join').map(({ session }) => session)).toEqual(visibility === 'private' ? [] : ['room']);
      (await client).close();
    }
  });

  it('knows nothing of an earlier session\'s state', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.down(INFO);
    expect(client.info?.code).toBe('K7XW2M');
    scene.server.newest.down(joinedMessage());
    expect(client.info).toBeUndefined();
    client.close();
  });
});
