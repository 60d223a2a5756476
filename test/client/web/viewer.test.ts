import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildViewer } from '../../../client/web/build.ts';
import { startBot } from '../../../examples/bot.ts';
import { connect, openNodeSocket } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import type { DownMessage } from '../../../protocol/down.ts';
import { until } from '../../support/until.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { countColours } from './support/picture.ts';
import { startRealGateway } from './support/real-gateway.ts';
import { HOSTILE, PEOPLE, startScriptedGateway, type ScriptedGateway } from './support/scripted-gateway.ts';

const executablePath = chromiumPath();
const KEYPOINTS = Array.from({ length: 17 }, (_, index) => [0.3 + (index % 2) * 0.4, 0.1 + index * 0.05, 0.9]).flat();

const RESULTS: DownMessage[] = [
  { type: 'result', slot: 0, model: 'gesture-mlp', version: '3', batchId: 1, batchSize: 6, captureMs: 1, ageMs: 12, value: { task: 'gesture', source: 'tracking', hand: 'right', label: 'open-palm', score: 0.93 } },
  { type: 'result', slot: 1, model: 'movenet-lightning', version: '1', batchId: 2, batchSize: 2, captureMs: 1, ageMs: 61, value: { task: 'body-pose', score: 0.8, keypoints: KEYPOINTS } },
  {
    type: 'result', slot: 2, chatId: 2, model: 'avatar-language', version: '2', batchId: 3, batchSize: 1, captureMs: 1, ageMs: 30,
    value: { task: 'language', sentiment: { label: 'negative', score: 0.9 }, emotions: [{ label: 'anger', score: 0.8 }], intent: null, moderation: { label: 'offensive', score: 0.9, flagged: true }, script: 'latin', entities: [{ label: 'location', start: 3, end: 7, score: 0.9 }] },
  },
];

