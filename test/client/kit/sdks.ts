/** The SDKs that the kit tries, each as it is used: as a program, in a page, under mono. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { bundleForBrowser } from '../../../client/web/build.ts';
import { FORMATS, fromHex } from '../../../protocol/vectors/formats.ts';
import type { VectorFile } from '../../../protocol/vectors/build.ts';
import { chromiumPath, launchChromium } from '../web/support/chromium.ts';
import { cppLive, cppVectors, missingForCpp } from './cpp-programs.ts';
import { GodotSdk } from './godot-sdk.ts';
import { ROOT } from './native-build.ts';
import { outcomesOf } from './outcomes.ts';
import type { Page } from './page.ts';
import type { RoundTrips } from './round-trip.ts';
import { startProgram, type Line, type LiveProgram, type Sdk } from './sdk.ts';
import { missingForUnity, unityLive, unityTests } from './unity-programs.ts';

const run = promisify(execFile);
const VECTORS = join(ROOT, 'protocol/vectors');
const MAX_OUTPUT_BYTES = 1 << 26;
const linesOf = (text: string): string[] => text.trim().split('\n');

/** In the order of the table in docs/clients.md. */
export function sdks(): readonly Sdk[] {
  return [new NodeSdk(), new ChromiumSdk(), new CppSdk(), new UnitySdk(), new GodotSdk()];
}

type Rate = Parameters<NonNullable<Sdk['roundTrip']>>[3];

async function roundTripOf([command = '', ...first]: readonly string[], args: readonly string[], { rateHz, seconds }: Rate): Promise<RoundTrips> {
  const { stdout } = await run(command, [...first, 'round-trip', ...args, String(rateHz), String(seconds)]);
  return JSON.parse(stdout) as RoundTrips;
}

class NodeSdk implements Sdk {
  readonly name = 'TypeScript, Node';
  readonly missing = [];
  readonly hasDeltas = true;
  prepare = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();

  /** The values of test/protocol/vectors.test.ts, once more and without its tolerances: these decoders made them. */
  async vectors(): Promise<string> {
    const { files } = JSON.parse(await readFile(join(VECTORS, 'index.json'), 'utf8')) as { files: string[] };
    const wrong: string[] = [];
    for (const name of files.filter((file) => file !== 'refused.json')) {
      const { format, vectors } = JSON.parse(await readFile(join(VECTORS, name), 'utf8')) as VectorFile;
      for (const { hex, nearMs = 0, decoded, name: vector } of vectors) {
        const again = FORMATS[format].encode(decoded as never);
        if (typeof FORMATS[format].decode(fromHex(hex), nearMs) === 'string' || Buffer.compare(again, fromHex(hex)) !== 0) wrong.push(`${format}: ${vector}`);
      }
    }
    return wrong.join(', ');
  }

  async outcomes(file: string): Promise<string[]> {
    return outcomesOf(await readFile(file));
  }

  readonly #live = [process.execPath, '--import', 'tsx', join(import.meta.dirname, 'node-live.ts')];

