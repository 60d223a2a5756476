import { describe, expect, it } from 'vitest';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { encodeDown } from '../../../protocol/codec/control.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { TestGateway } from '../../support/gateway.ts';

const TICK_MS = 20;

describe('snapshots', () => {
  it('[SNP2] hold the newest sample of those who moved since the tick before, and nobody else', async () => {
    const world = new TestGateway();
    const watcher = await world.join('lobby', { role: 'spectator' });
    const mover = await world.join('lobby');
    const still = await world.join('lobby');
    still.pose(7);
    world.clock.advance(TICK_MS);
    watcher.read();
    watcher.poses.length = 0;
    mover.pose(1);
    world.clock.advance(5);
    mover.pose(2);
    world.clock.advance(TICK_MS);
    watcher.read();
    expect(watcher.poses).toMatchObject([{ slot: mover.slot, headX: 2, key: false }]);
  });

  it('[SNP2] show nothing when nothing moves', async () => {
    const world = new TestGateway();
    const watcher = await world.join('lobby');
    world.clock.advance(TICK_MS);
    watcher.peer.received.length = 0;
    world.clock.advance(TICK_MS * 5);
    watcher.read();
    expect(watcher.poses).toEqual([]);
  });

  it('[SNP3] [BRC6] start with a key snapshot that holds everybody', async () => {
    const world = new TestGateway();
    const first = await world.join('lobby');
    first.pose(5);
    world.clock.advance(TICK_MS * 3);
    const late = await world.join('lobby');
    world.clock.advance(TICK_MS);
    late.read();
    expect(late.poses).toMatchObject([{ slot: first.slot, headX: 5, key: true }]);
  });

  it('[POS7] do not take a sample that is older than the one shown', async () => {
    const world = new TestGateway();
    const watcher = await world.join('lobby');
    const mover = await world.join('lobby');
    mover.pose(2, world.clock.nowMs() - 10);
    mover.pose(1, world.clock.nowMs() - 30);
    world.clock.advance(TICK_MS);
    watcher.read();
    expect(watcher.poses.map(({ headX }) => headX)).toEqual([2]);
  });
});

describe('snapshots of a session', () => {
  it('[SNP5] hold the receiver\'s own sample among the others', async () => {
    const world = new TestGateway();
    const mover = await world.join('lobby');
    mover.pose(4);
    world.clock.advance(TICK_MS);
    mover.read();
    expect(mover.poses).toMatchObject([{ slot: mover.slot, headX: 4 }]);
  });

  it('[BRC5] are encoded once: every receiver gets the same bytes, key or not', async () => {
    const world = new TestGateway();
    const clients = [await world.join('lobby'), await world.join('lobby'), await world.join('lobby')];
    for (const [tick, mover] of clients.entries()) {
      world.clock.advance(TICK_MS - 5);
      for (const { peer } of clients) peer.received.length = 0;
      mover.pose(tick);
      world.clock.advance(5);
      const packets = clients.map(({ peer }) => peer.received.filter((packet) => packet[0] === KIND.snapshot));
      expect(packets.map((list) => list.length)).toEqual([1, 1, 1]);
      expect(new Set(packets.flat()).size).toBe(1);
    }
  });

  it('[POS7] take no samples beyond 1.2 times the nominal rate', async () => {
    const world = new TestGateway();
    const mover = await world.join('lobby');
    const startMs = world.clock.nowMs() - 500;
    for (let sent = 1; sent <= 2 * LIMITS.poseHz; sent++) mover.pose(sent / 100, startMs + sent);
    world.clock.advance(TICK_MS);
    mover.read();
    expect(mover.poses.map(({ headX }) => Math.round(headX * 100))).toEqual([1.2 * LIMITS.poseHz]);
    expect(mover.refusals()).toEqual([]);
  });
});

describe('the lanes', () => {
  it('[BRC1] [BRC6] a reader who stops is superseded, never queued, and gets a key snapshot when reading again', async () => {
    const world = new TestGateway();
    const reader = await world.join('lobby');
    const slow = await world.join('lobby');
    const mover = await world.join('lobby');
    slow.peer.setReading(false);
    const ticks = 3000;
    for (let tick = 0; tick < ticks; tick++) {
      mover.pose((tick % 100) / 10);
      world.clock.advance(TICK_MS);
      if (tick % 50 === 0) for (const client of [reader, slow, mover]) client.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
    }
    reader.read();
    expect(reader.poses.length).toBe(ticks);
    slow.peer.setReading(true);
    slow.read();
    expect(slow.poses.length).toBeLessThan(ticks);
    slow.poses.length = 0;
    mover.pose(4);
    world.clock.advance(TICK_MS);
    slow.read();
    expect(slow.poses[0]).toMatchObject({ key: true, headX: 4 });
  });

  it('[BRC2] [BRC3] a reader whose reliable messages pile up is closed, and the others get theirs', async () => {
    const world = new TestGateway();
    const reader = await world.join('lobby');
    const stuck = await world.join('lobby');
    const talkers = await Promise.all(Array.from({ length: 40 }, () => world.join('lobby')));
    stuck.peer.setReading(false);
    let lines = 0;
    while (stuck.peer.closedWith === undefined && lines < 20_000) {
      for (const talker of talkers) {
        for (let line = 0; line < LIMITS.chatPerSecond; line++, lines++) talker.control({ type: 'say', text: 'x'.repeat(LIMITS.chatCharacters), captureMs: world.clock.nowMs() });
        talker.peer.received.length = 0;
        talker.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
      }
      for (const client of [reader, stuck]) client.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
      world.clock.advance(1000);
    }
    expect(stuck.peer.closedWith).toBe('SLOW_CONSUMER');
    expect(reader.messages('chat').length).toBe(lines);
  });

  it('[BRC4] what is sent in one turn leaves as one packet', async () => {
    const world = new TestGateway();
    const reader = await world.join('lobby');
    const talker = await world.join('lobby');
    world.clock.advance(1);
    reader.peer.received.length = 0;
    for (let line = 0; line < 5; line++) talker.control({ type: 'say', text: `line ${line}`, captureMs: world.clock.nowMs() });
    world.turn();
    expect(reader.peer.received).toHaveLength(1);
    let messages = 0;
    readContainer(reader.peer.received[0] ?? new Uint8Array(0), (kind) => (messages += kind === KIND.control ? 1 : 0));
    expect(messages).toBe(5);
  });

  it('[BRC4] [PKT4] what one packet cannot hold leaves in the next', async () => {
    const world = new TestGateway();
    const reader = await world.join('lobby');
    const [member] = world.gateway.directory.session('lobby')?.participants ?? [];
    for (let sent = 0; sent <= LIMITS.messagesPerPacket; sent++) member?.connection?.send(encodeDown({ type: 'left' }), 'reliable');
    world.turn();
    expect(reader.messages('left')).toHaveLength(LIMITS.messagesPerPacket + 1);
  });
});
