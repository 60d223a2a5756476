import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../recording/byte-source.ts';
import { openRecording, type RecordingInfo } from '../../../recording/reader.ts';
import { validateRecording } from '../../../recording/validate.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

async function readBack(world: TestGateway): Promise<{ info: RecordingInfo; items: RecordingItem[] }> {
  const [file, second] = readdirSync(world.recordingsFolder);
  expect(second).toBeUndefined();
  const path = join(world.recordingsFolder, file ?? '');
  expect((await validateRecording(bytesSource(readFileSync(path)))).findings).toEqual([]);
  const recording = await openRecording(path);
  const items: RecordingItem[] = [];
  for await (const item of recording.items()) items.push(item);
  await recording.close();
  return { info: recording.info, items };
}

const picture = (): Uint8Array =>
  frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: 0, codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: new Uint8Array(10) }));

async function startRecording(host: TestClient): Promise<void> {
  host.control({ type: 'record', action: 'start' });
  await host.until(() => host.messages('recording').some(({ active }) => active));
}

describe('recording a session', () => {
  it('[CON3] holds the streams of those who consented, and of nobody else', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host', name: 'host' });
    const willing = await world.join('lobby', { name: 'willing', consent: { recording: true } });
    const unwilling = await world.join('lobby', { name: 'unwilling' });
    await startRecording(host);
    expect(unwilling.messages('recording').at(-1)).toEqual({ type: 'recording', active: true, recorded: 1 });
    for (const client of [willing, unwilling]) {
      client.pose(1);
      client.control({ type: 'say', text: `I am ${client === willing ? 'willing' : 'unwilling'}`, captureMs: world.clock.nowMs() });
    }
    world.clock.advance(20);
    await world.gateway.close();
    const { info, items } = await readBack(world);
    const willingId = willing.one('joined').participantId;
    expect(items.filter(({ kind }) => kind === 'pose' || kind === 'chat').map(({ participantId, kind }) => [participantId, kind])).toEqual([[willingId, 'pose'], [willingId, 'chat']]);
    expect(new TextDecoder().decode(items.find(({ kind }) => kind === 'chat')?.bytes)).toBe('I am willing');
    expect(info.session).toBe('lobby');
    expect(info.participants.find(({ participantId }) => participantId === willingId)?.name).toBe('willing');
    expect(info.participants.map(({ participantId }) => participantId)).toEqual([willingId]);
  });

  it('[CON3] stops for a participant at the moment when they withdraw', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host' });
    const member = await world.join('lobby', { consent: { recording: true } });
    await startRecording(host);
    member.pose(1);
    world.clock.advance(20);
    member.control({ type: 'consent', consent: { inference: true, recording: false, training: false } });
    member.pose(2);
    world.clock.advance(20);
    member.control({ type: 'consent', consent: { inference: true, recording: true, training: false } });
    member.pose(3);
    world.clock.advance(20);
    expect(host.messages('recording').map(({ recorded }) => recorded)).toEqual([1, 0, 1]);
    await world.gateway.close();
    const { items } = await readBack(world);
    expect(items.filter(({ kind }) => kind === 'pose')).toHaveLength(2);
  });

  it('[CON4] keeps beside the streams whether they may train models, as it was said last', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host', consent: { recording: true, training: true } });
    const member = await world.join('lobby', { consent: { recording: true, training: true } });
    await startRecording(host);
    member.control({ type: 'consent', consent: { inference: true, recording: true, training: false } });
    await world.gateway.close();
    const { info } = await readBack(world);
    expect(info.participants.map(({ slot, consent }) => [slot, consent.training])).toEqual([[host.slot, true], [member.slot, false]]);
  });

  it('[VID4] takes no more pictures than the limit: the others are superseded', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host', consent: { recording: true } });
    await startRecording(host);
    for (let sent = 0; sent < LIMITS.videoHz + 10; sent++) host.peer.send(picture());
    await world.gateway.close();
    const { items } = await readBack(world);
    expect(items.filter(({ kind }) => kind === 'video')).toHaveLength(LIMITS.videoHz);
    expect(host.refusals()).not.toContain('RATE_LIMITED');
  });

  it('ends with the session, and the file is whole', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host', consent: { recording: true } });
    await startRecording(host);
    host.pose(1);
    host.control({ type: 'leave' });
    world.turn();
    await world.gateway.close();
    expect((await readBack(world)).info.complete).toBe(true);
  });

  it('[CON3] includes somebody who joins later and consents', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host' });
    await startRecording(host);
    const late = await world.join('lobby', { name: 'late', consent: { recording: true } });
    await world.join('lobby', { name: 'unwilling' });
    expect(late.one('joined').recording).toBe(true);
    expect(host.messages('recording').map(({ recorded }) => recorded)).toEqual([0, 1, 1]);
    late.pose(1);
    world.clock.advance(20);
    late.control({ type: 'leave' });
    world.turn();
    expect(host.messages('recording').map(({ recorded }) => recorded)).toEqual([0, 1, 1, 0]);
    await world.gateway.close();
    const { info, items } = await readBack(world);
    expect(info.participants.map(({ name }) => name)).toEqual(['late']);
    expect(items.filter(({ kind }) => kind === 'pose').map(({ slot }) => slot)).toEqual([late.slot]);
  });

  it('tells who came, went away, came back and left, of those who consented', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host', consent: { recording: true } });
    await startRecording(host);
    const late = await world.join('lobby', { subject: 'late', name: 'late', consent: { recording: true } });
    const unwilling = await world.join('lobby', { name: 'unwilling' });
    late.peer.close();
    world.clock.advance(500);
    const again = world.connect();
    await again.hello(await world.token({ subject: 'late' }));
    again.control({ type: 'resume', resumeToken: late.one('joined').resumeToken });
    await again.until(() => again.messages('joined').length > 0);
    for (const client of [again, unwilling]) client.control({ type: 'leave' });
    world.turn();
    await world.gateway.close();
    const { items } = await readBack(world);
    const told = items.filter(({ kind }) => kind === 'presence').map(({ slot, bytes }) => [slot, (JSON.parse(new TextDecoder().decode(bytes)) as { event: string }).event]);
    expect(told).toEqual(['joined', 'away', 'back', 'left'].map((event) => [late.slot, event]));
  });

  it('[ERR2] says so when the file cannot be made, and the session goes on', async () => {
    const world = new TestGateway();
    const host = await world.join('lobby', { role: 'host' });
    mkdirSync(dirname(world.recordingsFolder), { recursive: true });
    writeFileSync(world.recordingsFolder, 'a file where the folder should be');
    host.control({ type: 'record', action: 'start' });
    await host.until(() => host.refusals().length > 0);
    expect(host.one('error')).toMatchObject({ code: 'RECORDING_FAILED', about: 'record', closing: false });
    host.pose(1);
    world.clock.advance(40);
    host.read();
    expect(host.poses).toHaveLength(1);
  });
});
