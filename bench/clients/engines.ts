/** How long the engines' adapters take for a picture, in headless Chromium: the update alone, without drawing. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleForBrowser, INSIDE_AFRAME } from '../../client/web/build.ts';
import { chromiumPath, launchChromium } from '../../test/client/web/support/chromium.ts';
import type { EngineTask } from './engines-page.ts';

export interface EngineRow {
  readonly engine: string;
  /** A browser's clock has steps of a tenth of a millisecond: the mean is finer than any percentile. */
  readonly meanMs: number;
  readonly p99Ms: number;
}

const ENGINES = { 'three.js': { page: 'engine-three', instead: {} }, 'Babylon.js': { page: 'engine-babylon', instead: {} }, 'A-Frame': { page: 'engine-three', instead: INSIDE_AFRAME } } as const;
const AFRAME = 'node_modules/aframe/dist/aframe-master.min.js';

/** @returns a row for each engine; undefined where there is no Chromium. */
export async function measureEngines(task: EngineTask): Promise<EngineRow[] | undefined> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'copresence-bench-engines-'));
  const browser = await launchChromium(executablePath);
  const rows: EngineRow[] = [];
  try {
    for (const [engine, { page: name, instead }] of Object.entries(ENGINES)) {
      const script = join(folder, 'page.js');
      await bundleForBrowser(`bench/clients/${name}.ts`, script, instead);
      const page = await browser.newPage();
      if (engine === 'A-Frame') await page.addScriptTag({ path: AFRAME });
      await page.addScriptTag({ type: 'module', content: await readFile(script, 'utf8') });
      await page.waitForFunction('globalThis.measure !== undefined');
      const times = await page.evaluate<number[]>(`measure(${JSON.stringify(task)})`);
      rows.push({ engine, meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length, p99Ms: times[Math.floor(times.length * 0.99)] ?? NaN });
      await page.close();
    }
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
  return rows;
}
