/** The example pages of each engine in headless Chromium with an emulated headset, against the real server: they see somebody, and somebody sees them. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser, INSIDE_AFRAME } from '../../../client/web/build.ts';
import { slotRgb } from '../../../client/drawing/colours.ts';
import { connect, openNodeSocket, type CopresenceClient } from '../../../client/node.ts';
import { every, systemClock, type Repeating } from '../../../core/clock.ts';
import { writeWavingPose } from '../../../examples/generated-pose.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { until } from '../../support/until.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { shareOfHue } from './support/picture.ts';
import { startRealGateway, type TestGateway } from './support/real-gateway.ts';

const executablePath = chromiumPath();
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;
const HEADSET = `
  window.device = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: false });
  device.installRuntime({ forceInstall: true });
  device.primaryInputMode = 'hand';
  device.position.set(0, 1.65, 0);
  device.hands.right.position.set(0.2, 1.5, -0.35);
  device.hands.left.position.set(-0.2, 1.35, -0.35);
`;

describe.skipIf(executablePath === undefined)('the pages of the engines in Chromium (skipped where there is none)', () => {
  let folder: string;
  let gateway: TestGateway;
  let browser: Browser;
  let grace: CopresenceClient;
  let waving: Repeating;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-engines-'));
    const page = async (name: string, instead = {}): Promise<void> => {
      await bundleForBrowser(`examples/web/${name}.ts`, join(folder, `${name}.js`), instead);
      await writeFile(join(folder, `${name}.html`), (await readFile(`examples/web/${name}.html`, 'utf8')).replaceAll('dist/', ''));
    };
    await Promise.all([
      page('three'), page('babylon'), page('aframe', INSIDE_AFRAME), copyFile('node_modules/aframe/dist/aframe-master.min.js', join(folder, 'aframe-master.min.js')),
    ]);
    [gateway, browser] = await Promise.all([startRealGateway({ viewer: folder, recordings: join(folder, 'recordings') }), launchChromium(executablePath ?? '')]);
    const clock = systemClock();
    grace = await connect({
      url: gateway.server.url, token: await gateway.token('participant'), session: 'lobby', name: 'Grace', clock, openSocket: openNodeSocket,
      consent: { inference: false, recording: false, training: false },
    });
    const sample = createPoseSample();
    waving = every(clock, 1000 / 36, (nowMs) => {
      writeWavingPose(sample, nowMs / 1000, { x: 0, z: -1 });
      sample.captureMs = nowMs;
      grace.sendPose(sample);
    });
  });
  afterAll(async () => {
    waving.stop();
    await browser.close();
    grace.close();
    await gateway.server.close();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => expect(problems.splice(0)).toEqual([]));

  async function open(name: string, more: Readonly<Record<string, string>>): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 700, height: 520 } });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && !/v1\/rtc|404/.test(message.text()) && problems.push(message.text())));
    await page.addInitScript({ path: 'node_modules/iwer/build/iwer.min.js' });
    await page.addInitScript(HEADSET);
    const fields = new URLSearchParams({ session: 'lobby', name: 'Ada', token: await gateway.token('participant'), url: gateway.server.url, consent: 'inference', ...more });
    await page.goto(`${gateway.server.url}/viewer/${name}.html#${fields.toString()}`);
    return page;
  }

  /** The page once somebody's colour shows on it. */
  async function pictureWith(page: Page, slot: number): Promise<Buffer> {
    for (;;) {
      const picture = await page.screenshot();
      if ((await shareOfHue(picture, slotRgb(slot))) > 0.0005) return picture;
    }
  }

  it.each([
    ['three', '#vr', {}],
    ['three', '#vr', { vrm: 'plain' }],
    ['babylon', '#vr', {}],
    ['aframe', '.a-enter-vr-button', {}],
  ])('%s draws who is there, and sends what the headset tracks', async (name, enter, more) => {
    const page = await open(name, more);
    await page.waitForSelector('#status:has-text("live in lobby")');
    const seen: number[] = [];
    const off = grace.on('pose', ({ slot, sample }) => void (slot !== grace.self.slot && (sample.valid & HANDS) === HANDS && seen.push(sample.hands[0]!)));
    // Somebody waves a metre ahead: her colour is on the canvas.
    const picture = await pictureWith(page, grace.self.slot);
    // How the pictures of the docs are made.
    if (process.env['ENGINE_PICTURES'] !== undefined) await writeFile(join(process.env['ENGINE_PICTURES'], `${'vrm' in more ? 'vrm' : name}.png`), picture);
    await page.click(enter);
    await until(() => seen.length > 0);
    const before = seen.at(-1)!;
    await page.evaluate('device.hands.left.position.set(-0.5, 1.35, -0.35)');
    await until(() => Math.abs(seen.at(-1)! - before + 0.3) < 0.01);
    off();
    await page.close();
  });
});
