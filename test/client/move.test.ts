import { describe, expect, it } from 'vitest';
import type { DownMessage } from '../../protocol/down.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { joinScene, openScene, type Scene } from './support/joined-client.ts';
import { headAt, joinedMessage, WELCOME, type PlayedConnection } from './support/played-server.ts';

const MOVE = { type: 'move', to: 'http://second:7301/', reason: 'drain', withinMs: 5000, resume: true } as const satisfies DownMessage;
const THERE = joinedMessage({ resumed: true, resumeToken: 'token-2' });

/** Asks the client to go to the second server, and opens its connection there. */
function moveAway(scene: Scene): { old: PlayedConnection; next: PlayedConnection } {
  const old = scene.server.newest;
  old.down(MOVE);
  const next = scene.server.newest;
  expect(next.url).toBe('ws://second:7301/v1/connect');
  next.open();
  return { old, next };
}

function typesOf(connection: PlayedConnection): string[] {
  return connection.packets.flat().map(({ type }) => type);
}

describe('a client that is asked to go', () => {
  it('[DRN3] [DRN4] sends nothing more, hears what is still said, and joins anew when the server has ended the link', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const heard: string[] = [];
    client.on('chat', ({ text }) => heard.push(text));
    client.on('move', ({ reason }) => heard.push(reason));
    const old = scene.server.newest;
    client.say('before');
    old.down({ type: 'move', reason: 'drain', withinMs: 2000, resume: false });
    expect([client.say('after'), client.sendPose(headAt(0, 0))]).toEqual(['not-live', 'not-live']);
    await scene.clock.advanceAsync(0);
    expect(old.packets.flat().map(({ type }) => type).slice(-2)).toEqual(['say', 'moved']);
    old.down({ type: 'chat', chatId: 1, slot: 4, text: 'still said', captureMs: 1 });
    expect(heard).toEqual(['drain', 'still said']);
    old.drop(4503);
    expect(client.state).toMatchObject({ state: 'joining', anew: true });
    await scene.clock.advanceAsync(250);
    scene.server.newest.open();
    expect(scene.server.newest.packets[0]?.map(({ type }) => type)).toEqual(['hello', 'join']);
    scene.server.newest.down(WELCOME, joinedMessage({ slot: 0 }));
    expect([client.state.state, client.say('again')]).toEqual(['live', 'sent']);
  });

  it('[DRN3] ends the link itself where the server does not', async () => {
    const scene = openScene();
    await joinScene(scene, { reconnect: false });
    scene.server.newest.down({ type: 'move', reason: 'drain', withinMs: 2000, resume: false });
    await scene.clock.advanceAsync(4000);
    expect(scene.server.newest.closedWith).toBe(4000);
  });
});

