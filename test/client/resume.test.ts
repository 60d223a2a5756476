import { describe, expect, it } from 'vitest';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import type { CopresenceClient } from '../../client/client.ts';
import { joinScene, openScene, type Scene } from './support/joined-client.ts';
import { headAt, joinedMessage, WELCOME } from './support/played-server.ts';

const OTHER = { slot: 4, participantId: 'p4', name: 'Bo', role: 'participant', presence: 'live' } as const;
const SELF = { slot: 3, participantId: 'p3', name: 'Ada', role: 'participant', presence: 'live' } as const;

function statesOf(client: CopresenceClient): string[] {
  const states: string[] = [];
  client.on('state', (state) => states.push(state.state === 'resuming' ? `resuming ${state.cause}` : state.state));
  return states;
}

async function reopen(scene: Scene): Promise<void> {
  const before = scene.server.connections.length;
  await scene.clock.advanceAsync(250);
  expect(scene.server.connections).toHaveLength(before + 1);
  scene.server.newest.open();
}

describe('a lost connection', () => {
  it('is resumed with the token of the last joined message, as the same participant', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const states = statesOf(client);
    for (const token of ['token-1', 'token-2']) {
      scene.server.newest.drop();
      expect(client.sendPose(headAt(0, 0))).toBe('not-live');
      await reopen(scene);
      expect(scene.server.newest.packets[0]?.map(({ type }) => type)).toEqual(['hello', 'resume']);
      expect(scene.server.newest.received('resume')[0]?.resumeToken).toBe(token);
      scene.server.newest.down(WELCOME, joinedMessage({ resumed: true, resumeToken: 'token-2' }));
    }
    expect(states).toEqual(['resuming CONNECTION_LOST', 'live', 'resuming CONNECTION_LOST', 'live']);
    expect(client.self.participantId).toBe('p3');
  });

  it('[CON1] does not lose a change of consent that was made while it lasted, or that went with it', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const withdrawn = { inference: false, recording: false, training: false };
    expect(client.setConsent(withdrawn)).toBe('sent');
    scene.server.newest.drop();
    await reopen(scene);
    scene.server.newest.down(WELCOME, joinedMessage({ resumed: true }));
    await scene.clock.advanceAsync(0);
    expect(scene.server.newest.received('consent').map(({ consent }) => consent)).toEqual([withdrawn]);
    scene.server.newest.drop();
    const given = { ...withdrawn, inference: true };
    expect(client.setConsent(given)).toBe('not-live');
    await reopen(scene);
    scene.server.newest.down(WELCOME, joinedMessage({ resumed: true }));
    await scene.clock.advanceAsync(0);
    expect(scene.server.newest.received('consent').map(({ consent }) => consent)).toEqual([given]);
  });

  it('keeps the avatars of those who are still there and gets no second one', async () => {
    const scene = openScene();
    const client = await joinScene(scene, {}, { participants: [SELF, OTHER] });
    scene.server.newest.snapshot({ tick: 1, serverMs: 5000, key: true }, [{ slot: 4, sample: headAt(4990, 1) }]);
    scene.server.newest.drop();
    await reopen(scene);
    scene.server.newest.down(WELCOME, joinedMessage({ resumed: true, participants: [SELF, OTHER] }));
    expect(client.participants.size).toBe(2);
    expect(client.avatarAt(4, 4990, createPoseSample())).toBe('interpolated');
  });

  it('is taken for lost when the server is silent for the heartbeat time', async () => {
    const scene = openScene();
    const client = await joinScene(scene, { heartbeatTimeoutMs: 3000 });
    const states = statesOf(client);
    await scene.clock.advanceAsync(2999);
    scene.server.newest.down({ type: 'ping', serverMs: 1 });
    await scene.clock.advanceAsync(2999);
    expect(states).toEqual([]);
    await scene.clock.advanceAsync(1);
    expect(states).toEqual(['resuming HEARTBEAT_TIMEOUT']);
    expect(scene.server.connections[0]?.closedWith).toBe(4000);
  });

  it('[SES7] is joined anew, with no old avatars, when resuming is refused', async () => {
    const scene = openScene();
    const client = await joinScene(scene, {}, { participants: [SELF, OTHER] });
    const states = statesOf(client);
    scene.server.newest.snapshot({ tick: 1, serverMs: 5000, key: true }, [{ slot: 4, sample: headAt(4990, 1) }]);
    client.setConsent({ inference: false, recording: false, training: false });
    scene.server.newest.drop();
    await reopen(scene);
    scene.server.newest.down({ type: 'error', code: 'RESUME_REFUSED', detail: 'used', about: 'resume', retry: 'reconnect', closing: true });
    scene.server.newest.drop(4404);
    await scene.clock.advanceAsync(500);
    scene.server.newest.open();
    expect(scene.server.newest.received('join')[0]?.consent.inference).toBe(false);
    scene.server.newest.down(WELCOME, joinedMessage({ slot: 5, participantId: 'p5', participants: [{ ...SELF, slot: 5, participantId: 'p5' }, OTHER] }));
    expect(states).toEqual(['resuming CONNECTION_LOST', 'joining', 'live']);
    expect(client.self.slot).toBe(5);
    expect(client.avatarAt(4, 4990, createPoseSample())).toBe('none');
  });

  it('ends the client when resuming is refused and it may not join anew', async () => {
    const scene = openScene();
    const client = await joinScene(scene, { reconnect: false });
    scene.server.newest.drop();
    await reopen(scene);
    scene.server.newest.drop(4404);
    expect(client.state).toMatchObject({ state: 'closed', code: 'RESUME_REFUSED' });
    await scene.clock.advanceAsync(0);
    expect(scene.clock.pendingCount).toBe(0);
  });

  it('is not resumed after the grace time: the client joins anew', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.drop();
    for (let attempt = 0; attempt < 40 && client.state.state === 'resuming'; attempt++) {
      await scene.clock.advanceAsync(1000);
      scene.server.newest.drop();
    }
    expect(client.state).toMatchObject({ state: 'joining', anew: true });
    await scene.clock.advanceAsync(8000);
    scene.server.newest.open();
    expect(scene.server.newest.received('join')).toHaveLength(1);
  });

  it.each([['REPLACED', 4409], ['PACKET_MALFORMED', 1007], ['NORMAL', 1000]] as const)('is not followed by another after %s', async (code, closeCode) => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.drop(closeCode);
    await scene.clock.advanceAsync(60_000);
    expect(client.state).toMatchObject({ state: 'closed', code });
    expect(scene.server.connections).toHaveLength(1);
  });

  it('[ERR4] waits as long as a closing error says, with a code of which only the advice is known', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.down({ type: 'error', code: 'MOVE_HOUSE', detail: '', about: 'packet', retry: 'reconnect', retryAfterMs: 5000, closing: true });
    scene.server.newest.drop(4999);
    expect(client.state).toMatchObject({ state: 'resuming', cause: 'MOVE_HOUSE' });
    await scene.clock.advanceAsync(4999);
    expect(scene.server.connections).toHaveLength(1);
    await scene.clock.advanceAsync(1);
    expect(scene.server.connections).toHaveLength(2);
  });

  it('leaves nothing waiting once the client is closed', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.drop();
    client.close();
    await scene.clock.advanceAsync(60_000);
    expect(scene.server.connections).toHaveLength(1);
    expect(scene.clock.pendingCount).toBe(0);
    expect(client.state).toMatchObject({ state: 'closed', code: 'NORMAL' });
  });
});
