import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, openNodeSocket, type ConnectOptions, type CopresenceClient, type ClientState } from '../../client/node.ts';
import type { ClientSocket, SocketHandlers } from '../../client/socket.ts';
import { systemClock } from '../../core/clock.ts';
import type { Role } from '../../protocol/roles.ts';
import { headAt } from './support/played-server.ts';
import { startRealGateway, type TestGateway } from './web/support/real-gateway.ts';

describe('the SDK and the real gateway', () => {
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

  async function join(name: string, role: Role, changes: Partial<ConnectOptions> = {}): Promise<CopresenceClient> {
    const client = await connect({
      url: gateway.server.url, token: await gateway.token(role), session: 'lab', name, clock, openSocket: openNodeSocket,
      consent: { inference: false, recording: false, training: false }, ...changes,
    });
    clients.push(client);
    return client;
  }

  /** Keeps the newest socket at hand, so that a test can cut it. */
  function cuttable(): { openSocket: (url: string, handlers: SocketHandlers) => ClientSocket; cut: () => void } {
    let cut = (): void => undefined;
    return {
      openSocket(url, handlers) {
        let isCut = false;
        const socket = openNodeSocket(url, {
          onOpen: () => handlers.onOpen(),
          onPacket: (packet) => { if (!isCut) handlers.onPacket(packet); },
          onClose: (code, reason) => { if (!isCut) handlers.onClose(code, reason); },
        });
        cut = () => {
          isCut = true;
          socket.close(4999, 'cut by a test');
          handlers.onClose(1006, '');
        };
        return socket;
      },
      cut: () => cut(),
    };
  }

  function waitFor(client: CopresenceClient, state: ClientState['state']): Promise<void> {
    return new Promise((resolve) => client.on('state', (now) => { if (now.state === state) resolve(); }));
  }

  it('resumes as the same participant, with a key snapshot first, and the others see nobody twice', async () => {
    const { openSocket, cut } = cuttable();
    const watcher = await join('Watcher', 'spectator');
    const walker = await join('Walker', 'participant', { openSocket });
    await expect.poll(() => walker.sendPose(headAt(clock.nowMs(), 1)) === 'sent' && watcher.avatarAt(walker.self.slot, watcher.serverNowMs(), headAt(0, 0))).not.toBe('none');
    const { participantId, slot } = walker.self;
    const snapshots: boolean[] = [];
    const heard: string[] = [];
    watcher.on('presence', ({ event, participant }) => heard.push(`${event} ${participant.name}`));
    const back = waitFor(walker, 'live');
    cut();
    expect(walker.state.state).toBe('resuming');
    walker.on('snapshot', ({ key }) => snapshots.push(key));
    await back;
    expect(walker.self).toMatchObject({ participantId, slot });
    await expect.poll(() => snapshots[0]).toBe(true);
    await expect.poll(() => heard).toEqual(['away Walker', 'back Walker']);
    expect([...watcher.participants.values()].filter(({ name }) => name === 'Walker')).toHaveLength(1);
  });

  it('knows the server\'s clock within half a round trip', async () => {
    const client = await join('Timed', 'participant');
    await expect.poll(() => client.rttMs).toBeGreaterThan(0);
    // Both run in this process on one clock, so the true offset is nothing.
    expect(Math.abs(client.clockOffsetMs)).toBeLessThanOrEqual(client.rttMs / 2 + 0.01);
  });

  it('refuses a forged token and a spectator\'s pose with the server\'s codes', async () => {
    await expect(join('Forger', 'participant', { token: 'forged' })).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    const spectator = await join('Mute', 'spectator');
    const refused = new Promise((resolve) => spectator.on('error', ({ code }) => resolve(code)));
    spectator.sendPose(headAt(clock.nowMs(), 0));
    expect(await refused).toBe('GRANT_MISSING');
  });
});
