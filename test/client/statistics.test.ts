import { expect, it } from 'vitest';
import { joinScene, openScene } from './support/joined-client.ts';
import { headAt, joinedMessage, WELCOME } from './support/played-server.ts';

it('a client says how its connections do: bytes and rates, what was not sent or not readable, how old the newest snapshot is, and returns', async () => {
  const scene = openScene();
  const client = await joinScene(scene);
  const { server, clock } = scene;
  const first = client.statistics();
  expect(first).toMatchObject({ reconnects: 0, posesSuperseded: 0, picturesSuperseded: 0, unreadable: 0, snapshotsOvertaken: 0, snapshotAgeMs: undefined, sentBytesPerS: 0 });
  expect(first.receivedBytes).toBeGreaterThan(100);
  expect(first.sentBytes).toBeGreaterThan(50);

  const sent = (): number => client.statistics().sentBytes;
  const before = sent();
  const sample = headAt(clock.nowMs(), 0);
  client.sendPose(sample);
  await Promise.resolve();
  clock.advance(0);
  expect(sent() - before).toBeGreaterThan(16);
  server.newest.bufferedBytes = 10_000_000;
  expect([client.sendPose(sample), client.sendVideo({ captureMs: 0, codec: 'jpeg', kind: 'key', width: 8, height: 8, bytes: new Uint8Array(9) })]).toEqual(['superseded', 'superseded']);
  server.newest.bufferedBytes = 0;

  server.newest.snapshot({ tick: 7, serverMs: 5000, key: true }, [{ slot: 3, sample: headAt(5000, 1) }]);
  server.newest.snapshot({ tick: 5, serverMs: 4980, key: true }, []);
  server.newest.packet(new Uint8Array([1, 3, 255, 255, 255]));
  clock.advance(40);
  expect(client.statistics()).toMatchObject({ posesSuperseded: 1, picturesSuperseded: 1, snapshotsOvertaken: 1, unreadable: 1, snapshotAgeMs: 40 });

  const bytes = client.statistics().receivedBytes;
  clock.advance(1000);
  server.newest.packet(new Uint8Array(0));
  const later = client.statistics();
  expect(later.receivedBytesPerS).toBeCloseTo((bytes / (clock.nowMs() - 1000)) * 1000, 0);

  server.newest.drop();
  clock.advance(300);
  server.newest.open();
  server.newest.down(WELCOME, joinedMessage({ resumed: true }));
  const back = client.statistics();
  expect(back.reconnects).toBe(1);
  // Counts go on over both connections.
  expect(back.receivedBytes).toBeGreaterThan(later.receivedBytes);
});
