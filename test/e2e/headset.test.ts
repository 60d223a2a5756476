/** A headset in a browser, end to end: an emulated Quest 3 joins with three.js, and somebody else watches in the viewer. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildViewer, bundleForBrowser } from '../../client/web/build.ts';
import { PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { until } from '../support/until.ts';
import { chromiumPath, launchChromium } from '../client/web/support/chromium.ts';
import { countColours } from '../client/web/support/picture.ts';
import { ServerUnderTest, type Heard } from './support/server.ts';

const executablePath = chromiumPath();
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

describe.skipIf(executablePath === undefined)('a headset in Chromium (skipped where there is none)', () => {
  let folder: string;
  let browser: Browser;
  let server: ServerUnderTest;
  let listener: Heard;
  let pages: Server;
  let site: string;
  const problems: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-headset-'));
    await Promise.all([buildViewer('.cache/viewer'), bundleForBrowser('examples/web/three.ts', join(folder, 'three.js'))]);
    await writeFile(join(folder, 'three.html'), (await readFile('examples/web/three.html', 'utf8')).replace('dist/', ''));
    pages = createServer((request, response) => void sendPage(folder, request.url ?? '', response)).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    site = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    [server, browser] = await Promise.all([ServerUnderTest.start(['--allowed-origins', site]), launchChromium(executablePath ?? '')]);
    listener = await server.join('lobby', 'Listener');
  });
  afterAll(async () => {
    await browser.close();
    listener.client.close();
    pages.close();
    await server.process.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param script - runs before the page's own, beside an emulator of headsets. */
  async function open(address: string, fields: Readonly<Record<string, string>>, script?: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 900, height: 520 } });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && !message.text().includes('/v1/rtc') && !message.text().includes('404') && problems.push(message.text())));
    if (script !== undefined) {
      await page.addInitScript({ path: 'node_modules/iwer/build/iwer.min.js' });
      await page.addInitScript(script);
    }
    await page.goto(`${address}#${new URLSearchParams({ session: 'lobby', url: server.url, ...fields }).toString()}`);
    return page;
  }

  afterEach(() => expect(problems).toEqual([]));

  it('joins with three.js, moves and signs, and a second browser sees the hands move and the gesture', async () => {
    const headset = await open(`${site}/three.html`, { name: 'Ada', consent: 'inference', token: await server.token('participant') }, `
      window.device = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: true });
      device.installRuntime({ forceInstall: true });
      device.primaryInputMode = 'hand';
      device.position.set(0, 1.65, 0);
      device.hands.right.position.set(0.2, 1.5, -0.35);
      device.hands.left.position.set(-0.2, 1.35, -0.35);
    `);
    await headset.waitForSelector('#status:has-text("live in lobby")');
    await headset.click('#vr');
    const watching = await open(`${server.url}/viewer/`, { name: 'Watcher', token: await server.token('spectator') });
    await watching.waitForSelector('#labels .tag:has-text("Ada")', { state: 'attached' });

    const wristX: number[] = [];
    const spaceEpochs = new Set<number>();
    listener.client.on('pose', ({ sample }) => {
      if ((sample.valid & HANDS) !== HANDS) return;
      wristX.push(sample.hands[0]!);
      spaceEpochs.add(sample.spaceEpoch);
    });
    await until(() => wristX.length > 0);
    const before = wristX.at(-1)!;
    await headset.evaluate('device.hands.left.position.set(-0.5, 1.35, -0.35)');
    await until(() => Math.abs(wristX.at(-1)! - before + 0.3) < 0.01);

    await headset.evaluate(`device.hands.right.poseId = 'point'`);
    await watching.waitForSelector('#labels .chip:has-text("point")', { state: 'attached' });
    await headset.waitForSelector('#status:has-text("right hand: point")');
    expect(listener.results.some(({ value }) => value.task === 'gesture' && value.hand === 'right' && value.label === 'point')).toBe(true);
    const picture = await watching.screenshot();
    expect(await countColours(await watching.locator('#scene').screenshot())).toBeGreaterThan(100);
    // How docs/images/headset.png is made.
    if (process.env['HEADSET_PICTURE'] !== undefined) await writeFile(process.env['HEADSET_PICTURE'], picture);

    expect([...spaceEpochs]).toEqual([0]);
    await headset.evaluate('device.recenter()');
    await until(() => spaceEpochs.has(1));
  });
});

/** The application's own pages come from another place than the server. */
async function sendPage(folder: string, url: string, response: ServerResponse): Promise<void> {
  const name = basename(url);
  const body = await readFile(join(folder, name)).catch(() => undefined);
  response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': TYPES[extname(name)] ?? 'text/plain' }).end(body);
}
