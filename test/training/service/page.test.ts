/** Somebody who is no expert at the page of the service, in a browser: from a file to a version in production. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { aliasesOf, readHistory } from '../../../registry/history.ts';
import { accessOf, makeToken, ROLES } from '../../../training/service/access.ts';
import { createApi } from '../../../training/service/api.ts';
import { JobDesk } from '../../../training/service/job-desk.ts';
import { addPage, pageScript } from '../../../training/service/page-files.ts';
import { Workspace } from '../../../training/service/workspace.ts';
import { chromiumPath, launchChromium } from '../../client/web/support/chromium.ts';

const executablePath = chromiumPath();
const clock = systemClock();
const [ada, guest] = [makeToken('ada', ROLES), makeToken('guest', ['read'])];
/** 40 people, two labels that a threshold tells apart, and a line of nothing. Labels are not markup. */
const CSV = ['what,who,x', ...Array.from({ length: 160 }, (_, row) => [row % 2 === 0 ? '<b>yes' : 'no', `p${row % 40}`, (row % 2) * 4 + Math.sin(row)].join(',')), 'no,p1,'].join('\n');
/** A page under load. */
const WAIT = { timeout: 120_000 };

describe.skipIf(executablePath === undefined)('the page of the service', () => {
  let folder = '';
  let url = '';
  let server: ServerType;
  let desk: JobDesk;
  let browser: Browser;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'service-page-'));
    writeFileSync(join(folder, 'signs.csv'), CSV);
    const workspace = new Workspace(join(folder, 'work'));
    desk = new JobDesk(workspace.jobsFolder, clock);
    const app = createApi({ access: accessOf([ada.entry, guest.entry]), workspace, desk, modelsFolder: join(folder, 'models'), clock, audit: () => undefined });
    addPage(app, await pageScript());
    server = createAdaptorServer({ fetch: app.fetch });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await launchChromium(executablePath ?? '');
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await desk.close();
    rmSync(folder, { recursive: true });
  });

  async function open(token: string): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    // What the policy of the page forbids is told on the console too.
    page.on('console', (line) => { if (line.type() === 'error' && !line.text().includes('status of 40')) problems.push(line.text()); });
    page.setDefaultTimeout(WAIT.timeout);
    await page.goto(url);
    await page.fill('#token', token);
    await page.click('#enter button');
    return page;
  }

  it('takes a file, trains, shows the report, publishes and puts it into production', { timeout: 300_000 }, async () => {
    const page = await open(ada.token);
    const act = async (row: string, button: string): Promise<void> => page.locator('.row', { hasText: row }).getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('button', { name: 'Bring data' }).click();
    await page.setInputFiles('#form input[type=file]', join(folder, 'signs.csv'));
    for (const [label, value] of [['Name', 'signs'], ['Column with the label', 'what'], ['Column that says whose it is', 'who']] as const) await page.getByLabel(label).fill(value);
    await page.click('#form button.main');
    await page.locator('#datasets .row', { hasText: '161' }).waitFor();
    await act('signs', 'Check');
    await page.locator('#datasets', { hasText: 'cleaning takes out 1: 1 empty' }).waitFor();
    await act('signs', 'Train');
    await page.getByLabel('Kind of model').selectOption('naive-bayes');
    await page.click('#form button.main');
    await page.locator('#jobs .row', { hasText: /Training signs-1.*done.*of the test part right/s }).waitFor();
    await page.locator('#runs .row', { hasText: 'right, of people it has not learnt from' }).waitFor();
    for (let times = 0; times < 2; times++) {
      await act('right, of people', 'Report');
      await page.frameLocator('#page iframe').getByText('<b>yes').first().waitFor();
      await page.click('#close');
    }
    await act('right, of people', 'Publish');
    await page.click('#form button.main');
    await page.locator('#models .row', { hasText: 'Version 1' }).waitFor();
    await act('Version 1', 'Put into production');
    await page.getByLabel('Why').fill('the first');
    await page.click('#form button.main');
    await page.locator('#models .row', { hasText: 'Version 1' }).locator('.badge', { hasText: 'production' }).waitFor();
    const history = await readHistory(join(folder, 'models'));
    expect(aliasesOf(history, 'signs').get('production')).toBe('1');
    expect(history.map(({ by, reason }) => [by, reason])).toEqual([['ada', ''], ['ada', 'the first']]);
    expect(problems).toEqual([]);
  });

  it('shows whoever may only look no button that would be refused, and strangers nothing', { timeout: 180_000 }, async () => {
    const page = await open(guest.token);
    await page.locator('#runs .row', { hasText: 'right, of people' }).waitFor();
    expect(await page.locator('main button').allTextContents()).toEqual(['Check', 'Report']);
    const stranger = await open('cpm_nobody');
    await stranger.locator('#link', { hasText: 'not known' }).waitFor();
    expect(await stranger.locator('main').isVisible()).toBe(false);
    expect(problems).toEqual([]);
  });

  it('asks for nothing from elsewhere, and lets nothing else run', async () => {
    const answer = await fetch(url);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; connect-src 'self'/);
    for (const path of ['', 'models.css', 'models.js']) expect(await (await fetch(`${url}${path}`)).text()).not.toMatch(/https?:\/\/(?!127)/);
  });
});
