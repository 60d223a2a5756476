/** What of the Godot addon the conformance kit does not look at: trackers, avatars and the sample scenes, in Godot itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GodotEngine, missingForGodot } from './support/engine.ts';

const MISSING = missingForGodot();

describe.skipIf(MISSING.length > 0 && process.env['CI'] === undefined)(`the Godot addon${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 180_000 }, () => {
  let engine: GodotEngine;
  beforeAll(async () => {
    engine = await GodotEngine.start();
  });
  afterAll(() => engine.close());

  it('reads trackers as a headset gives them, gives them back for the others, and draws between samples', async () => {
    const lines: string[] = [], notices: string[] = [];
    const run = await engine.run({ scene: 'test/xr.tscn', undrawnHz: 90, onLine: (line) => lines.push(line), onNotice: (line) => notices.push(line) });
    expect(await run.ended).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/^\d\d passed, 0 failed$/)]);
    expect(notices).toEqual([]);
    await run.close();
  });
});
