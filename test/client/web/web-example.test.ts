import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser } from '../../../client/web/build.ts';
import { copySample } from '../../../client/interpolation.ts';
import { connect, openNodeSocket, type CopresenceClient } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { decodeUp } from '../../../protocol/codec/control.ts';
import { createPoseSample, PART_BITS, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../../protocol/codec/quantise.ts';
import type { UpMessage } from '../../../protocol/up.ts';
import { until } from '../../support/until.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { startRealGateway, type TestGateway } from './support/real-gateway.ts';

const executablePath = chromiumPath();
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;

/** The first pose of somebody else that fits. */
function waitForPose(client: CopresenceClient, fits: (sample: PoseSample) => boolean): Promise<PoseSample> {
  return new Promise((resolve) => {
    const off = client.on('pose', ({ sample }) => {
      if (!fits(sample)) return;
      off();
      const copy = createPoseSample();
      copySample(sample, copy);
      resolve(copy);
    });
  });
}

describe.skipIf(executablePath === undefined)('the web example in Chromium (skipped where there is none)', () => {
  let folder: string;
  let gateway: TestGateway;
  let watcher: CopresenceClient;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'copresence-example-'));
    await bundleForBrowser('examples/web/main.ts', join(folder, 'main.js'));
    const page = await readFile('examples/web/index.html', 'utf8');
    await writeFile(join(folder, 'index.html'), page.replace('dist/main.js', 'main.js'));
    gateway = await startRealGateway({ viewer: folder, recordings: join(folder, 'recordings') });
    watcher = await connect({
      url: gateway.server.url, token: await gateway.token('spectator'), session: 'lobby', name: 'Watcher', clock: systemClock(), openSocket: openNodeSocket,
      consent: { inference: false, recording: false, training: false },
    });
  });
  afterAll(async () => {
    watcher.close();
    await gateway.server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('asks before it joins and tells every change at once, walks by keyboard, then sends the head and 2 x 25 joints of an emulated headset', async () => {
    const browser = await launchChromium(executablePath ?? '');
    const page = await browser.newPage();
    await page.addInitScript({ path: 'node_modules/iwer/build/iwer.min.js' });
    await page.addInitScript(`
      window.device = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: true });
      device.installRuntime({ forceInstall: true });
      device.primaryInputMode = 'hand';
      device.position.set(0.25, 1.7, -0.5);
    `);
    const url = gateway.server.url;
    const said: UpMessage[] = [];
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      readContainer(payload as Buffer, (kind, body) => {
        const decoded = kind === KIND.control ? decodeUp(body) : undefined;
        if (decoded?.kind === 'message') said.push(decoded.message);
      });
    }));
    const walked = waitForPose(watcher, ({ valid, rigid }) => valid === PART_BITS.head && rigid[2]! < -0.15);
    await page.goto(`${url}/viewer/#session=lobby&name=Web&url=${encodeURIComponent(url)}&token=${await gateway.token('participant')}`);
    // By its names alone, as somebody who does not see it would.
    const [inference, recording, training] = ['models run', 'in recordings', 'train models'].map((name) => page.getByRole('checkbox', { name }));
    expect([await inference?.isChecked(), await recording?.isChecked(), await training?.isDisabled(), said.length]).toEqual([false, false, true, 0]);
    await inference?.check();
    await page.getByRole('button', { name: 'Join' }).click();
    await page.waitForSelector('#status:has-text("live in lobby")');
    expect(said.find(({ type }) => type === 'join')).toMatchObject({ consent: { inference: true, recording: false, training: false } });
    await recording?.check();
    await training?.check();
    await recording?.uncheck();
    const changes = (): UpMessage[] => said.filter(({ type }) => type === 'consent');
    await until(() => changes().length === 3);
    expect(changes().map((change) => 'consent' in change && Object.values(change.consent))).toEqual([[true, true, false], [true, true, true], [true, false, false]]);
    await page.locator('#map').hover();
    await page.keyboard.press('w');
    await page.keyboard.press('w');
    expect((await walked).rigid[1]).toBeCloseTo(1.6, 2);
    const worn = waitForPose(watcher, ({ valid }) => (valid & HANDS) === HANDS);
    await page.click('#vr');
    const sample = await worn;
    expect([...sample.rigid.subarray(0, 3)].map((metres) => Math.round(metres * 100))).toEqual([25, 170, -50]);
    expect(sample.tracked & HANDS).toBe(HANDS);
    const tip = 9 * POSE_FLOATS;
    const reachM = Math.hypot(...[0, 1, 2].map((axis) => sample.hands[tip + axis]! - sample.hands[axis]!));
    expect(reachM).toBeGreaterThan(0.1);
    expect(reachM).toBeLessThan(0.25);

    // A tab in the background runs nothing for as long as it stays there: the others are told, and it comes back by itself as who it was.
    const heard: string[] = [];
    watcher.on('presence', ({ event, participant }) => void (participant.name === 'Web' && heard.push(event)));
    const debug = await page.context().newCDPSession(page);
    await debug.send('Debugger.enable');
    await debug.send('Debugger.pause');
    await until(() => heard.length === 1);
    await debug.send('Debugger.resume');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['away', 'back']);
    await debug.send('Debugger.disable');
    await page.waitForSelector('#status:has-text("live in lobby")');
    await browser.close();
  });
});
