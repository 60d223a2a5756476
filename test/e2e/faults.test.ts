import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoChunk } from '../../protocol/codec/video-chunk.ts';
import { fragileBody } from '../server/model/faulty-models.ts';
import { plain } from '../server/model/pictures.ts';
import { publish } from '../server/model/tiny-models.ts';
import { ServerUnderTest, untilRepeating, type Heard } from './support/server.ts';
import { sendPicture } from './support/streams.ts';

const FRAME_MS = 100;

describe('a server whose body model dies of a white picture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'copresence-faults-'));
  let server: ServerUnderTest;
  let pictures: { readonly dark: Omit<VideoChunk, 'captureMs'>; readonly white: Omit<VideoChunk, 'captureMs'> };

  beforeAll(async () => {
    const models = join(folder, 'models');
    for (const name of ['gesture-mlp', 'avatar-language', 'dynamic-gesture-mlp']) cpSync(join(import.meta.dirname, '../../models', name), join(models, name), { recursive: true });
    await publish(models, fragileBody('movenet-lightning'));
    const chunk = { codec: 'jpeg', kind: 'key', width: 32, height: 24 } as const;
    pictures = { dark: { ...chunk, bytes: await plain(10) }, white: { ...chunk, bytes: await plain(255) } };
    server = await ServerUnderTest.start(['--log-level', 'debug', '--models-folder', models, '--cache-folder', join(folder, 'cache'), '--video-tasks', 'body-pose']);
  }, 200_000);

  afterAll(async () => {
    await server.process.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const bodiesOf = (heard: Heard): number => heard.results.filter(({ slot, value }) => slot === heard.client.self.slot && value.task === 'body-pose').length;

  it('refuses the sender of white pictures alone, tells it so, and goes on for everybody else', async () => {
    const innocent = await Promise.all(['One', 'Two', 'Three'].map((name) => server.join('hall', name)));
    const culprit = await server.join('hall', 'Culprit');
    const send = (): void => {
      for (const { client } of innocent) sendPicture(client, pictures.dark);
      sendPicture(culprit.client, pictures.white);
    };
    await untilRepeating(() => innocent.every((heard) => bodiesOf(heard) > 0) || culprit.errors.length > 0, FRAME_MS, send);
    await untilRepeating(() => culprit.errors.some(({ code, about }) => code === 'RATE_LIMITED' && about === 'body-pose'), FRAME_MS, send);
    const before = innocent.map(bodiesOf);
    await untilRepeating(() => innocent.every((heard, at) => bodiesOf(heard) > (before[at] ?? 0) + 3), FRAME_MS, send);
    expect(await server.metric('copresence_quarantines_total')).toBe(1);
    expect(await server.metric('copresence_worker_deaths_total')).toBeGreaterThanOrEqual(2);
    for (const heard of [...innocent, culprit]) expect(heard.client.state.state).toBe('live');
    for (const heard of innocent) expect(heard.errors.map(({ code }) => code)).not.toContain('RATE_LIMITED');
    expect(server.workers()).toHaveLength(1);
    expect(server.log).toContain('model worker ended');
    for (const { bytes } of Object.values(pictures)) expect(server.log).not.toContain(Buffer.from(bytes).toString('base64').slice(0, 30));
  }, 120_000);
});
