import { expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { TestClient, TestGateway } from '../../support/gateway.ts';

const TICK_MS = 20;

it('[RTC6] sends a key snapshot with every heartbeat where snapshots may be lost, and none where they are not', async () => {
  const world = new TestGateway();
  const lossy = new TestClient(world, world.transport.connect({ ordered: false }));
  await lossy.hello(await world.token());
  lossy.control({ type: 'join', session: 'lobby', name: 'lossy', consent: { inference: false, recording: false, training: false } });
  const steady = await world.join('lobby');
  steady.pose(3);
  world.clock.advance(TICK_MS * 3);
  for (const client of [lossy, steady]) {
    client.read();
    client.poses.length = 0;
  }
  world.clock.advance(LIMITS.heartbeatMs * 3 + TICK_MS);
  lossy.read();
  steady.read();
  expect(lossy.poses).toMatchObject(Array.from({ length: 3 }, () => ({ slot: steady.slot, headX: 3, key: true })));
  expect(steady.poses).toEqual([]);
});
