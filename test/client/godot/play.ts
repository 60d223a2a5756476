/** A scene of the Godot project as a program: play.ts scene args… It prints what the scene prints, and ends with its status. */
import { GodotEngine, vectorFiles } from './support/engine.ts';

/** A headset's rate. */
const FRAME_HZ = 90;

const [scene = '', ...args] = process.argv.slice(2);
const engine = await GodotEngine.start();
const run = await engine.run({ scene, args, undrawnHz: FRAME_HZ, files: vectorFiles(), onLine: (line) => process.stdout.write(`${line}\n`), onNotice: (line) => process.stderr.write(`${line}\n`) });
const status = await run.ended;
await engine.close();
process.exit(status);
