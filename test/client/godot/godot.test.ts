/** The Godot addon in Godot 4.6 itself, its release template for the web in headless Chromium: golden vectors, and the client against a real server. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeScenario } from '../support/native-scenario.ts';
import { runGodot, vectorFiles, whyNoGodot, type GodotOptions } from './support/engine.ts';

const missing = whyNoGodot();

/** Runs a scene to its end. @returns what it printed, without what Godot says of text that is not UTF-8. */
async function play(scene: string, options: Partial<GodotOptions> = {}): Promise<{ lines: string[]; notices: string[]; status: number }> {
  const lines: string[] = [], notices: string[] = [];
  const run = await runGodot({ scene, engineArgs: ['--headless'], onLine: (line) => lines.push(line), onNotice: (line) => notices.push(line), ...options });
  const status = await run.ended;
  await run.close();
  return { lines, notices: notices.filter((line) => !line.startsWith('Unicode parsing error')), status };
}

describe.skipIf(missing !== undefined)(`the Godot addon${missing === undefined ? '' : ` (without ${missing})`}`, { timeout: 180_000 }, () => {
  // Its page has an origin of its own, as a game on a web site has.
  nativeScenario(() => [process.execPath, '--import', 'tsx', join(import.meta.dirname, 'play.ts'), 'test/live.tscn'], ['--allowed-origins', '*']);

  it('passes every golden vector of poses, hands, snapshots, packets and messages, and refuses what is to be refused', async () => {
    const { lines, notices, status } = await play('test/vectors.tscn', { files: vectorFiles() });
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual([]);
    expect(Number(/^(\d+) passed, 0 failed$/.exec(lines.at(-1) ?? '')?.[1])).toBeGreaterThan(150);
    expect(notices).toEqual([]);
    expect(status).toBe(0);
  });

  it('reads trackers as a headset gives them, gives them back for the others, and draws between samples', async () => {
    const { lines, notices, status } = await play('test/xr.tscn');
    expect(lines).toEqual([expect.stringMatching(/^\d\d passed, 0 failed$/)]);
    expect(notices).toEqual([]);
    expect(status).toBe(0);
  });
});
