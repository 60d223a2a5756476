import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildViewer, bundleForBrowser } from '../../../client/web/build.ts';
import { connect, openNodeSocket, type CopresenceClient } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import { startBot } from '../../../examples/bot.ts';
import { until } from '../../support/until.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { startRealGateway, type TestGateway } from './support/real-gateway.ts';

const executablePath = chromiumPath();
const NO_CONSENT = { inference: false, recording: false, training: false };

describe.skipIf(executablePath === undefined)('WebRTC in Chromium (skipped where there is none)', () => {
  let folder: string;
  let browser: Browser;
  let gateway: TestGateway;
  let watcher: CopresenceClient;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-rtc-'));
    await buildViewer(folder);
    await bundleForBrowser('examples/web/main.ts', join(folder, 'main.js'));
    await writeFile(join(folder, 'example.html'), (await readFile('examples/web/index.html', 'utf8')).replace('dist/main.js', 'main.js'));
    gateway = await startRealGateway({ viewer: folder, recordings: join(folder, 'recordings') }, ['--rtc']);
    watcher = await connect({ url: gateway.server.url, token: await gateway.token('spectator'), session: 'lobby', name: 'Watcher', clock: systemClock(), openSocket: openNodeSocket, consent: NO_CONSENT });
    browser = await launchChromium(executablePath ?? '');
  });
  afterAll(async () => {
    await browser.close();
    watcher.close();
    await gateway.server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Notes where each page connects to, and what comes over its data channels. */
  async function openPage(path: string): Promise<{ page: Page; sockets: string[]; received: () => Promise<Record<string, number>> }> {
    const page = await browser.newPage();
    const sockets: string[] = [];
    page.on('websocket', (socket) => void sockets.push(new URL(socket.url()).pathname));
    await page.addInitScript(`
      window.receivedOn = {};
      const create = RTCPeerConnection.prototype.createDataChannel;
      RTCPeerConnection.prototype.createDataChannel = function (label, options) {
        const channel = create.call(this, label, options);
        channel.addEventListener('message', () => (receivedOn[label] = (receivedOn[label] ?? 0) + 1));
        return channel;
      };
    `);
    await page.goto(`${gateway.server.url}/viewer/${path}`);
    return { page, sockets, received: () => page.evaluate('receivedOn') };
  }

  it('[RTC1] [RTC3] [RTC5] carries poses both ways over data channels, to and from who is connected otherwise', async () => {
    const bot = await startBot({ url: gateway.server.url, token: await gateway.token('participant'), session: 'lobby', name: 'Botty', x: 0, print: () => undefined });
    const { page, sockets, received } = await openPage(`example.html#transport=rtc&consent=inference&session=lobby&name=Web&url=${encodeURIComponent(gateway.server.url)}&token=${await gateway.token('host')}`);
    await page.waitForSelector('#status:has-text("live in lobby")');
    const walked = new Set<number>();
    watcher.on('pose', ({ slot, sample }) => {
      if (watcher.participants.get(slot)?.name === 'Web') walked.add(Math.round((sample.rigid[2] ?? 0) * 10));
    });
    await page.keyboard.press('w');
    await page.keyboard.press('w');
    await until(() => walked.has(-2));
    await expect.poll(async () => (await received())['state'], { timeout: 20_000 }).toBeGreaterThan(20);
    expect(sockets).toEqual(['/v1/rtc']);
    await page.close();
    bot.close();
  });

  it('[RTC7] shows the viewer what a bot does and says, and why a token is refused', async () => {
    const bot = await startBot({ url: gateway.server.url, token: await gateway.token('participant'), session: 'hall', name: 'Botty', x: 0, print: () => undefined });
    const { page, sockets } = await openPage(`#transport=rtc&session=hall&token=${await gateway.token('spectator')}`);
    await page.waitForSelector('#labels .tag:has-text("Botty")', { state: 'attached' });
    bot.say('a line from the bot');
    await page.waitForSelector('#chat li:has-text("a line from the bot")');
    expect(sockets).toEqual(['/v1/rtc']);
    await page.close();
    const refused = await openPage('#transport=rtc&session=hall&token=forged');
    await refused.page.waitForSelector('#notice:has-text("TOKEN_INVALID")');
    await refused.page.close();
    bot.close();
  });
});