describe('a client that is sent to another server', () => {
  it('[DRN6] goes on here until it has been admitted there, and hears what is still said here', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const heard: string[] = [];
    for (const event of ['chat', 'presence', 'joined', 'move', 'state'] as const) client.on(event, (message) => heard.push(event === 'chat' && 'text' in message ? message.text : event));
    const { old, next } = moveAway(scene);
    expect(next.packets[0]?.map(({ type }) => type)).toEqual(['hello', 'resume']);
    expect(next.received('resume')[0]?.resumeToken).toBe('token-1');
    next.down(WELCOME, { type: 'ping', serverMs: 900_000 });
    expect(next.received('pong')).toEqual([{ type: 'pong', serverMs: 900_000, deviceMs: 1000 }]);
    client.say('said here');
    await scene.clock.advanceAsync(0);
    old.down({ type: 'chat', chatId: 1, slot: 4, text: 'heard here', captureMs: 1 });
    next.down(THERE);
    client.say('said there');
    await scene.clock.advanceAsync(0);
    expect(old.received('say').map(({ text }) => text)).toEqual(['said here']);
    expect(typesOf(old).at(-1)).toBe('moved');
    expect(next.received('say').map(({ text }) => text)).toEqual(['said there']);
    old.down({ type: 'chat', chatId: 2, slot: 4, text: 'still heard here', captureMs: 1 }, { type: 'presence', event: 'away', participant: { slot: 3, participantId: 'p3', name: 'Ada', role: 'participant', presence: 'away' } });
    next.down({ type: 'chat', chatId: 900, slot: 4, text: 'heard there', captureMs: 1 });
    old.drop(4503);
    expect(heard).toEqual(['move', 'heard here', 'joined', 'still heard here', 'heard there']);
    expect(client.state.state).toBe('live');
    expect(scene.server.connections).toHaveLength(2);
  });

  it('[DRN6] takes poses and the time from the new server alone', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    old.snapshot({ tick: 1, serverMs: 5000, key: true }, [{ slot: 3, sample: headAt(5000, 1) }]);
    next.down({ ...WELCOME, serverMs: 800_000 } as DownMessage, THERE);
    expect(client.serverNowMs()).toBe(800_000);
    const into = createPoseSample();
    expect(client.avatarAt(3, client.serverNowMs(), into)).toBe('none');
    old.snapshot({ tick: 2, serverMs: 5020, key: false }, [{ slot: 3, sample: headAt(5020, 1) }]);
    old.down({ type: 'clock-reply', deviceMs: 1000, arrivedMs: 5000, sentMs: 5000 });
    expect([client.avatarAt(3, client.serverNowMs(), into), client.serverNowMs()]).toEqual(['none', 800_000]);
    next.snapshot({ tick: 9, serverMs: 800_000, key: true }, [{ slot: 3, sample: headAt(799_990, 2) }]);
    expect(client.avatarAt(3, client.serverNowMs(), into)).not.toBe('none');
  });

  it('[DRN6] resumes there, later, when the new connection breaks', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    next.down(WELCOME, THERE);
    old.drop(4503);
    next.drop();
    expect(client.state.state).toBe('resuming');
    await scene.clock.advanceAsync(250);
    expect(scene.server.newest.url).toBe('ws://second:7301/v1/connect');
    scene.server.newest.open();
    expect(scene.server.newest.received('resume')[0]?.resumeToken).toBe('token-2');
  });

  it('[DRN6] waits for the new server where the old one is gone first', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    old.drop(1006);
    expect([client.state.state, client.say('nowhere')]).toEqual(['resuming', 'not-live']);
    await scene.clock.advanceAsync(1000);
    expect(scene.server.connections).toHaveLength(2);
    next.down(WELCOME, THERE);
    expect([client.state.state, client.say('there')]).toEqual(['live', 'sent']);
  });

  it('[DRN6] stays where it is while the new server cannot be reached, and tries again there when the old one ends it', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    next.drop(1006);
    expect([client.state.state, client.say('here')]).toEqual(['live', 'sent']);
    old.drop(4503);
    expect(client.state.state).toBe('resuming');
    await scene.clock.advanceAsync(250);
    scene.server.newest.open();
    expect([scene.server.newest.url, ...typesOf(scene.server.newest)]).toEqual(['ws://second:7301/v1/connect', 'hello', 'resume']);
  });

  it('[DRN6] joins anew where the new server knows no place of theirs, there and where it all began by turns', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    next.down(WELCOME, { type: 'error', code: 'RESUME_REFUSED', detail: '', about: 'resume', retry: 'reconnect', closing: true });
    expect(client.state.state).toBe('live');
    old.drop(4503);
    const urls: string[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      await scene.clock.advanceAsync(8000);
      urls.push(scene.server.newest.url);
      scene.server.newest.drop();
    }
    expect(urls).toEqual(['ws://second:7301/v1/connect', 'ws://played/v1/connect', 'ws://second:7301/v1/connect']);
  });

  it('does not go where it is sent away for good on the way', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    old.down({ type: 'error', code: 'TOKEN_REVOKED', detail: '', about: 'hello', retry: 'never', closing: true });
    old.drop(4402);
    expect(client.state).toMatchObject({ state: 'closed', code: 'TOKEN_REVOKED' });
    expect(next.closedWith).toBe(1000);
  });

  it('[DRN9] goes there when it comes back too late', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.drop();
    await scene.clock.advanceAsync(250);
    scene.server.newest.open();
    scene.server.newest.down(WELCOME, { ...MOVE, withinMs: 0 }, { type: 'error', code: 'SERVER_DRAINING', detail: '', about: 'resume', retry: 'reconnect', closing: true });
    expect(client.state.state).toBe('resuming');
    await scene.clock.advanceAsync(500);
    expect(scene.server.newest.url).toBe('ws://second:7301/v1/connect');
    scene.server.newest.open();
    scene.server.newest.down(WELCOME, THERE);
    expect(client.state.state).toBe('live');
  });

  it.each([
    ['is no server\'s', 'ws://played', 'javascript:alert(1)'],
    ['would be less safe', 'wss://played', 'ws://second'],
  ])('[DRN6] follows no URL that %s, and comes back to where it was', async (_, url, to) => {
    const scene = openScene();
    await joinScene(scene, { url });
    const old = scene.server.newest;
    old.down({ ...MOVE, to });
    expect(scene.server.connections).toHaveLength(1);
    await scene.clock.advanceAsync(0);
    expect(typesOf(old).at(-1)).toBe('moved');
    old.drop(4503);
    await scene.clock.advanceAsync(250);
    scene.server.newest.open();
    expect([scene.server.newest.url, ...typesOf(scene.server.newest)]).toEqual([`${url}/v1/connect`, 'hello', 'resume']);
  });

  it('leaves there what it leaves on the way', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    const left = client.leave();
    next.down(WELCOME, THERE);
    await scene.clock.advanceAsync(0);
    expect([typesOf(old).includes('leave'), typesOf(next).at(-1)]).toEqual([false, 'leave']);
    next.down({ type: 'left' });
    await left;
    expect(client.state).toMatchObject({ state: 'closed', code: 'NORMAL' });
    expect([old.closedWith, next.closedWith]).toEqual([1000, 1000]);
  });

  it('closes both connections on the way', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { old, next } = moveAway(scene);
    client.close();
    expect([old.closedWith, next.closedWith]).toEqual([1000, 1000]);
    next.down(WELCOME, THERE);
    expect(client.state.state).toBe('closed');
  });
});