  start(...args: [string, string, string, string]): LiveProgram {
    return startProgram(this.#live, args);
  }

  roundTrip(url: string, token: string, session: string, rate: Rate): Promise<RoundTrips> {
    return roundTripOf(this.#live, [url, token, session], rate);
  }
}

/** One headless browser, a page for each participant. */
class ChromiumSdk implements Sdk {
  readonly name = 'TypeScript, Chromium';
  readonly #path = chromiumPath();
  readonly missing = this.#path === undefined ? ['chromium'] : [];
  readonly hasDeltas = true;
  #browser: Browser | undefined;
  #pages: Server | undefined;
  #folder = '';

  async prepare(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'copresence-kit-'));
    await bundleForBrowser(join(import.meta.dirname, 'browser-live.ts'), join(this.#folder, 'page.js'));
    const script = await readFile(join(this.#folder, 'page.js'));
    this.#pages = createServer(({ url }, response) => {
      response.setHeader('content-type', url === '/page.js' ? 'text/javascript' : 'text/html');
      response.end(url === '/page.js' ? script : '<!doctype html><title>kit</title><script type="module" src="page.js"></script>');
    });
    await new Promise<void>((resolve) => this.#pages?.listen(0, '127.0.0.1', resolve));
    this.#browser = await launchChromium(this.#path ?? '');
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    this.#pages?.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The decoders are Node's, which have passed; that they read the same in a browser is what `outcomes` says. */
  vectors = (): Promise<string> => Promise.resolve('');

  async outcomes(file: string): Promise<string[]> {
    const page = await this.#open();
    const base64 = (await readFile(file)).toString('base64');
    const text = await page.evaluate((bytes) => (globalThis as unknown as { kit: Page }).kit.outcomes(bytes), base64);
    await page.close();
    return linesOf(text);
  }

  start(...args: [string, string, string, string]): LiveProgram {
    const lines: Line[] = [];
    let end: (code: number | null) => void = () => undefined;
    const ended = new Promise<number | null>((resolve) => (end = resolve));
    const opening = this.#open();
    const told = opening.then(async (page) => {
      await page.exposeFunction('report', (text: string) => {
        const line = JSON.parse(text) as Line;
        if (line['exit'] === 0) end(0);
        else lines.push(line);
      });
      page.on('pageerror', ({ message }) => lines.push({ broken: message }));
      await page.evaluate((given) => (globalThis as unknown as { kit: Page }).kit.start(...given), args);
      return page;
    });
    return {
      lines, ended,
      tell: (command) => void told.then((page) => page.evaluate((line) => (globalThis as unknown as { kit: Page }).kit.tell(line), command)).catch(() => undefined),
      kill: () => void opening.then((page) => page.close()).catch(() => undefined).then(() => end(null)),
    };
  }

  async roundTrip(url: string, token: string, session: string, { rateHz, seconds }: Rate): Promise<RoundTrips> {
    const page = await this.#open();
    try {
      return await page.evaluate((given) => (globalThis as unknown as { kit: Page }).kit.roundTrip(...given), [url, token, session, rateHz, seconds] as const);
    } finally {
      await page.close();
    }
  }

  async #open(): Promise<Awaited<ReturnType<Browser['newPage']>>> {
    if (this.#browser === undefined) throw new Error('prepare comes first');
    const page = await this.#browser.newPage();
    await page.goto(`http://127.0.0.1:${(this.#pages?.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.kit !== undefined');
    return page;
  }
}

class CppSdk implements Sdk {
  readonly name = 'C++';
  readonly missing = missingForCpp();
  readonly hasDeltas = true;
  #live = '';
  #vectors = '';
  close = (): Promise<void> => Promise.resolve();

  async prepare(): Promise<void> {
    [this.#vectors, this.#live] = await Promise.all([cppVectors(), cppLive()]);
  }

  async vectors(): Promise<string> {
    const { stdout } = await run(this.#vectors, [VECTORS]).catch((error: unknown) => error as { stdout: string });
    return /^[1-9]\d+ passed, 0 failed$/.test(stdout.trim()) ? '' : stdout.trim();
  }

  async outcomes(file: string): Promise<string[]> {
    const { stdout } = await run(this.#vectors, [VECTORS, file], { maxBuffer: MAX_OUTPUT_BYTES });
    return linesOf(stdout).slice(0, -1);
  }

  start(...args: [string, string, string, string]): LiveProgram {
    return startProgram([this.#live], args);
  }

  roundTrip(url: string, token: string, session: string, rate: Rate): Promise<RoundTrips> {
    return roundTripOf([this.#live], [url, token, session], rate);
  }
}

class UnitySdk implements Sdk {
  readonly name = 'C#, mono';
  readonly missing = missingForUnity();
  readonly hasDeltas = true;
  #live = '';
  #tests = '';
  close = (): Promise<void> => Promise.resolve();

  async prepare(): Promise<void> {
    this.#live = await unityLive();
    this.#tests = await unityTests();
  }

  async vectors(): Promise<string> {
    const { stdout } = await run('nunit-console', ['-nologo', '-noresult', this.#tests], { env: { ...process.env, COPRESENCE_VECTORS: VECTORS } }).catch((error: unknown) => error as { stdout: string });
    return /Tests run: [1-9]\d*, Errors: 0, Failures: 0, Inconclusive: 0/.test(stdout) ? '' : stdout.trim();
  }

  async outcomes(file: string): Promise<string[]> {
    return linesOf((await run('mono', [this.#live, 'outcomes', file], { maxBuffer: MAX_OUTPUT_BYTES })).stdout);
  }

  start(...args: [string, string, string, string]): LiveProgram {
    return startProgram(['mono', this.#live], args);
  }

  roundTrip(url: string, token: string, session: string, rate: Rate): Promise<RoundTrips> {
    return roundTripOf(['mono', this.#live], [url, token, session], rate);
  }
}