describe.skipIf(executablePath === undefined)('the viewer in Chromium (skipped where there is none)', () => {
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-viewer-'));
    await buildViewer(folder);
    browser = await launchChromium(executablePath ?? '');
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function openPage(url: string, size = { width: 800, height: 450 }): Promise<{ page: Page; problems: string[] }> {
    const page = await browser.newPage({ viewport: size });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    await page.goto(url);
    return { page, problems };
  }

  async function withScripted(run: (gateway: ScriptedGateway) => Promise<void>): Promise<void> {
    const gateway = await startScriptedGateway(folder);
    try {
      await run(gateway);
    } finally {
      gateway.close();
    }
  }

  it('shows avatars, results, batch sizes and moderated chat under the server\'s content policy', () => withScripted(async (gateway) => {
    const { page, problems } = await openPage(`${gateway.url}#token=t&session=demo`);
    await page.waitForSelector('#status[data-state=live]');
    for (const name of PEOPLE) await page.waitForSelector(`#labels .tag:has-text("${name}")`, { state: 'attached' });
    gateway.tell({ type: 'chat', chatId: 2, slot: 2, text: 'go away', captureMs: 1 }, ...RESULTS);
    await page.waitForSelector('#chat .flag');
    expect(await page.textContent('#chat li')).toContain('go away');
    expect(await page.textContent('#chat li .flag')).toContain('⚑ offensive');
    expect(await page.textContent('#chat li .entity')).toBe('awaylocation');
    expect(await page.textContent('#results')).toContain('right hand: open-palm 93 %');
    expect(await page.textContent('#results')).toContain('gesture-mlp@3 · batch 6 · 12 ms');
    await page.waitForSelector('#models tr:nth-child(3)');
    expect(await page.textContent('#models')).toContain('movenet-lightning@1');
    await page.waitForSelector('#labels .chip:has-text("open-palm")', { state: 'attached' });
    expect(await countColours(await page.locator('#scene').screenshot())).toBeGreaterThan(100);
    expect(problems).toEqual([]);
    await page.close();
  }));

  it('shows names and chat as text, whatever is in them', () => withScripted(async (gateway) => {
    const { page } = await openPage(`${gateway.url}#token=t&session=demo`);
    await page.waitForSelector('#status[data-state=live]');
    gateway.tell(
      { type: 'presence', event: 'joined', participant: { slot: 1, participantId: 'p1', name: HOSTILE, role: 'participant', presence: 'live' } },
      { type: 'chat', chatId: 5, slot: 1, text: HOSTILE, captureMs: 1 },
    );
    await page.waitForSelector('#chat li');
    await page.getByText(HOSTILE).nth(1).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('"hacked" in window')).toBe(false);
    await page.close();
  }));

  it('greys out who is away and takes away who left', () => withScripted(async (gateway) => {
    const { page } = await openPage(`${gateway.url}#token=t&session=demo`);
    await page.waitForSelector('#labels .tag:has-text("Alan")', { state: 'attached' });
    const alan = { slot: 2, participantId: 'p2', name: 'Alan', role: 'participant' } as const;
    gateway.tell({ type: 'presence', event: 'away', participant: { ...alan, presence: 'away' } });
    await page.waitForSelector('#labels .tag.away:has-text("Alan")', { state: 'attached' });
    gateway.tell({ type: 'presence', event: 'left', participant: { ...alan, presence: 'away' } });
    await page.waitForSelector('#labels .tag:has-text("Alan")', { state: 'detached' });
    await page.close();
  }));

  it('asks before it shares a camera, and joins without one where the answer is no', async () => {
    const gateway = await startScriptedGateway(folder);
    const { page, problems } = await openPage(`${gateway.url}#token=t&session=lobby&name=me&camera=jpeg`);
    await page.locator('#notice').getByRole('button', { name: 'Join' }).click();
    await until(() => gateway.received.some(({ type }) => type === 'join'));
    expect(gateway.received.find(({ type }) => type === 'join')).toMatchObject({ consent: { inference: false, recording: false, training: false } });
    await page.waitForSelector('#consent >> text=Let me be in recordings');
    await page.getByRole('checkbox', { name: 'in recordings' }).check();
    await until(() => gateway.received.some((message) => message.type === 'consent' && message.consent.recording));
    expect(problems).toEqual([]);
    await page.close();
    gateway.close();
  });

  it('fits a phone without scrolling sideways', () => withScripted(async (gateway) => {
    const { page } = await openPage(`${gateway.url}#token=t&session=demo`, { width: 390, height: 844 });
    await page.waitForSelector('#status[data-state=live]');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.close();
  }));

  it('leaves one session for another', () => withScripted(async (gateway) => {
    const { page } = await openPage(`${gateway.url}#token=t&session=demo`);
    await page.waitForSelector('#status[data-state=live]');
    await page.fill('#session', 'lab');
    await page.click('#switcher button');
    await page.waitForURL(/session=lab/);
    await page.waitForSelector('#status[data-state=live]');
    await expect.poll(() => gateway.received.filter(({ type }) => type === 'join' || type === 'leave').map((message) => (message.type === 'join' ? message.session : message.type)), { timeout: 20_000 })
      .toEqual(['demo', 'leave', 'lab']);
    await page.close();
  }));

  it('lists the sessions there are, joins one by its code, and has lock and kick for a moderator alone', async () => {
    const gateway = await startRealGateway({ viewer: folder, recordings: join(folder, 'recordings') });
    const joining = { url: gateway.server.url, clock: systemClock(), openSocket: openNodeSocket, consent: { inference: false, recording: false, training: false } };
    const maker = await connect({ ...joining, token: await gateway.token('host'), session: 'harbour', name: 'Maker', way: { kind: 'create', wanted: { visibility: 'listed', capacity: 8 } } });
    const guest = await connect({ ...joining, token: await gateway.token('participant'), session: 'harbour', name: 'Guest', reconnect: false });
    await until(() => maker.info !== undefined);
    const { page, problems } = await openPage(`${gateway.server.url}/viewer/#token=${await gateway.token('host')}`);
    await page.waitForSelector('#notice a');
    await page.click('#notice a:has-text("harbour")');
    await page.waitForSelector('#status[data-state=live]');
    await page.click('#lock:has-text("Lock")');
    await page.waitForSelector('#session-info:has-text("3 of 8 · listed · locked")');
    expect(maker.info?.locked).toBe(true);
    await page.click('#lock:has-text("Unlock")');
    await page.waitForSelector('#session-info:not(:has-text("locked"))');
    const watcher = await openPage(`${gateway.server.url}/viewer/#token=${await gateway.token('spectator')}`);
    await watcher.page.fill('#code', maker.info?.code.toLowerCase() ?? '');
    await watcher.page.click('#by-code button');
    await watcher.page.waitForSelector('#status[data-state=live]');
    await watcher.page.waitForSelector('#session-info:has-text("4 of 8")');
    expect([await watcher.page.isVisible('#lock'), await watcher.page.locator('.kick').count(), await page.locator('.kick').count()]).toEqual([false, 0, 3]);
    await page.click('.kick[title="Send Guest away"]');
    await until(() => guest.state.state === 'closed');
    expect(guest.state).toMatchObject({ code: 'KICKED' });
    expect([...problems, ...watcher.problems]).toEqual([]);
    await page.close();
    await watcher.page.close();
    maker.close();
    await gateway.server.close();
  });

  it('joins the real gateway, says what is wrong with a bad token, and greys what it shows once the server is gone', async () => {
    const gateway = await startRealGateway({ viewer: folder, recordings: join(folder, 'recordings') });
    const bot = await startBot({ url: gateway.server.url, token: await gateway.token('participant'), session: 'lobby', name: 'Botty', x: 0, print: () => undefined });
    const { page, problems } = await openPage(`${gateway.server.url}/viewer/#session=lobby&token=${await gateway.token('spectator')}`);
    await page.waitForSelector('#labels .tag:has-text("Botty")', { state: 'attached' });
    bot.say('a line from the bot');
    await page.waitForSelector('#chat li:has-text("a line from the bot")');
    expect(await page.isHidden('#say')).toBe(true);
    expect(problems).toEqual([]);
    const refused = await openPage(`${gateway.server.url}/viewer/#session=lobby&token=forged`);
    await refused.page.waitForSelector('#notice:has-text("TOKEN_INVALID")');
    await refused.page.close();
    expect(await page.locator('#stage.stale').count()).toBe(0);
    await gateway.server.close();
    await page.waitForSelector('#stage.stale');
    await page.waitForSelector('#notice:has-text("What is shown is how things were")');
    await page.close();
    bot.close();
  });
});
