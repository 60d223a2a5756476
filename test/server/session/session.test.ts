import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../protocol/limits.ts';
import { TestGateway } from '../../support/gateway.ts';

describe('joining', () => {
  it('[SES4] [SES5] [SES6] creates the session, gives a slot and the role\'s grants, and tells the others', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { name: 'Ada', role: 'host' });
    const guest = await world.join('lobby', { name: 'Grace' });
    expect(host.one('joined').grants).toContain('record');
    expect(guest.one('joined').participants.map(({ name }) => name)).toEqual(['Ada', 'Grace']);
    expect(host.one('presence')).toMatchObject({ event: 'joined', participant: { name: 'Grace', slot: guest.slot, role: 'participant' } });
    expect(guest.messages('presence')).toEqual([]);
  });

  it('keeps sessions apart', async () => {
    const world = new TestGateway();
    const here = await world.join('here');
    const there = await world.join('there');
    here.control({ type: 'say', text: 'hello', captureMs: world.clock.nowMs() });
    here.pose(1);
    world.clock.advance(100);
    expect(here.messages('chat')).toHaveLength(1);
    expect(there.messages('chat')).toHaveLength(0);
    expect(there.poses.filter(({ slot }) => slot === here.slot && there.slot !== here.slot)).toEqual([]);
    expect(there.poses).toEqual([]);
  });

  it('[SES3] refuses a session that the token is not for, and closes', async () => {
    const world = new TestGateway();
    const client = world.connect();
    await client.hello(await world.token({ session: 'mine' }));
    client.control({ type: 'join', session: 'yours', name: 'x', consent: { inference: true, recording: false, training: false } });
    world.turn();
    expect(client.refusals()).toEqual(['SESSION_FORBIDDEN']);
    expect(client.peer.closedWith).toBe('SESSION_FORBIDDEN');
  });

  it('[SES10] refuses one session more than it has room for', async () => {
    const world = new TestGateway();
    for (const name of ['a', 'b', 'c', 'd']) await world.join(name);
    await expect(world.join('e')).rejects.toThrow('SERVER_FULL');
  });

  it('[SES4] [SES9] ends a session with its last participant', async () => {
    const world = new TestGateway();
    const only = await world.join('lobby');
    only.control({ type: 'leave' });
    world.turn();
    expect(only.one('left')).toBeDefined();
    expect(world.gateway.directory.size).toBe(0);
  });

  it('[SES9] lets somebody who left join another session on the same connection', async () => {
    const world = new TestGateway();
    const client = await world.join('first');
    client.control({ type: 'leave' });
    client.control({ type: 'join', session: 'second', name: 'x', consent: { inference: false, recording: false, training: false } });
    world.turn();
    expect(client.messages('joined').map(({ session }) => session)).toEqual(['first', 'second']);
  });
});

