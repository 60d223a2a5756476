/** `copresence model label`: says what a hand does in an interval of a recording. */
import { appendLabel } from '../dataset/recordings.ts';
import { EXIT, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = { labels: { type: 'string' }, participant: { type: 'string' }, hand: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' }, label: { type: 'string' } } as const;

export const label: ModelCommand = {
  help: `Usage: copresence model label --labels <file> --participant <id> --hand <left|right> --from <ms> --to <ms> --label <label>

  Adds one line to a label file, for collect --recording. Times are milliseconds since the recording's first item.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const file = required('labels', values.labels);
    const added = appendLabel(file, {
      participant: required('participant', values.participant), hand: required('hand', values.hand),
      fromMs: Number(required('from', values.from)), toMs: Number(required('to', values.to)), label: required('label', values.label),
    });
    console.log(`${file}: ${added.participant}'s ${added.hand} hand, ${added.fromMs} to ${added.toMs} ms: ${added.label}`);
    return EXIT.ok;
  },
};
