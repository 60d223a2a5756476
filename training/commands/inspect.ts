/** `copresence model inspect`: what is in a data set, and what cleaning would take out. */
import { cleanSamples } from '../dataset/clean.ts';
import { openDataset } from '../dataset/store.ts';
import { EXIT, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

/** Removed samples that are named one by one. */
const NAMED = 20;

export const inspect: ModelCommand = {
  help: `Usage: copresence model inspect --data <folder>

  Checks the samples against their digest and shows labels, participants and what cleaning would remove.`,

  async run(args) {
    const { values } = readOptions(args, { data: { type: 'string' } });
    const { description, samples } = openDataset(required('data', values.data));
    console.log(`${description.name}, version ${description.version}: ${samples.length} samples of ${description.participants} participants, ${description.layout.kind}, ${description.steps} steps`);
    console.table(description.counts);
    for (const step of description.history) console.log(`history: ${step}`);
    if (description.layout.kind === 'track') return EXIT.ok;
    const { report } = cleanSamples(samples, description);
    console.log(`cleaning keeps ${report.kept} of ${report.seen}, and fills ${report.filledValues} missing values over time`);
    if (report.removed.length > 0) console.table(report.byReason);
    for (const { id, reason } of report.removed.slice(0, NAMED)) console.log(`  ${id}: ${reason}`);
    if (report.removed.length > NAMED) console.log(`  and ${report.removed.length - NAMED} more`);
    return EXIT.ok;
  },
};
