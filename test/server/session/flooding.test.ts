import { describe, expect, it } from 'vitest';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { FloodWatch } from '../../../server/session/flood-watch.ts';
import { SessionQuota } from '../../../server/session/session-quota.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const PERIOD_MS = 100;

/** Sends `rateHz` messages a second for `seconds`, in bunches, while somebody else sends little. */
function stream(world: TestGateway, other: TestClient, send: () => void, { rateHz, seconds }: { rateHz: number; seconds: number }): void {
  for (let bunch = 0; bunch < (seconds * 1000) / PERIOD_MS; bunch++) {
    for (let count = 0; count < (rateHz * PERIOD_MS) / 1000; count++) send();
    world.clock.advance(PERIOD_MS);
    other.pose(1);
  }
}

describe('who sends too much', () => {
  it('[POS7] is superseded at three times the rate for as long as they like', async () => {
    const world = new TestGateway();
    const [eager, other] = [await world.join('lobby'), await world.join('lobby')];
    stream(world, other, () => eager.pose(1), { rateHz: 3 * LIMITS.poseHz, seconds: 20 });
    expect(eager.refusals()).toEqual([]);
    expect(eager.peer.closedWith).toBeUndefined();
  });

  it('[POS7] is ended after ten seconds of more, and nobody else', async () => {
    const world = new TestGateway();
    const good = await world.join('lobby');
    const flooding = await world.join('lobby');
    stream(world, good, () => flooding.pose(1), { rateHz: 3 * LIMITS.poseHz + 20, seconds: 9 });
    expect(flooding.peer.closedWith).toBeUndefined();
    stream(world, good, () => flooding.pose(1), { rateHz: 3 * LIMITS.poseHz + 20, seconds: 2 });
    expect(flooding.refusals()).toEqual(['FLOODING']);
    expect(flooding.peer.closedWith).toBe('FLOODING');
    expect(good.peer.closedWith).toBeUndefined();
  });

  it('[VID4] [POS7] is ended for pictures too', async () => {
    const world = new TestGateway();
    const [flooding, other] = [await world.join('lobby'), await world.join('lobby')];
    const picture = frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: world.clock.nowMs(), codec: 'jpeg', kind: 'key', width: 32, height: 24, bytes: new Uint8Array(10) }));
    stream(world, other, () => flooding.peer.send(picture), { rateHz: 3 * LIMITS.videoHz + 10, seconds: 11 });
    expect(flooding.peer.closedWith).toBe('FLOODING');
  });

  it('is no flood when it comes in bursts: a second of less forgives what was before', () => {
    const watch = new FloodWatch(10, 0);
    let isFlood = false;
    for (let second = 0; second < 60; second++) {
      const messages = second % 10 === 9 ? 30 : 1000;
      for (let message = 0; message < messages; message++) isFlood ||= watch.add(second * 1000 + 1);
    }
    expect(isFlood).toBe(false);
    for (let second = 70; second < 81; second++) for (let message = 0; message < 31; message++) isFlood = watch.add(second * 1000 + 1);
    expect(isFlood).toBe(true);
  });
});

describe('one subject', () => {
  it('cannot take the places of all sessions, and can make another when one has ended', async () => {
    const world = new TestGateway(undefined, { 'sessions-per-subject': 2 });
    await world.join('one', { subject: 'greedy' });
    const second = await world.join('two', { subject: 'greedy' });
    const third = world.connect();
    await third.hello(await world.token({ subject: 'greedy' }));
    third.control({ type: 'join', session: 'three', name: 'x', consent: { inference: false, recording: false, training: false } });
    world.turn();
    expect(third.peer.closedWith).toBe('SERVER_FULL');
    await world.join('three', { subject: 'modest' });
    await world.join('three', { subject: 'greedy' });
    second.control({ type: 'leave' });
    world.turn();
    await world.join('four', { subject: 'greedy' });
  });

  it('is not counted for sessions that nobody made here', () => {
    const quota = new SessionQuota(1);
    quota.release('moved here');
    quota.take('somebody', 'a');
    expect(() => quota.check('somebody')).toThrow('SERVER_FULL');
    quota.release('a');
    expect(() => quota.check('somebody')).not.toThrow();
  });
});
