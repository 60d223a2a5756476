/** `sim validate`: checks a recording against every rule of docs/recording.md. */
import { open } from 'node:fs/promises';
import { CopresenceError } from '../../core/errors.ts';
import { fileSource } from '../../recording/byte-source.ts';
import { validateRecording } from '../../recording/validate.ts';
import { count } from '../report/numbers.ts';
import { readArguments } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';
import { showShare } from './share-progress.ts';

/** More lines than this are of no use to anybody who reads them. */
const MOST_LINES = 50;

export const validate: SimCommand = {
  help: `Usage: copresence-sim validate <file.mcap> [--json]

Checks a recording against every rule of docs/recording.md. Each breach is printed with its rule and the byte of the file; the code is
0 when there is none and 2 otherwise. A file that its writer could not close breaks REC7: sim recover makes a closed file of it.

  --json               the breaches as JSON, up to 1000`,
  async run(args) {
    const { values, paths: [path = ''] } = readArguments(args, { json: { type: 'boolean', default: false } }, ['<file.mcap>']);
    const file = await open(path, 'r').catch((error: unknown) => { throw new CopresenceError('RECORDING_INVALID', `cannot open ${path}: ${String(error)}`); });
    const progress = showShare(process.stderr, 'Checking');
    try {
      const { findings, breaches, chunks, messages, fileBytes } = await validateRecording(await fileSource(file), (share) => progress.update(share));
      progress.end();
      const good = findings.length === 0;
      if (values['json'] === true) {
        process.stdout.write(`${JSON.stringify({ good, findings, breaches: Object.fromEntries(breaches), chunks, messages, fileBytes }, null, 2)}\n`);
        return good ? EXIT.ok : EXIT.badInput;
      }
      for (const { rule, offset, detail } of findings.slice(0, MOST_LINES)) process.stdout.write(`${rule} at byte ${offset}: ${detail}\n`);
      const total = [...breaches.values()].reduce((sum, number) => sum + number, 0);
      if (total > MOST_LINES) process.stdout.write(`... ${[...breaches].map(([rule, number]) => `${rule} ${count(number)} times`).join(', ')} in all\n`);
      const counted = `${count(messages)} messages in ${count(chunks)} chunks, ${count(fileBytes)} bytes`;
      process.stdout.write(good ? `${path} keeps every rule: ${counted}\n` : `${path}: ${count(total)} breaches; ${counted}\n`);
      return good ? EXIT.ok : EXIT.badInput;
    } finally {
      progress.end();
      await file.close();
    }
  },
};
