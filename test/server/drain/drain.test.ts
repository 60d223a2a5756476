import { expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { Drain, type DrainOptions, type DrainReport } from '../../../server/drain/drain.ts';
import { until } from '../../support/until.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

/** A drain of a gateway on the test's clock, and how it went once it is over. */
class DrainWorld extends TestGateway {
  report: DrainReport | undefined;

  drain(options: Partial<DrainOptions> = {}): void {
    const drain = new Drain({ clock: this.clock, random: seededRandom(7), ...this.gateway }, { spreadMs: 0, limitMs: 60_000, ...options });
    void drain.run().then((report) => (this.report = report));
    this.turn();
  }

  /** Joins as a client that does not know `move`. */
  async joinReleased(session: string): Promise<TestClient> {
    const client = this.connect();
    client.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities: ['pose', 'chat'], token: await this.token(), deviceMs: 0 });
    await client.until(() => client.messages('welcome').length > 0);
    client.control({ type: 'join', session, name: 'released', consent: { inference: true, recording: false, training: false } });
    this.turn();
    return client;
  }
}

it('[DRN1] lets nobody in any more: no join, no resume, nobody who only stands at the door', async () => {
  const world = new DrainWorld();
  const ada = await world.join('studio');
  const lobby = world.connect();
  await lobby.hello(await world.token());
  const away = await world.join('studio');
  away.peer.close();
  world.drain({ spreadMs: 10_000 });
  lobby.control({ type: 'join', session: 'studio', name: 'late', consent: { inference: true, recording: false, training: false } });
  expect(lobby.peer.closedWith).toBe('SERVER_DRAINING');
  expect(lobby.messages('error')).toMatchObject([{ code: 'SERVER_DRAINING', about: 'join', retry: 'reconnect', closing: true }]);
  const back = world.connect();
  await back.hello(await world.token());
  back.control({ type: 'resume', resumeToken: away.one('joined').resumeToken });
  expect(back.peer.closedWith).toBe('SERVER_DRAINING');
  expect(ada.peer.closedWith).toBeUndefined();
  const silent = world.connect();
  world.clock.advance(150);
  ada.control({ type: 'moved' });
  world.turn();
  expect([ada.peer.closedWith, silent.peer.closedWith]).toEqual(['SERVER_DRAINING', 'SERVER_DRAINING']);
  await silent.until(() => world.report !== undefined);
});

it('[DRN2] asks whoever can move at their turn, and ends the others', async () => {
  const world = new DrainWorld();
  const clients = await Promise.all(Array.from({ length: 20 }, () => world.join('studio')));
  const released = await world.joinReleased('studio');
  world.drain({ spreadMs: 10_000 });
  const asked = (): number => clients.filter((client) => client.messages('move').length > 0).length;
  const counts = Array.from({ length: 11 }, () => {
    world.clock.advance(100);
    return asked();
  });
  expect(counts.every((count, index) => Math.abs(count - 2 * (index + 1)) <= 3)).toBe(true);
  expect(asked()).toBe(20);
  expect(clients[0]?.messages('move')).toEqual([{ type: 'move', reason: 'drain', withinMs: 2000, resume: false }]);
  expect(released.messages('move')).toEqual([]);
  expect(released.peer.closedWith).toBe('SERVER_DRAINING');
});

it('[DRN3] takes in what was said before the answer, sends all there is, and then ends the connection', async () => {
  const world = new DrainWorld();
  const [ada, grace, mute] = [await world.join('studio'), await world.join('studio'), await world.join('studio')];
  world.drain();
  ada.control({ type: 'say', text: 'one more thing', captureMs: world.clock.nowMs() });
  ada.control({ type: 'moved' });
  ada.control({ type: 'say', text: 'too late', captureMs: world.clock.nowMs() });
  world.turn();
  expect(ada.peer.closedWith).toBe('SERVER_DRAINING');
  for (const heard of [ada, grace, mute]) expect(heard.messages('chat').map(({ text }) => text)).toEqual(['one more thing']);
  grace.peer.close();
  world.clock.advance(1999);
  expect(mute.peer.closedWith).toBeUndefined();
  world.clock.advance(1);
  expect(mute.peer.closedWith).toBe('SERVER_DRAINING');
  await mute.until(() => world.report !== undefined);
  expect(world.report).toEqual({ turns: 3, moved: 0, left: 0 });
});

it('[DRN3] refuses an answer that nobody asked for', async () => {
  const world = new DrainWorld();
  const ada = await world.join('studio');
  ada.control({ type: 'moved' });
  world.turn();
  expect(ada.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
  world.drain();
  ada.control({ type: 'moved' });
  expect(ada.peer.closedWith).toBe('SERVER_DRAINING');
});

it('[DRN5] is over at the limit, whoever is still there', async () => {
  const world = new DrainWorld();
  const [ada, grace] = [await world.join('studio'), await world.join('studio')];
  world.drain({ spreadMs: 600_000, limitMs: 50 });
  world.clock.advance(50);
  await ada.until(() => world.report !== undefined);
  expect(world.report?.turns).toBe(2);
  expect([1, 2]).toContain(world.report?.left);
  expect([ada, grace].filter(({ peer }) => peer.closedWith === undefined)).toHaveLength(world.report?.left ?? 0);
});

it('is over at once where nobody is', async () => {
  const world = new DrainWorld();
  world.drain();
  await until(() => world.report !== undefined);
  expect(world.report).toEqual({ turns: 0, moved: 0, left: 0 });
});
