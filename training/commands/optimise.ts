/** `copresence model optimise`: smaller variants of a finished run, and the one that keeps the bounds. */
import { CopresenceError } from '../../core/errors.ts';
import { readLanguageRun } from '../language/facts.ts';
import type { OptimiseRequest } from '../optimise/optimise-run.ts';
import type { PruningScope } from '../optimise/prune.ts';
import { readRun } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import { EXIT, interruption, progressBar, readOptions, required, wholeNumber, withAdvice } from './command.ts';
import type { ModelCommand } from './command.ts';
import { formRows } from './train-language.ts';

const OPTIONS = {
  run: { type: 'string' }, data: { type: 'string' }, 'min-quality': { type: 'string', default: '0.99' }, 'max-bytes': { type: 'string' }, 'max-ms': { type: 'string' },
  prune: { type: 'string' }, narrow: { type: 'string' }, scope: { type: 'string', default: 'global' }, epochs: { type: 'string', default: '12' }, with: { type: 'string', multiple: true },
} as const;

export const optimise: ModelCommand = {
  help: `Usage: copresence model optimise --run <run folder> --data <folder> [options]

  --min-quality <share>   of the best variant's macro F1 that the chosen one must keep; 0.99 when left out
  --max-bytes <n>         of the graph
  --max-ms <n>            median for one sample on this machine
  --prune <shares>        such as 0.5,0.8: sets these shares of a network's weights to 0, the smallest ones, and trains on
  --scope <which>         global or layer: whose smallest ones; global when left out
  --narrow <shares>       such as 0.5: keeps these shares of the units of hidden dense layers, and trains on
  --epochs <n>            of training on; 12 when left out
  --with <run folder>     compares another run on the same data too, such as one trained with --teacher; may be given again

  Rounds the weights of each to float16 and to int8, measures every variant, and writes optimised/ into the run's folder: the
  graphs, pareto.json, pareto.svg, and package/, which can be published. The smallest that keeps all bounds is chosen, by the run's
  validation part; the test part is measured afterwards. Weights that are 0 make a download smaller (see gzip), the file only where units go.

  A run of train-language, with --data as it had, is measured by its score (the mean of one figure a data set) in place of macro F1; its tables
  alone are pruned, and not trained on. A run on tracks is rounded alone, and measured by its error over that of the straight line: with --min-quality
  0.99 that of the chosen form is at most the lowest over 0.99.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const bounds = { minQualityShare: qualityShare(values['min-quality']), maxBytes: optional('max-bytes', values['max-bytes']), maxLatencyMs: optional('max-ms', values['max-ms']) };
    const thinning = { sparsities: shares('prune', values.prune), unitShares: shares('narrow', values.narrow), scope: scopeOf(values.scope), epochs: wholeNumber('epochs', values.epochs, 1) };
    const request = { runFolder: required('run', values.run), datasetFolder: required('data', values.data), bounds, thinning, otherRuns: values.with ?? [] };
    if (readLanguageRun(request.runFolder) !== undefined) return optimiseLanguage(request);
    if (readRun(request.runFolder).layout.kind === 'track') return optimiseMovement(request);
    const bar = progressBar();
    const signal = interruption();
    const { variants, front, chosen, path, packageFolder } = await runJob('optimise', request, { onProgress: bar.tell, signal }).finally(() => bar.stop())
      .catch(withAdvice(signal, () => 'nothing was written'));
    console.table(variants.map(({ name, quality, test, bytes, gzipBytes, latencyMs }) => ({
      variant: name, 'macro F1, validation': quality.toFixed(4), 'macro F1, test': test.macroF1.toFixed(4), bytes, gzip: gzipBytes, 'median ms': latencyMs.toFixed(3), 'not beaten': front.includes(name),
    })));
    console.log(`chosen: ${chosen} (${path}); publish ${packageFolder}`);
    return EXIT.ok;
  },
};

/** `--data` is the folder that `train-language` was given; pruned weights are not trained on. */
async function optimiseLanguage({ runFolder, datasetFolder, bounds, thinning, otherRuns }: OptimiseRequest): Promise<number> {
  if (thinning.unitShares.length + otherRuns.length > 0) throw new CopresenceError('CONFIG_INVALID', 'forms of the language model are rounded and pruned: --narrow and --with are for other runs');
  const request = { runFolder, dataFolder: datasetFolder, bounds, sparsities: thinning.sparsities };
  const bar = progressBar();
  const { variants, front, chosen, path, packageFolder } = await runJob('optimiseLanguage', request, { onProgress: bar.tell }).finally(() => bar.stop());
  console.table(formRows({ variants, front }));
  console.log(`chosen: ${chosen} (${path}); publish ${packageFolder}`);
  return EXIT.ok;
}

/** Measured by errors of movements in place of macro F1. */
async function optimiseMovement({ runFolder, datasetFolder, bounds, thinning, otherRuns }: OptimiseRequest): Promise<number> {
  if (thinning.sparsities.length + thinning.unitShares.length + otherRuns.length > 0) throw new CopresenceError('CONFIG_INVALID', 'forms of a model of movement are rounded: --prune, --narrow and --with are for other runs');
  const bar = progressBar();
  const signal = interruption();
  const { variants, front, chosen, path, packageFolder } = await runJob('optimisePredictor', { runFolder, datasetFolder, bounds }, { onProgress: bar.tell, signal }).finally(() => bar.stop())
    .catch(withAdvice(signal, () => 'nothing was written'));
  console.table(variants.map(({ name, error, bytes, gzipBytes, latencyMs }) => ({
    form: name, 'error over the line, validation': error.validation.toFixed(4), 'error over the line, test': error.test.toFixed(4), bytes, gzip: gzipBytes, 'median ms': latencyMs.toFixed(3), 'not beaten': front.includes(name),
  })));
  console.log(`chosen: ${chosen} (${path}); publish ${packageFolder}`);
  return EXIT.ok;
}

function scopeOf(text: string): PruningScope {
  if (text === 'global' || text === 'layer') return text;
  throw new CopresenceError('CONFIG_INVALID', `--scope ${text} is neither global nor layer`);
}

/** Numbers between 0 and 1, both apart. */
function shares(name: string, text: string | undefined): number[] {
  const values = (text ?? '').split(',').filter((part) => part !== '').map(Number);
  if (values.some((value) => !(value > 0 && value < 1))) throw new CopresenceError('CONFIG_INVALID', `--${name} ${text} is not a list of numbers between 0 and 1`);
  return values;
}

/** More than all of the best quality no variant has, whatever is measured. */
function qualityShare(text: string): number {
  const value = positive('min-quality', text);
  if (value > 1) throw new CopresenceError('CONFIG_INVALID', `--min-quality ${text} is more than 1, all of the best`);
  return value;
}

function optional(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(name, text);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new CopresenceError('CONFIG_INVALID', `--${name} ${text} is not a number above 0`);
  return value;
}
