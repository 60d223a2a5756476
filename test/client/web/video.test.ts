import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser } from '../../../client/web/build.ts';
import { connect, openNodeSocket, type CopresenceClient } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { VIDEO_CODECS } from '../../../protocol/codec/video-chunk.ts';
import type { ResultMessage } from '../../../protocol/message/result.ts';
import type { Role } from '../../../protocol/roles.ts';
import { startServer, type RunningServer } from '../../../server/app.ts';
import { backendOptions } from '../../../server/backend-settings.ts';
import { readConfig } from '../../../server/config.ts';
import { startModelPool, type ModelPool } from '../../../server/model/pool.ts';
import { modelsToLoad, servedRoutes } from '../../../server/routes.ts';
import { signToken } from '../../../server/session/token-signer.ts';
import { hasCodecs, moveOver, PHOTOGRAPH } from '../../support/encoded-video.ts';
import { until } from '../../support/until.ts';
import { untilRepeating } from '../../e2e/support/server.ts';
import { chromiumPath } from './support/chromium.ts';

const executablePath = chromiumPath();
const KEY = Buffer.from('a key for tests, long enough for HMAC-SHA-256', 'utf8');
const SIZE = { width: 320, height: 240 };
const clock = systemClock();

/** The whole server with its models, a browser whose camera shows a photograph of a person, and somebody else who watches. */
describe.skipIf(executablePath === undefined || !hasCodecs())('a camera in Chromium (skipped without Chromium or node-av)', { timeout: 120_000 }, () => {
  let folder: string;
  let browser: Browser;
  let pool: ModelPool;
  let server: RunningServer;
  let watcher: CopresenceClient;
  let results: ResultMessage[] = [];
  let expected: readonly number[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-video-'));
    await bundleForBrowser('test/client/web/support/camera-page.ts', join(folder, 'viewer.js'));
    await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="viewer.js"></script>');
    const { pictures } = await moveOver(PHOTOGRAPH, { ...SIZE, count: 12 });
    const jpegs = await Promise.all(pictures.map((pixels) => sharp(pixels, { raw: { ...SIZE, channels: 3 } }).jpeg({ quality: 92 }).toBuffer()));
    // There and back again, so that the picture never jumps.
    await writeFile(join(folder, 'camera.mjpeg'), Buffer.concat([...jpegs, ...[...jpegs].reverse()]));
    const config = readConfig(['--port', '0', '--rtc', '--video-tasks', 'body-pose', '--recordings-folder', folder], {});
    pool = await startModelPool({ clock }, { workerCount: 1, models: modelsToLoad(servedRoutes(config)), modelsFolder: 'models', cacheFolder: '.cache/models', ...backendOptions(config) });
    server = await startServer(config, { clock, pool, tokenKey: KEY, version: '0.0.0', viewerFolder: folder });
    watcher = await connect({ url: server.url, token: await token('participant'), session: 'lobby', name: 'Watcher', clock, openSocket: openNodeSocket, consent: { inference: true, recording: false, training: false }, video: ['body-pose'] });
    watcher.on('result', (result) => void results.push(result));
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${join(folder, 'camera.mjpeg')}`] });
    // What the model says of one of the pictures as a JPEG, which has its tests elsewhere.
    const picture = { codec: 'jpeg', kind: 'key', ...SIZE, bytes: jpegs[6]! } as const;
    await untilRepeating(() => poses(watcher.self.slot).length > 0, 300, () => watcher.sendVideo({ ...picture, captureMs: clock.nowMs() }));
    expected = poses(watcher.self.slot)[0]!;
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    watcher?.close();
    await server?.close();
    await pool?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function token(role: Role): Promise<string> {
    return signToken(KEY, { subject: `test-${role}`, session: '*', role }, { ttlS: 600, wallMs: clock.wallMs() });
  }

  function poses(slot: number): (readonly number[])[] {
    return results.flatMap((result) => (result.slot === slot && result.value.task === 'body-pose' ? [result.value.keypoints] : []));
  }

  /** Opens a page that shares its camera; notes what video goes over its WebSocket, and keeps its peer connections. */
  async function share(settings: string): Promise<{ page: Page; slot: number; chunks: { codec: number; flags: number }[] }> {
    results = [];
    const page = await browser.newPage();
    const chunks: { codec: number; flags: number }[] = [];
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string') readContainer(payload, (kind, bytes) => void (kind === KIND.videoChunk && chunks.push({ codec: bytes[4]!, flags: bytes[5]! })));
    }));
    await page.addInitScript(`
      window.peers = [];
      window.RTCPeerConnection = class extends RTCPeerConnection { constructor(...args) { super(...args); peers.push(this); } };
      window.sentAs = async () => { const kinds = []; for (const peer of peers) { const stats = await peer.getStats(); stats.forEach((s) => s.type === 'outbound-rtp' && s.codecId && kinds.push(stats.get(s.codecId).mimeType)); } return kinds; };
    `);
    const name = `Camera ${settings}`;
    await page.goto(`${server.url}/viewer/#name=${encodeURIComponent(name)}&token=${await token('participant')}&${settings}`);
    await until(() => [...watcher.participants.values()].some((participant) => participant.name === name));
    const [participant] = [...watcher.participants.values()].filter((other) => other.name === name);
    return { page, slot: participant?.slot ?? -1, chunks };
  }

  /** Where the keypoints that the model is sure of lie, against the JPEG of the same picture; the camera moves a little. */
  function expectSameBody(slot: number): void {
    const sure = expected.flatMap((score, index) => (index % 3 === 2 && score > 0.3 ? [index - 2] : []));
    expect(sure.length).toBeGreaterThanOrEqual(4);
    const last = poses(slot).at(-1)!;
    for (const at of sure) expect(Math.hypot(last[at]! - expected[at]!, last[at + 1]! - expected[at + 1]!)).toBeLessThan(0.15);
  }

  /** What comes late is not shown, so on a busy machine few do. */
  async function untilSeen(slot: number): Promise<void> {
    const before = poses(slot).length;
    await expect.poll(() => poses(slot).length - before, { timeout: 40_000 }).toBeGreaterThanOrEqual(2);
  }

  it.each(['vp8', 'h264'] as const)('[RTC9] [VID6] sends %s over WebRTC, and everybody in the session hears what the model saw', async (codec) => {
    const { page, slot, chunks } = await share(`transport=rtc&camera=${codec}`);
    await untilSeen(slot);
    expectSameBody(slot);
    expect(await page.evaluate('sentAs()')).toEqual([`video/${codec.toUpperCase()}`]);
    expect(chunks).toEqual([]);
    // On the server's clock, and captured before it came.
    const { ageMs } = results.filter((result) => result.slot === slot).at(-1)!;
    expect(ageMs).toSatisfy((age: number) => age > 0 && age < 3000);
    await page.close();
  });

  it.each(['vp8', 'h264', 'jpeg'] as const)('[VID3] [VID6] sends %s chunks over the WebSocket, and everybody in the session hears what the model saw', async (codec) => {
    const { page, slot, chunks } = await share(`camera=${codec}`);
    await untilSeen(slot);
    expectSameBody(slot);
    expect(new Set(chunks.map((chunk) => chunk.codec))).toEqual(new Set([VIDEO_CODECS[codec]]));
    if (codec !== 'jpeg') await expect.poll(() => chunks.filter(({ flags }) => flags !== 1).length, { timeout: 20_000 }).toBeGreaterThan(5);
    await page.close();
  });

  it('[VID7] goes on after the decoding process was killed: both ways are asked for a key', async () => {
    const track = await share('transport=rtc&camera=vp8&n=1');
    await untilSeen(track.slot);
    const other = await share('camera=vp8&n=2');
    await untilSeen(other.slot);
    const keysBefore = other.chunks.filter(({ flags }) => flags === 1).length;
    process.kill(decoderPid(), 'SIGKILL');
    await expect.poll(() => other.chunks.filter(({ flags }) => flags === 1).length, { timeout: 20_000 }).toBeGreaterThan(keysBefore);
    results = [];
    await Promise.all([untilSeen(track.slot), untilSeen(other.slot)]);
    expect(watcher.state.state).toBe('live');
    await track.page.close();
    await other.page.close();
  });
});

/** Of this process. */
function decoderPid(): number {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split('\n');
  return Number(/^\s*(\d+)/.exec(children.find((line) => line.includes('decode-child')) ?? '')?.[1] ?? NaN);
}
