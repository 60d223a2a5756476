/** What of the Godot addon the conformance kit does not look at: trackers, avatars, the sample scenes, and a headset in WebXR, in Godot itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { POSE_FLOATS } from '../../../protocol/codec/quantise.ts';
import { ServerUnderTest } from '../../e2e/support/server.ts';
import { GodotEngine, isOfScript, missingForGodot } from './support/engine.ts';

const MISSING = missingForGodot();
const MODULES = join(import.meta.dirname, '../../../node_modules');
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;
const INDEX_DISTAL = 8, INDEX_TIP = 9;
/** Only visors are so dark; bodies are pale on a machine so slow that what is heard of the other is old. */
const DARK = 60, VISOR_PIXELS = 1500;

describe.skipIf(MISSING.length > 0 && process.env['CI'] === undefined)(`the Godot addon${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 180_000 }, () => {
  let engine: GodotEngine;
  let server: ServerUnderTest;
  beforeAll(async () => {
    // A page has an origin of its own, as a game on a web site has.
    [engine, server] = await Promise.all([GodotEngine.start(), ServerUnderTest.start(['--workers', '0', '--allowed-origins', '*'])]);
  });
  afterAll(() => Promise.all([engine.close(), server.process.stop()]));

  it('reads trackers as a headset gives them, gives them back for the others, and draws between samples', async () => {
    const lines: string[] = [], notices: string[] = [];
    const run = await engine.run({ scene: 'test/xr.tscn', undrawnHz: 90, onLine: (line) => lines.push(line), onNotice: (line) => notices.push(line) });
    expect(await run.ended).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/^\d\d passed, 0 failed$/)]);
    expect(notices.filter(isOfScript)).toEqual([]);
    await run.close();
  });

  it('shows two avatars that see each other', async () => {
    const lines: string[] = [], notices: string[] = [];
    const run = await engine.run({ scene: 'sample/two_avatars.tscn', args: [server.url, await server.token('host')], onLine: (line) => lines.push(line), onNotice: (line) => notices.push(line) });
    await vi.waitFor(() => expect(lines).toEqual(expect.arrayContaining(['Ada is live', 'Bob is live'])), { timeout: 60_000, interval: 100 });
    await vi.waitFor(async () => expect(Math.min(...(await darkPixels(await run.page.screenshot())))).toBeGreaterThan(VISOR_PIXELS), { timeout: 60_000, interval: 500 });
    expect(notices.filter(isOfScript)).toEqual([]);
    await run.close();
  });

  it('takes a headset of a browser in: its head and the 25 joints of both hands, turned as WebXR turns them', async () => {
    const watcher = await server.join('lobby', 'Watcher', { role: 'spectator' });
    const notices: string[] = [];
    const run = await engine.run({
      scene: 'sample/xr.tscn', args: [server.url, await server.token('participant'), 'Quest'], onNotice: (line) => notices.push(line),
      async prepare(page) {
        // Godot draws into layers, which the emulated headset has not.
        for (const path of ['iwer/build/iwer.min.js', 'webxr-layers-polyfill/build/webxr-layers-polyfill.min.js']) await page.addInitScript({ path: join(MODULES, path) });
        await page.addInitScript(`
          window.device = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: true });
          device.installRuntime({ forceInstall: true });
          device.primaryInputMode = 'hand';
          device.position.set(0.25, 1.7, -0.5);
          new WebXRLayersPolyfill();
        `);
      },
    });
    const quest = (): { slot: number } | undefined => [...watcher.client.participants.values()].find(({ name }) => name === 'Quest');
    await vi.waitFor(() => expect(watcher.poses.get(quest()?.slot ?? -1)).toBeGreaterThan(2), { timeout: 60_000, interval: 100 });
    const worn = new Promise<{ head: number[]; joints: number[] }>((resolve) => {
      watcher.client.on('pose', ({ slot, sample }) => slot === quest()?.slot && (sample.tracked & HANDS) === HANDS && resolve({ head: [...sample.rigid.subarray(0, 3)], joints: [...sample.hands.subarray(HAND_FLOATS)] }));
    });
    await run.page.mouse.click(100, 40);
    const { head, joints } = await worn;
    expect(head.map((metres) => Math.round(100 * metres))).toEqual([25, 170, -50]);
    expect(alignment(joints, INDEX_DISTAL, INDEX_TIP)).toBeGreaterThan(0.9);
    expect(notices.filter(isOfScript)).toEqual([]);
    watcher.client.close();
    await run.close();
  });

  it('is an addon that the editor lists, of the version of the whole', () => {
    const folder = join(import.meta.dirname, '../../../client/godot/addons/copresence');
    const { version } = JSON.parse(readFileSync(join(MODULES, '../package.json'), 'utf8')) as { version: string };
    expect(readFileSync(join(folder, 'plugin.cfg'), 'utf8')).toContain(`version="${version}"`);
    expect(readFileSync(join(folder, 'plugin.gd'), 'utf8')).toMatch(/^@tool\nextends EditorPlugin$/m);
  });
});

/** How many pixels of the left and of the right half are dark. */
async function darkPixels(png: Buffer): Promise<[number, number]> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const counts: [number, number] = [0, 0];
  for (let at = 0; at < data.length; at += 3) {
    if (Math.max(...data.subarray(at, at + 3)) < DARK) counts[(at / 3) % info.width < info.width / 2 ? 0 : 1]++;
  }
  return counts;
}

/** The cosine between where a joint looks, its -Z, and the way to another joint. */
function alignment(joints: readonly number[], from: number, to: number): number {
  const [x = 0, y = 0, z = 0, qx = 0, qy = 0, qz = 0, qw = 1] = joints.slice(from * POSE_FLOATS);
  const way = [0, 1, 2].map((axis) => (joints[to * POSE_FLOATS + axis] ?? 0) - ([x, y, z][axis] ?? 0));
  const looks = [-2 * (qx * qz + qw * qy), -2 * (qy * qz - qw * qx), -(1 - 2 * (qx * qx + qy * qy))];
  return looks.reduce((sum, value, axis) => sum + value * (way[axis] ?? 0), 0) / Math.hypot(...way);
}
