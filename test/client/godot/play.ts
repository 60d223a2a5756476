/** A scene of the Godot project as a program: play.ts scene args… It prints what the scene prints, and ends with its status. */
import { runGodot, vectorFiles } from './support/engine.ts';

const [scene = '', ...args] = process.argv.slice(2);
/** A headset's rate; headless Chromium has 60 Hz. */
const FRAME_HZ = 90;

const run = await runGodot({ scene, args, frameHz: FRAME_HZ, engineArgs: ['--headless'], files: vectorFiles(), onLine: (line) => process.stdout.write(`${line}\n`), onNotice: (line) => process.stderr.write(`${line}\n`) });
const status = await run.ended;
await run.close();
process.exit(status);
