/** `copresence model optimise`: smaller variants of a finished run, and the one that keeps the bounds. */
import { CopresenceError } from '../../core/errors.ts';
import { runJob } from '../run/job.ts';
import { EXIT, progressBar, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  run: { type: 'string' }, data: { type: 'string' }, 'min-quality': { type: 'string', default: '0.99' }, 'max-bytes': { type: 'string' }, 'max-ms': { type: 'string' },
} as const;

export const optimise: ModelCommand = {
  help: `Usage: copresence model optimise --run <run folder> --data <folder> [options]

  --min-quality <share>   of the best variant's macro F1 that the chosen one must keep; 0.99 when left out
  --max-bytes <n>         of the graph
  --max-ms <n>            median for one sample on this machine

  Rounds the weights to float16 and to int8, measures every variant on the run's test part, and writes optimised/ into the run's
  folder: the graphs, pareto.json and pareto.svg. The smallest that keeps all bounds is chosen.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const bounds = { minQualityShare: positive('min-quality', values['min-quality']), maxBytes: optional('max-bytes', values['max-bytes']), maxLatencyMs: optional('max-ms', values['max-ms']) };
    const bar = progressBar();
    const request = { runFolder: required('run', values.run), datasetFolder: required('data', values.data), bounds };
    const { variants, front, chosen, path } = await runJob('optimise', request, { onProgress: bar.tell }).finally(() => bar.stop());
    console.table(variants.map(({ name, quality, bytes, latencyMs }) => ({ variant: name, 'macro F1': quality.toFixed(4), bytes, 'median ms': latencyMs.toFixed(3), 'not beaten': front.includes(name) })));
    console.log(`chosen: ${chosen} (${path})`);
    return EXIT.ok;
  },
};

function optional(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(name, text);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new CopresenceError('CONFIG_INVALID', `--${name} ${text} is not a number above 0`);
  return value;
}
