import { describe, expect, it } from 'vitest';
import { joinScene, openScene } from './support/joined-client.ts';
import { headAt, joinedMessage, WELCOME } from './support/played-server.ts';

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