describe('resuming', () => {
  it('[SES7] [BRC6] gives the same participant back, with a new token and a key snapshot first', async () => {
    const world = new TestGateway();
    const other = await world.join('lobby', { name: 'other' });
    other.pose(3);
    const first = await world.join('lobby', { name: 'first', subject: 'me' });
    const before = first.one('joined');
    first.pose(1);
    world.clock.advance(100);
    first.peer.close();
    world.clock.advance(5_000);
    const again = world.connect();
    await again.hello(await world.token({ subject: 'me' }));
    again.control({ type: 'resume', resumeToken: before.resumeToken });
    world.clock.advance(100);
    const after = again.one('joined');
    expect(after).toMatchObject({ resumed: true, slot: before.slot, participantId: before.participantId });
    expect(after.resumeToken).not.toBe(before.resumeToken);
    expect(again.poses[0]).toMatchObject({ key: true, slot: other.slot, headX: 3 });
    expect(other.messages('presence').map(({ event }) => event)).toEqual(['joined', 'away', 'back']);
    expect(after.participants).toHaveLength(2);
  });

  it.each([
    ['a second time', (token: string) => token, 5_000, 'me', true],
    ['with a token that never was', () => 'x'.repeat(43), 5_000, 'me', false],
    ['too late', (token: string) => token, LIMITS.resumeMs + 1, 'me', false],
    ['for somebody else', (token: string) => token, 5_000, 'you', false],
  ])('[SES7] is refused %s', async (_when, choose, delayMs, subject, usedBefore) => {
    const world = new TestGateway();
    await world.join('lobby', { subject: 'keeper' });
    const first = await world.join('lobby', { subject: 'me' });
    const { resumeToken } = first.one('joined');
    first.peer.close();
    if (usedBefore) {
      const thief = world.connect();
      await thief.hello(await world.token({ subject: 'me' }));
      thief.control({ type: 'resume', resumeToken });
      thief.peer.close();
    }
    world.clock.advance(delayMs);
    const again = world.connect();
    await again.hello(await world.token({ subject }));
    again.control({ type: 'resume', resumeToken: choose(resumeToken) });
    world.turn();
    expect(again.refusals()).toEqual(['RESUME_REFUSED']);
    expect(again.peer.closedWith).toBe('RESUME_REFUSED');
  });

  it('[SES7] a token that was refused is used: its owner joins anew', async () => {
    const world = new TestGateway();
    const first = await world.join('lobby', { subject: 'me' });
    first.peer.close();
    for (const subject of ['you', 'me']) {
      const again = world.connect();
      await again.hello(await world.token({ subject }));
      again.control({ type: 'resume', resumeToken: first.one('joined').resumeToken });
      expect(again.peer.closedWith).toBe('RESUME_REFUSED');
    }
  });

  it('[SES7] [POS7] takes poses of a device whose clock began anew', async () => {
    const world = new TestGateway();
    const first = await world.join('lobby', { subject: 'me' });
    first.pose(1);
    world.clock.advance(100);
    first.peer.close();
    const again = world.connect();
    await again.hello(await world.token({ subject: 'me' }));
    again.control({ type: 'resume', resumeToken: first.one('joined').resumeToken });
    again.pose(2, world.clock.nowMs() - 500);
    world.clock.advance(100);
    again.read();
    expect(again.poses.map(({ headX }) => headX)).toContain(2);
  });

  it('[SES8] [ERR3] takes over from a connection that is still open, which is told', async () => {
    const world = new TestGateway();
    const first = await world.join('lobby', { subject: 'me' });
    const again = world.connect();
    await again.hello(await world.token({ subject: 'me' }));
    again.control({ type: 'resume', resumeToken: first.one('joined').resumeToken });
    world.turn();
    expect(first.peer.closedWith).toBe('REPLACED');
    expect(first.one('error')).toMatchObject({ code: 'REPLACED', closing: true });
    expect(again.one('joined').participants).toHaveLength(1);
    world.clock.advance(LIMITS.resumeMs * 2 - LIMITS.heartbeatTimeoutMs);
    expect(again.messages('presence').map(({ event }) => event)).not.toContain('left');
  });

  it('[SES6] [SES7] ends after the grace time: away, then left', async () => {
    const world = new TestGateway();
    const watcher = await world.join('lobby');
    const leaver = await world.join('lobby');
    leaver.peer.close();
    for (let second = 0; second < 31; second++) {
      world.clock.advance(1000);
      watcher.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
    }
    expect(watcher.messages('presence').map(({ event }) => event)).toEqual(['joined', 'away', 'left']);
  });
});

describe('heartbeats', () => {
  it('[TIM5] end a connection that has gone quiet within ten seconds, and its participant is away', async () => {
    const world = new TestGateway();
    const talker = await world.join('lobby');
    const quiet = await world.join('lobby');
    for (let second = 0; second < 11; second++) {
      world.clock.advance(1000);
      talker.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
    }
    expect(quiet.peer.closedWith).toBe('HEARTBEAT_TIMEOUT');
    expect(talker.peer.closedWith).toBeUndefined();
    expect(talker.messages('presence').at(-1)).toMatchObject({ event: 'away', participant: { slot: quiet.slot } });
  });

  it('[SES1] [ERR3] end a connection that never says hello', () => {
    const world = new TestGateway();
    const silent = world.connect();
    world.clock.advance(LIMITS.helloTimeoutMs);
    expect(silent.refusals()).toEqual(['HELLO_TIMEOUT']);
    expect(silent.peer.closedWith).toBe('HELLO_TIMEOUT');
  });

  it('[TIM3] [TIM4] learn the offset of a device whose clock is hours off', async () => {
    const world = new TestGateway();
    const skewMs = 7_200_000;
    const watcher = await world.join('lobby');
    const device = await world.join('lobby');
    const ping = device.messages('ping').at(-1);
    const sentMs = ping?.serverMs ?? 0;
    world.clock.advance(6);
    device.control({ type: 'pong', serverMs: sentMs, deviceMs: sentMs + 3 + skewMs });
    for (let round = 0; round < 16; round++) device.control({ type: 'pong', serverMs: world.clock.nowMs() - 6, deviceMs: world.clock.nowMs() - 3 + skewMs });
    const capturedMs = world.clock.nowMs() - 4;
    device.pose(1, capturedMs + skewMs);
    world.clock.advance(100);
    watcher.read();
    expect(watcher.poses.find(({ slot }) => slot === device.slot)?.captureMs).toBeCloseTo(capturedMs, 0);
  });
});
