/** `sim inspect`: who is in a recording, how fast, with what, and what the models said. */
import { openRecording } from '../../recording/reader.ts';
import { describeSummary } from '../inspect/describe.ts';
import { summarise } from '../inspect/summary.ts';
import { readArguments } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';
import { showShare } from './share-progress.ts';

export const inspect: SimCommand = {
  help: `Usage: copresence-sim inspect <file.mcap> [--json]

Shows the participants with their consent and the parts of their poses, rates, gaps and sizes by topic, results by model and version,
and whether the file was closed. A damaged chunk is named and passed over; the code is 2 then.

  --json               the same as JSON`,
  async run(args) {
    const { values, paths: [path = ''] } = readArguments(args, { json: { type: 'boolean', default: false } }, ['<file.mcap>']);
    const recording = await openRecording(path);
    const progress = showShare(process.stderr, 'Reading');
    try {
      const summary = await summarise(recording, (share) => progress.update(share));
      progress.end();
      process.stdout.write(values['json'] === true ? `${JSON.stringify(summary, null, 2)}\n` : `${describeSummary(path, summary)}\n`);
      return summary.damage.length > 0 ? EXIT.badInput : EXIT.ok;
    } finally {
      progress.end();
      await recording.close();
    }
  },
};
