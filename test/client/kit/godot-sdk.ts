/** The Godot addon in the kit: Godot 4.6 in headless Chromium, a page for each participant. */
import { readFile } from 'node:fs/promises';
import { GodotEngine, isOfScript, missingForGodot, vectorFiles, type GodotOptions, type GodotRun } from '../godot/support/engine.ts';
import type { Line, LiveProgram, Sdk } from './sdk.ts';

const FRAME_HZ = 90;

export class GodotSdk implements Sdk {
  readonly name = 'GDScript, Godot';
  readonly missing = missingForGodot();
  readonly hasDeltas = false;
  #engine: GodotEngine | undefined;

  async prepare(): Promise<void> {
    this.#engine = await GodotEngine.start();
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  async vectors(): Promise<string> {
    const { lines, notices } = await this.#play({ scene: 'test/vectors.tscn', files: vectorFiles() });
    return /^[1-9]\d+ passed, 0 failed$/.test(lines.at(-1) ?? '') && notices.length === 0 ? '' : [...lines, ...notices].join('\n');
  }

  async outcomes(file: string): Promise<string[]> {
    const { lines, notices } = await this.#play({ scene: 'test/outcomes.tscn', files: [{ path: 'test/inputs.bin', bytes: await readFile(file) }] });
    if (notices.length > 0) throw new Error(notices.join('\n'));
    return lines;
  }

  start(...args: [string, string, string, string]): LiveProgram {
    const lines: Line[] = [];
    const opening = this.#run({ scene: 'test/live.tscn', args, onLine: (text) => lines.push(JSON.parse(text) as Line), onNotice: (text) => void (isOfScript(text) && lines.push({ broken: text })) });
    let kill: () => void = () => undefined;
    const killed = new Promise<null>((resolve) => (kill = () => resolve(null)));
    return {
      lines,
      tell: (command) => void opening.then(({ page }) => page.evaluate((line) => (globalThis as unknown as { commands: string[] }).commands.push(line), command)).catch(() => undefined),
      ended: Promise.race([opening.then(({ ended }) => ended), killed]),
      kill: () => void opening.then((run) => run.close()).catch(() => undefined).then(kill),
    };
  }

  #run(options: GodotOptions): Promise<GodotRun> {
    if (this.#engine === undefined) throw new Error('prepare comes first');
    return this.#engine.run({ undrawnHz: FRAME_HZ, prepare: async (page) => void (await page.addInitScript('globalThis.commands = []')), ...options });
  }

  /** A scene to its end. */
  async #play(options: GodotOptions): Promise<{ lines: string[]; notices: string[] }> {
    const lines: string[] = [], notices: string[] = [];
    const run = await this.#run({ ...options, onLine: (line) => lines.push(line), onNotice: (line) => void (isOfScript(line) && notices.push(line)) });
    await run.ended;
    await run.close();
    return { lines, notices };
  }
}
