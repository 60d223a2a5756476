import { describe, expect, it } from 'vitest';
import { connect } from '../../client/connect.ts';
import type { CopresenceClient } from '../../client/client.ts';
import type { ErrorEvent } from '../../client/events.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { joinScene, openScene, optionsFor } from './support/joined-client.ts';
import { headAt, joinedMessage, WELCOME } from './support/played-server.ts';

describe('joining', () => {
  it('sends hello and join in one packet and resolves once joined', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { newest } = scene.server;
    expect(newest.url).toBe('ws://played/v1/connect');
    expect(newest.packets[0]?.map((message) => message.type)).toEqual(['hello', 'join']);
    expect(newest.received('join')[0]).toMatchObject({ session: 'room', name: 'Ada', consent: { inference: true, recording: false, training: false } });
    expect(newest.received('hello')[0]).toMatchObject({ token: 'jwt', deviceMs: 1000 });
    expect(client.state.state).toBe('live');
    expect(client.self).toMatchObject({ slot: 3, participantId: 'p3', role: 'participant', tickRateHz: 36 });
    expect(client.participants.get(3)?.name).toBe('Ada');
  });

  it('shows every event of the first packet to what `listen` registered', async () => {
    const scene = openScene();
    const seen: string[] = [];
    const listen = (client: CopresenceClient): void => {
      client.on('state', ({ state }) => seen.push(state));
      client.on('joined', () => seen.push('joined'));
      client.on('chat', () => seen.push('chat'));
    };
    const joining = connect(optionsFor(scene, { listen }));
    scene.server.newest.open();
    scene.server.newest.down(WELCOME, joinedMessage(), { type: 'chat', chatId: 1, slot: 3, text: 'hi', captureMs: 1 });
    await joining;
    expect(seen).toEqual(['live', 'joined', 'chat']);
  });

  it.each([
    ['TOKEN_INVALID', 4401], ['SESSION_FORBIDDEN', 4403], ['VERSION_UNSUPPORTED', 4400], ['SESSION_FULL', 4430], ['CONNECTION_LOST', 1006], ['CONNECTION_LOST', 1011],
  ] as const)('rejects with %s when the server closes with %i', async (code, closeCode) => {
    const scene = openScene();
    const joining = connect(optionsFor(scene));
    scene.server.newest.open();
    scene.server.newest.drop(closeCode);
    await expect(joining).rejects.toMatchObject({ code });
    await scene.clock.advanceAsync(60_000);
    expect(scene.server.connections).toHaveLength(1);
  });

  it('rejects with the code of a refusal that leaves the connection open', async () => {
    const scene = openScene();
    const joining = connect(optionsFor(scene));
    scene.server.newest.open();
    scene.server.newest.down(WELCOME, { type: 'error', code: 'MESSAGE_INVALID', detail: 'name', about: 'join', retry: 'never', closing: false });
    await expect(joining).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(scene.server.newest.closedWith).toBe(1000);
  });

  it('rejects with HELLO_TIMEOUT when a server pings but never admits, and HEARTBEAT_TIMEOUT when it is silent', async () => {
    const pinging = openScene();
    const first = expect(connect(optionsFor(pinging))).rejects.toMatchObject({ code: 'HELLO_TIMEOUT' });
    pinging.server.newest.open();
    for (let second = 0; second < 11; second++) {
      pinging.server.newest.down({ type: 'ping', serverMs: second });
      await pinging.clock.advanceAsync(1000);
    }
    await first;
    const silent = openScene();
    const second = expect(connect(optionsFor(silent))).rejects.toMatchObject({ code: 'HEARTBEAT_TIMEOUT' });
    await silent.clock.advanceAsync(10_001);
    await second;
  });

  it('rejects with CONFIG_INVALID for a URL that is not a server', async () => {
    for (const url of ['', 'room', 'ftp://x', 'ws://']) await expect(connect(optionsFor(openScene(), { url }))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('live', () => {
  it('[TIM3] answers a ping with its own time at once', async () => {
    const scene = openScene();
    await joinScene(scene);
    await scene.clock.advanceAsync(23);
    const before = scene.server.newest.packets.length;
    scene.server.newest.down({ type: 'ping', serverMs: 777 });
    expect(scene.server.newest.packets.slice(before)).toEqual([[{ type: 'pong', serverMs: 777, deviceMs: 1023 }]]);
  });

  it('puts the messages of one turn into one packet', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const before = scene.server.newest.packets.length;
    expect(client.sendPose(headAt(1000, 0))).toBe('sent');
    expect(client.say('hello')).toBe('sent');
    expect(client.sendVideo({ captureMs: 1000, codec: 'jpeg', kind: 'key', width: 2, height: 2, bytes: new Uint8Array(4) })).toBe('sent');
    expect(scene.server.newest.packets).toHaveLength(before);
    await scene.clock.advanceAsync(0);
    expect(scene.server.newest.packets.slice(before).map((packet) => packet.map(({ type }) => type))).toEqual([['binary', 'say', 'binary']]);
  });

  it('supersedes poses and pictures while the socket is congested, and refuses chat only when it is stuck', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    scene.server.newest.bufferedBytes = LIMITS.latestHighWaterBytes + 1;
    expect(client.sendPose(headAt(1000, 0))).toBe('superseded');
    expect(client.sendVideo({ captureMs: 1000, codec: 'jpeg', kind: 'key', width: 2, height: 2, bytes: new Uint8Array(4) })).toBe('superseded');
    expect(client.say('hello')).toBe('sent');
    scene.server.newest.bufferedBytes = LIMITS.reliableBytes + 1;
    expect(client.say('hello')).toBe('RATE_LIMITED');
    scene.server.newest.bufferedBytes = 0;
    expect(client.sendPose(headAt(1000, 0))).toBe('sent');
  });

  it('says why something cannot be sent instead of throwing', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    expect(client.sendPose(headAt(1000, Number.NaN))).toBe('POSE_NOT_FINITE');
    expect(client.sendPose(headAt(1000, 40))).toBe('POSE_OUT_OF_RANGE');
    expect(client.say('')).toBe('MESSAGE_INVALID');
    expect(client.say('x'.repeat(501))).toBe('MESSAGE_INVALID');
    expect(client.sendVideo({ captureMs: 0, codec: 'jpeg', kind: 'key', width: 1, height: 1, bytes: new Uint8Array(0) })).toBe('VIDEO_INVALID');
    client.close();
    expect(client.sendPose(headAt(1000, 0))).toBe('not-live');
    expect(client.say('hello')).toBe('not-live');
  });

  it('follows presence, recording and results', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const participant = { slot: 4, participantId: 'p4', name: 'Bo', role: 'host', presence: 'live' } as const;
    const results: string[] = [];
    client.on('result', (result) => results.push(`${result.model}@${result.version} ${result.value.task}`));
    scene.server.newest.down(
      { type: 'presence', event: 'joined', participant },
      { type: 'recording', active: true, recorded: 1 },
      { type: 'result', slot: 4, model: 'gesture', version: '2', batchId: 1, batchSize: 8, captureMs: 1, ageMs: 9, value: { task: 'gesture', source: 'tracking', hand: 'left', label: 'fist', score: 0.9 } },
    );
    expect(client.participants.get(4)?.name).toBe('Bo');
    expect(client.recording).toBe(true);
    expect(results).toEqual(['gesture@2 gesture']);
    scene.server.newest.down({ type: 'presence', event: 'away', participant: { ...participant, presence: 'away' } });
    expect(client.participants.get(4)?.presence).toBe('away');
    scene.server.newest.down({ type: 'presence', event: 'left', participant });
    expect([...client.participants.keys()]).toEqual([3]);
  });

  it('goes on after a listener threw', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const heard: string[] = [];
    client.on('chat', () => { throw new Error('the application is broken'); });
    const off = client.on('chat', ({ text }) => heard.push(text));
    scene.server.newest.down({ type: 'chat', chatId: 1, slot: 3, text: 'one', captureMs: 1 });
    off();
    scene.server.newest.down({ type: 'chat', chatId: 2, slot: 3, text: 'two', captureMs: 1 });
    expect(heard).toEqual(['one']);
    expect(client.state.state).toBe('live');
  });

  it('[PKT5] [ERR4] tells of broken packets, unknown messages and unknown error codes, and stays live', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const errors: ErrorEvent[] = [];
    client.on('error', (error) => errors.push(error));
    const { newest } = scene.server;
    newest.packet(new Uint8Array([1, 200]));
    newest.packet(new Uint8Array(0));
    newest.packet(frameMessage(KIND.control, new Uint8Array([0xc1, 0xff])));
    newest.packet(frameMessage(KIND.control, new Uint8Array([0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa3, 0x6e, 0x65, 0x77])));
    newest.packet(frameMessage(KIND.snapshot, new Uint8Array([1, 2, 3])));
    newest.packet(new Uint8Array([99, 0]));
    newest.down({ type: 'error', code: 'FROM_THE_FUTURE', detail: '', about: 'pose', retry: 'later', retryAfterMs: 10, closing: false });
    expect(errors.map(({ code, origin }) => `${origin} ${code}`)).toEqual([
      'client PACKET_MALFORMED', 'client PACKET_MALFORMED', 'client MESSAGE_INVALID', 'client MESSAGE_UNKNOWN', 'client MESSAGE_INVALID', 'client MESSAGE_UNKNOWN', 'server FROM_THE_FUTURE',
    ]);
    expect(client.state.state).toBe('live');
  });

  it('[TIM2] learns the clock offset from the exchange with the shortest round trip', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const { newest } = scene.server;
    expect(client.clockOffsetMs).toBe(4000);
    const first = newest.received('clock')[0]!;
    await scene.clock.advanceAsync(20);
    newest.down({ type: 'clock-reply', deviceMs: first.deviceMs, arrivedMs: first.deviceMs + 4010, sentMs: first.deviceMs + 4012 });
    expect(client.rttMs).toBe(18);
    expect(client.clockOffsetMs).toBe(4001);
    await scene.clock.advanceAsync(40);
    const second = newest.received('clock')[1]!;
    await scene.clock.advanceAsync(200);
    newest.down({ type: 'clock-reply', deviceMs: second.deviceMs, arrivedMs: second.deviceMs + 4190, sentMs: second.deviceMs + 4190 });
    expect(client.clockOffsetMs).toBe(4001);
    expect(client.serverNowMs()).toBe(scene.clock.nowMs() + 4001);
    const before = newest.received('clock').length;
    await scene.clock.advanceAsync(10_000 - 300);
    expect(newest.received('clock').length - before).toBe(4);
  });

  it('tells poses with times on the server clock, then the snapshot, and places avatars between samples', async () => {
    const scene = openScene();
    const client = await joinScene(scene);
    const told: string[] = [];
    client.on('pose', ({ slot, sample, sampleBytes }) => told.push(`${slot} ${sample.captureMs} ${sampleBytes}`));
    client.on('snapshot', ({ tick, key, count }) => told.push(`tick ${tick} ${key} ${count}`));
    scene.server.newest.snapshot({ tick: 7, serverMs: 5020, key: true }, [{ slot: 3, sample: headAt(4980, 1) }]);
    scene.server.newest.snapshot({ tick: 8, serverMs: 5050, key: false }, [{ slot: 3, sample: headAt(5000, 1.5) }, { slot: 99, sample: headAt(5000, 2) }]);
    expect(told).toEqual(['3 4980 16', 'tick 7 true 1', '3 5000 16', '99 5000 16', 'tick 8 false 2']);
    const into = createPoseSample();
    expect(client.avatarAt(3, 4990, into)).toBe('interpolated');
    expect(into.rigid[0]).toBeCloseTo(1.25, 3);
    expect(client.avatarAt(99, 4990, into)).toBe('none');
  });

  it('leaves with a message and ends when the server has answered or after a second', async () => {
    const answered = openScene();
    const first = await joinScene(answered);
    const leaving = first.leave();
    expect(first.sendPose(headAt(0, 0))).toBe('not-live');
    await answered.clock.advanceAsync(0);
    expect(answered.server.newest.received('leave')).toHaveLength(1);
    answered.server.newest.down({ type: 'left' });
    await leaving;
    expect(first.state).toMatchObject({ state: 'closed', code: 'NORMAL' });
    expect(answered.server.newest.closedWith).toBe(1000);

    const ignored = openScene();
    const second = await joinScene(ignored);
    const alone = second.leave();
    await ignored.clock.advanceAsync(1000);
    await alone;
    expect(second.state.state).toBe('closed');
    expect(ignored.clock.pendingCount).toBe(0);
  });
});
