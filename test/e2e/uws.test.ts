import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecording } from '../../recording/reader.ts';
import { until } from '../support/until.ts';
import { ServerUnderTest, untilRepeating, type Heard } from './support/server.ts';
import { handSample, sendNow } from './support/streams.ts';

describe('a server that also listens with uWebSockets.js', () => {
  const recordings = mkdtempSync(join(tmpdir(), 'copresence-uws-'));
  let server: ServerUnderTest;

  beforeAll(async () => {
    server = await ServerUnderTest.start(['--workers', '0', '--uws-port', '0', '--recordings-folder', recordings, '--log-level', 'info']);
  });
  afterAll(async () => {
    await server.process.stop();
    rmSync(recordings, { recursive: true, force: true });
  });

  it('has people of both transports in one session, and records them', async () => {
    const consent = { inference: true, recording: true, training: false };
    const url = server.process.transports['uws'] ?? '';
    expect(new URL(url).port).not.toBe(new URL(server.url).port);
    const [there, here] = await Promise.all([server.join('hall', 'There', { url, role: 'host', consent }), server.join('hall', 'Here', { consent })]);
    const seenFrom = (by: Heard, of: Heard): number => by.poses.get(of.client.self.slot) ?? 0;
    const sample = handSample();
    await untilRepeating(() => there.client.recording, 500, () => there.client.record('start'));
    await untilRepeating(() => seenFrom(here, there) > 20 && seenFrom(there, here) > 20, 15, () => {
      sendNow(there.client, sample);
      sendNow(here.client, sample);
    });
    there.client.say('hello');
    await until(() => here.chat.length === 1 && there.chat.length === 1);
    there.client.record('stop');
    await until(() => !there.client.recording);
    expect(await server.metric('copresence_connections')).toBe(2);
    await Promise.all([there.client.leave(), here.client.leave()]);
    expect(server.log).toContain('uWebSockets.js');
    expect(there.errors).toEqual([]);
  });

  it('wrote what was said, byte for byte, though the library takes its bytes back', async () => {
    const recording = await openRecording(join(recordings, readdirSync(recordings)[0] ?? ''));
    const poses = new Map<string, number>(), lines: string[] = [];
    for await (const item of recording.items()) {
      if (item.kind === 'pose') poses.set(item.participantId, (poses.get(item.participantId) ?? 0) + (item.bytes.length > 100 ? 1 : 0));
      if (item.kind === 'chat') lines.push(Buffer.from(item.bytes).toString());
    }
    await recording.close();
    expect(lines).toEqual(['hello']);
    expect([...poses.values()].every((count) => count > 10)).toBe(true);
    expect(poses.size).toBe(2);
  });
});
