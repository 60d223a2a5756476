import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAdapter, buildClientBundle, type Adapter } from '../../../client/web/build-client.ts';
import { Packr, Unpackr } from '../../../client/web/small-message-pack.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { decodeDown, decodeUp } from '../../../protocol/codec/control.ts';
import type { VectorFile } from '../../../protocol/vectors/build.ts';
import { fromHex } from '../../../protocol/vectors/formats.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { startRealGateway } from './support/real-gateway.ts';

/** 40 kB, compressed: what a page loads before it can join over a WebSocket. */
const MOST_BYTES = 40_000;
const executablePath = chromiumPath();

const PAGE = `<!doctype html><title>joins</title><p id="said"></p><script type="module" src="page.js"></script>`;
const SCRIPT = `
import { join, CopresenceError } from './index.js';
const { token, url, transports } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const said = document.querySelector('#said');
try {
  const { client, transport } = await join({ url, token, session: 'lobby', name: 'Page', transports: transports.split(','), consent: { inference: false, recording: false, training: false } });
  said.textContent = client.state.state + ' over ' + transport;
  await client.leave();
} catch (error) {
  said.textContent = error instanceof CopresenceError ? 'refused: ' + error.code : String(error);
}`;

let folder: string;
let metafile: Metafile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copresence-client-'));
  metafile = await buildClientBundle(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The entry and everything that it loads before it runs. */
function loadedAtOnce(): string[] {
  const files = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const { path: other, kind } of metafile.outputs[path]?.imports ?? []) if (kind === 'import-statement') visit(other);
  };
  visit(Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith('client/web/index.ts'))?.[0] ?? '');
  return [...files];
}

describe('the package for browsers', () => {
  it('is no larger than 40 kB compressed, with WebRTC apart', () => {
    const files = loadedAtOnce();
    const bytes = files.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
    expect(files.some((path) => path.includes('rtc-socket'))).toBe(false);
    expect(Object.keys(metafile.outputs).some((path) => path.includes('rtc-socket'))).toBe(true);
  });

  it('holds nothing of Node\'s, and no three.js', () => {
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports).filter(({ external }) => external === true);
    expect(imports).toEqual([]);
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((path) => path.startsWith('node:') || builtinModules.includes(path) || /node_modules\/(three|msgpackr|ws|buffer|process)\//.test(path))).toEqual([]);
  });

  it.each<[Adapter, number, RegExp | undefined]>([
    ['consent', 3, undefined],
    ['three', 6, /^three$/],
    ['vrm', 8, /^three$/],
    ['babylon', 6, /^@babylonjs\/core\//],
    // All of the SDK is in it, for a page without a build.
    ['aframe', 48, undefined],
  ])('has an adapter for %s of at most %d kB compressed, without the engine itself', async (name, mostKb, engine) => {
    const { outputs, inputs } = await buildAdapter(name, folder);
    const imports = Object.values(outputs).flatMap((output) => output.imports).map(({ path }) => path);
    expect(imports.filter((path) => engine?.test(path) !== true)).toEqual([]);
    expect(imports.length > 0).toBe(engine !== undefined);
    expect(Object.keys(inputs).filter((path) => /node_modules\/(three|@babylonjs|aframe|msgpackr)\//.test(path))).toEqual([]);
    expect(gzipSync(readFileSync(join(folder, `${name}.js`)), { level: 9 }).length).toBeLessThanOrEqual(mostKb * 1024);
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, { default: string }> };
    expect(exports[`./${name}`]?.default).toBe(`./dist/client/${name}.js`);
  });

  it('reads and writes control messages as the server does', () => {
    const [packer, unpacker] = [new Packr(), new Unpackr()];
    for (const [name, decode] of [['up', decodeUp], ['down', decodeDown]] as const) {
      const { vectors } = JSON.parse(readFileSync(new URL(`../../../protocol/vectors/${name}.json`, import.meta.url), 'utf8')) as VectorFile;
      expect(vectors.length).toBeGreaterThan(10);
      for (const { hex } of vectors) {
        const body = bodyOf(fromHex(hex));
        const theirs = decode(body);
        if (theirs.kind !== 'message') throw new Error(theirs.detail);
        expect(unpacker.unpack(body)).toEqual(theirs.message);
        expect(decode(packer.pack(theirs.message))).toEqual(theirs);
      }
    }
  });
});

describe.skipIf(executablePath === undefined)('the package in Chromium (skipped where there is none)', () => {
  it('joins over WebRTC where the server takes it, else over a WebSocket, and tells of a refusal', async () => {
    await writeFile(join(folder, 'page.html'), PAGE);
    await writeFile(join(folder, 'page.js'), SCRIPT);
    const folders = { viewer: folder, recordings: join(folder, 'recordings') };
    const [plain, rtc] = [await startRealGateway(folders), await startRealGateway(folders, ['--rtc'])];
    const browser = await launchChromium(executablePath ?? '');
    const says = async (gateway: typeof plain, transports: string, token?: string): Promise<string | null> => {
      const page = await browser.newPage();
      const fields = new URLSearchParams({ transports, url: gateway.server.url, token: token ?? await gateway.token('participant') });
      await page.goto(`${gateway.server.url}/viewer/page.html#${fields.toString()}`);
      await page.waitForSelector('#said:not(:empty)');
      return page.textContent('#said');
    };
    expect(await says(plain, 'rtc,ws')).toBe('live over ws');
    expect(await says(rtc, 'rtc,ws')).toBe('live over rtc');
    expect(await says(rtc, 'ws')).toBe('live over ws');
    expect(await says(rtc, 'rtc,ws', 'no token')).toBe('refused: TOKEN_INVALID');
    expect(await readFile(join(folder, 'index.js'), 'utf8')).not.toContain('createDataChannel');
    await browser.close();
    await Promise.all([plain.server.close(), rtc.server.close()]);
  });
});

/** The MessagePack body of a packet with one control message. */
function bodyOf(packet: Uint8Array): Uint8Array {
  let body: Uint8Array | undefined;
  readContainer(packet, (kind, payload) => {
    if (kind === KIND.control) body = payload.slice();
  });
  return body ?? packet;
}
