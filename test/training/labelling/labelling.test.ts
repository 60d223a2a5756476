/** Labels made on the page: the line of time as arithmetic, the service to this machine alone, and a person at the page in a browser. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import fc from 'fast-check';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedSamples } from '../../../bench/codec-data.ts';
import { frameAt, intervalAt, rowsOf, selectionOf, timeAt, trackedSpans, xOf, zoomed, type Interval } from '../../../client/web/labelling/timeline.ts';
import { encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../../protocol/codec/pose-sample.ts';
import { stillClock } from '../../../recording/copy.ts';
import { openRecordingBytes } from '../../../recording/reader.ts';
import { createRecordingWriter } from '../../../recording/writer.ts';
import { readLabels, readLabelledHands } from '../../../training/dataset/recordings.ts';
import { readHandTracks } from '../../../training/labelling/hand-tracks.ts';
import { createLabellingApp, labellingScript } from '../../../training/labelling/labelling-app.ts';
import { chromiumPath, launchChromium } from '../../client/web/support/chromium.ts';
import { memoryFile, START } from '../../recording/support.ts';
import { until } from '../../support/until.ts';

const interval = (fromMs: number, toMs: number, label = 'fist'): Interval => ({ participant: 'ada', hand: 'left', fromMs, toMs, label });

describe('a line of time', () => {
  it('goes from a moment to a place and back, and a zoom keeps the moment where it is', () => {
    fc.assert(fc.property(fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.double({ min: 0.2, max: 4, noNaN: true }), (share, factor) => {
      const span = { fromMs: 10_000, toMs: 30_000 };
      const atMs = timeAt(share * 1600, span, 1600, 60_000);
      expect(xOf(atMs, span, 1600)).toBeCloseTo(share * 1600, 6);
      const next = zoomed(span, atMs, factor, 60_000);
      expect(next.fromMs).toBeGreaterThanOrEqual(0);
      expect(next.toMs).toBeLessThanOrEqual(60_000.001);
      if (next.fromMs > 0 && next.toMs < 60_000) expect(xOf(atMs, next, 1600)).toBeCloseTo(share * 1600, 4);
    }));
  });

  it('selects what is dragged over in either direction, and no slip', () => {
    expect(selectionOf(900.4, 100.2)).toEqual({ fromMs: 100, toMs: 900 });
    expect(selectionOf(100, 130)).toBeUndefined();
  });

  it('hits the shortest label, and puts those that overlap into rows of their own', () => {
    const [long, short, later] = [interval(0, 1000), interval(400, 600, 'wave'), interval(1000, 1500)];
    expect(intervalAt([long, short, later], 500)).toBe(short);
    expect(intervalAt([long, short], 1200)).toBeUndefined();
    expect([...rowsOf([long, short, later])].map(([own, row]) => [own.fromMs, row])).toEqual([[0, 0], [400, 1], [1000, 0]]);
  });

  it('finds the frame of a moment, and the gaps in which nothing was tracked', () => {
    const times = Float64Array.of(0, 30, 60, 1000, 1030);
    expect([-1, 0, 45, 500, 2000].map((atMs) => frameAt(times, atMs))).toEqual([-1, 0, 1, 2, 4]);
    expect(trackedSpans(times)).toEqual([{ fromMs: 0, toMs: 60 }, { fromMs: 1000, toMs: 1030 }]);
  });
});

/** Four seconds of Ada's hands, who allows training. */
async function recordHands(): Promise<Uint8Array> {
  const file = memoryFile();
  const writer = createRecordingWriter({ writable: file, clock: stillClock(START) }, { session: 'hall', source: 'generated', started: START });
  writer.addParticipant({ participantId: 'ada', slot: 0, name: 'Ada', consent: { inference: true, recording: true, training: true } });
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  recordedSamples(240).forEach((sample, index) => {
    const atMs = START.serverMs + index * 16.75;
    const size = encodePoseSample({ ...sample, captureMs: atMs }, bytes, 0);
    if (typeof size === 'string') throw new Error(size);
    writer.add({ kind: 'pose', participantId: 'ada', slot: 0, bytes: bytes.slice(0, size), captureDeviceMs: atMs, captureServerMs: atMs, arrivedMs: atMs + 3 });
  });
  await writer.close();
  return file.bytes();
}

