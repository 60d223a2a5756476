/** `copresence model tune`: tries configurations and trains the best. */
import { availableParallelism } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { readDescription } from '../dataset/store.ts';
import { withPredictionDefaults } from '../prediction/config.ts';
import { checkModelName, readTrainingConfig } from '../run/config.ts';
import { MAX_FOLDS } from '../evaluate/intervals.ts';
import { MAX_TRIALS, readTuning, TUNING_FILES } from '../tuning/folder.ts';
import type { Trial } from '../tuning/folder.ts';
import { DEFAULT_PRUNING } from '../tuning/median-rule.ts';
import { scoreText, valueText } from '../tuning/page.ts';
import { DEFAULT_SPACE, readSearchSpace } from '../tuning/space.ts';
import { STRATEGIES } from '../tuning/strategies.ts';
import { TRACK_SPACE } from '../tuning/tracks.ts';
import { TUNING_METRICS } from '../tuning/trial.ts';
import { resumeTuning, tune } from '../tuning/tune.ts';
import type { TuneRequest } from '../tuning/tune.ts';
import { EXIT, interruption, progressBar, readOptions, refuseWithResume, required, wholeNumber, withAdvice } from './command.ts';
import type { ModelCommand } from './command.ts';
import { readJson } from './train.ts';

const OPTIONS = {
  data: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' }, space: { type: 'string' }, config: { type: 'string' }, model: { type: 'string' }, resume: { type: 'string' },
  strategy: { type: 'string' }, trials: { type: 'string' }, parallel: { type: 'string' }, seed: { type: 'string' },
  metric: { type: 'string' }, folds: { type: 'string' }, 'no-pruning': { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof readOptions<typeof OPTIONS>>['values'];

export const tuneCommand: ModelCommand = {
  help: `Usage: copresence model tune --data <folder> [options]
       copresence model tune --data <folder> --resume <tuning folder>

  --space <file>       JSON: what may change, and between which values; of a small network when left out
  --config <file>      JSON with the fields that stay, as for train; --model <family> for the family alone
  --strategy <name>    ${STRATEGIES.join(', ')}; bayesian when left out
  --trials <n>         ${MAX_TRIALS} at most; 20 when left out
  --parallel <n>       trials at a time, each in a process; as many as there are cores, 4 at most, when left out. With 1 the same seed
                       gives the same trials
  --metric <name>      ${TUNING_METRICS.join(', ')}; macro-f1 when left out. Of tracks: huber, the negative loss
  --folds <n>          score by folds over the training and validation parts, 3 to ${MAX_FOLDS}; without it the validation part decides
  --no-pruning         let every trial come to its end
  --seed <n>, --name <name>, --out <folder>   as for train; tunings/<name>-<n>

  Nothing here looks at the test part. The folder holds tuning.json, trials.jsonl, tuning.html, and run/, a training run with the best
  configuration. What was interrupted goes on with --resume.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    if (values.resume !== undefined) refuseWithResume(values, ['data', 'parallel']);
    const datasetFolder = required('data', values.data);
    const bar = progressBar();
    const signal = interruption();
    const asked = values.resume === undefined ? readAsked(values, datasetFolder) : readTuning(values.resume);
    const outFolder = values.resume ?? values.out ?? nextFolder(asked.name);
    const request = {
      datasetFolder, outFolder, clock: systemClock(), signal, onProgress: bar.tell,
      parallel: values.parallel === undefined ? Math.min(4, availableParallelism()) : wholeNumber('parallel', values.parallel, 1),
      onTrial: (trial: Trial, all: readonly Trial[]): void => bar.tell({ stage: 'trials', done: all.length, total: asked.trials, detail: tellOf(trial, all) }),
    };
    bar.tell({ stage: 'trials', done: 0, total: asked.trials });
    const running = values.resume === undefined ? tune({ ...request, asked }) : resumeTuning(request);
    const { trials, best, runFolder } = await running.finally(() => bar.stop())
      .catch(withAdvice(signal, () => `go on with: copresence model tune --data ${datasetFolder} --resume ${outFolder}`));
    console.table(trials.map(({ number, state, score, values: own, steps }) => ({
      trial: number, score: score === undefined ? '' : scoreText(score), '': number === best.number ? 'best' : state === 'done' ? '' : state, ...Object.fromEntries(Object.entries(own).map(([field, value]) => [field, valueText(value)])), steps: steps.length,
    })));
    console.log(`wrote ${outFolder}; open ${join(outFolder, TUNING_FILES.page)}, and the best model's ${join(runFolder, 'card.html')}`);
    return EXIT.ok;
  },
};

function readAsked(values: Values, datasetFolder: string): TuneRequest['asked'] {
  const { layout, name: dataName } = readDescription(datasetFolder);
  const isTracks = layout.kind === 'track';
  const base = readTrainingConfig({ ...withPredictionDefaults(values.config === undefined ? {} : readJson(values.config), layout.kind), ...(values.model === undefined ? {} : { family: values.model }), ...(values.seed === undefined ? {} : { seed: wholeNumber('seed', values.seed) }) });
  const folds = values.folds === undefined ? undefined : wholeNumber('folds', values.folds, 3);
  const trials = wholeNumber('trials', values.trials ?? '20', 1);
  if (trials > MAX_TRIALS) throw new CopresenceError('CONFIG_INVALID', `--trials ${trials} is more than ${MAX_TRIALS}`);
  if (folds !== undefined && folds > MAX_FOLDS) throw new CopresenceError('CONFIG_INVALID', `--folds ${folds} is more than ${MAX_FOLDS}`);
  const name = values.name ?? dataName;
  checkModelName(name);
  return {
    name, base, trials, seed: base.seed,
    space: readSearchSpace(values.space === undefined ? (isTracks ? TRACK_SPACE : DEFAULT_SPACE) : readJson(values.space), base),
    strategy: oneOf('strategy', values.strategy ?? 'bayesian', STRATEGIES), metric: oneOf('metric', values.metric ?? (isTracks ? 'huber' : 'macro-f1'), [...TUNING_METRICS, 'huber']),
    ...(folds === undefined ? {} : { folds }),
    // A fold is far more to go by than an epoch.
    ...(values['no-pruning'] ? {} : { pruning: folds === undefined ? DEFAULT_PRUNING : { ...DEFAULT_PRUNING, warmUpSteps: 1 } }),
  };
}

function oneOf<const Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new CopresenceError('CONFIG_INVALID', `--${option} ${value} is none of ${names.join(', ')}`);
  return found;
}

function tellOf({ number, state, score }: Trial, all: readonly Trial[]): string {
  const done = all.filter((own) => own.state === 'done').map((own) => own.score ?? 0);
  return `trial ${number} ${state}${score === undefined ? '' : ` ${scoreText(score)}`}${done.length === 0 ? '' : `, best ${scoreText(Math.max(...done))}`}`;
}

function nextFolder(name: string): string {
  for (let number = 1; ; number++) {
    const folder = join('tunings', `${name}-${number}`);
    if (!existsSync(folder)) return folder;
  }
}
