/** `sim recover`: makes a closed file of one that was cut off or damaged. */
import { copyRecording } from '../../recording/copy.ts';
import { openRecording } from '../../recording/reader.ts';
import { count } from '../report/numbers.ts';
import { compressorOf, OUTPUT_HELP, OUTPUT_OPTIONS, outputFile, readArguments } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';
import { showShare } from './share-progress.ts';

export const recover: SimCommand = {
  help: `Usage: copresence-sim recover <damaged.mcap> <clean.mcap> [options]

Writes every item of every whole chunk into a new, closed file. Damaged chunks are named and left out.

${OUTPUT_HELP}`,
  async run(args) {
    const { values, paths: [from = '', to = ''] } = readArguments(args, OUTPUT_OPTIONS, ['<damaged.mcap>', '<clean.mcap>']);
    const compressor = await compressorOf(values);
    const recording = await openRecording(from);
    const progress = showShare(process.stderr, 'Copying');
    try {
      const damage: string[] = [];
      const copied = await copyRecording(recording, await outputFile(to, values), { compressor, onDamage: (error) => damage.push(error.message), onProgress: (share) => progress.update(share) });
      progress.end();
      for (const message of damage) process.stderr.write(`  Left out: ${message}\n`);
      const { complete, endsAt, fileBytes } = recording.info;
      if (!complete) process.stderr.write(`  Left out: ${count(fileBytes - endsAt)} bytes of what was being written at byte ${endsAt}\n`);
      process.stdout.write(`  ${count(copied)} items in ${to}\n`);
      return EXIT.ok;
    } finally {
      progress.end();
      await recording.close();
    }
  },
};