describe('the labelling service', () => {
  let folder = '';
  let server: ServerType;
  let url = '';
  let browser: Browser | undefined;
  let recorded: Uint8Array;
  const executablePath = chromiumPath();
  const labelsFile = (): string => join(folder, 'labels.jsonl');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'labelling-'));
    recorded = await recordHands();
    const found = await readHandTracks(await openRecordingBytes(recorded));
    expect(found.tracks.map(({ hand, timesMs, training }) => [hand, timesMs.length, training])).toEqual([['left', 120, true], ['right', 120, true]]);
    server = createAdaptorServer({ fetch: createLabellingApp({ name: 'hands.mcap', labelsFile: labelsFile(), ...found, script: await labellingScript() }).fetch });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (executablePath !== undefined) browser = await launchChromium(executablePath);
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('refuses other pages, and labels that no data set would take', async () => {
    expect((await fetch(`${url}/api/recording`, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    const post = (body: object): Promise<Response> => fetch(`${url}/api/labels`, { method: 'POST', body: JSON.stringify(body) });
    for (const wrong of [interval(5, 1), { ...interval(0, 100), participant: 'nobody' }, { ...interval(0, 100), label: '' }]) expect((await post(wrong)).status).toBe(422);
    expect((await fetch(`${url}/api/labels`, { method: 'DELETE', body: JSON.stringify(interval(0, 100)) })).status).toBe(422);
    expect(existsSync(labelsFile())).toBe(false);
    expect((await fetch(`${url}/api/hands/9`)).status).toBe(404);
  });

  it.skipIf(executablePath === undefined)('takes a label that is drawn on the line, shows it, and takes it away again (skipped without Chromium)', { timeout: 120_000 }, async () => {
    const page = await (browser as Browser).newPage({ viewport: { width: 1200, height: 720 } });
    const problems: string[] = [];
    page.on('pageerror', ({ message }) => problems.push(message));
    await page.goto(url);
    await page.locator('#recording', { hasText: 'hands.mcap' }).waitFor();
    const box = (await page.locator('#line').boundingBox())!;
    const drag = async (from: number, to: number): Promise<void> => {
      await page.mouse.move(box.x + from * box.width, box.y + 80);
      await page.mouse.down();
      await page.mouse.move(box.x + to * box.width, box.y + 80, { steps: 4 });
      await page.mouse.up();
    };
    await drag(0.25, 0.5);
    await page.fill('#label', 'fist');
    await page.keyboard.press('Enter');
    await page.locator('#list li', { hasText: 'fist' }).waitFor();
    await drag(0.6, 0.9);
    await page.fill('#label', 'open palm');
    await page.keyboard.press('Enter');
    await page.locator('#list li', { hasText: 'open palm' }).waitFor();
    const labels = readLabels(labelsFile());
    expect(labels.map(({ hand, label }) => [hand, label])).toEqual([['left', 'fist'], ['left', 'open palm']]);
    expect(labels[0]?.fromMs).toBeCloseTo(1000, -2);
    expect(labels[0]?.toMs).toBeCloseTo(2001, -2);
    const collected = await readLabelledHands(await openRecordingBytes(recorded), labels, 1);
    expect(new Set(collected.samples.map(({ label }) => label))).toEqual(new Set(['fist', 'open palm']));
    await page.locator('#list li button', { hasText: 'fist' }).click();
    await page.keyboard.press('Delete');
    await until(() => readFileSync(labelsFile(), 'utf8').split('\n').length === 2);
    expect(readLabels(labelsFile()).map(({ label }) => label)).toEqual(['open palm']);
    expect(problems).toEqual([]);
    await page.close();
  });
});
