/** `copresence model train`: trains, measures and exports one model. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { whyNot } from '../../core/system-error.ts';
import { openDataset } from '../dataset/store.ts';
import { withPredictionDefaults } from '../prediction/config.ts';
import type { PredictorMetrics } from '../prediction/metrics.ts';
import { checkModelName, FAMILIES, readTrainingConfig } from '../run/config.ts';
import type { TrainingConfig } from '../run/config.ts';
import { readRun, RUN_FILES } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import type { RunMetrics } from '../run/metrics.ts';
import type { TrainRequest } from '../run/train-run.ts';
import { EXIT, interruption, progressBar, readOptions, refuseWithResume, required, wholeNumber, withAdvice } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  data: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' }, model: { type: 'string' }, seed: { type: 'string' },
  config: { type: 'string' }, resume: { type: 'string' }, from: { type: 'string' }, teacher: { type: 'string' }, temperature: { type: 'string' }, 'teacher-weight': { type: 'string' }, smote: { type: 'boolean', default: false }, augment: { type: 'string' },
} as const;

/** What moves a hand about as people and trackers do. */
const HAND_AUGMENTATION = { mirror: true, rotateDegrees: 180, scale: 0.15, timeWarp: 0.15, noise: 0.003, jointDropout: 0.02 };
const COLUMN_AUGMENTATION = { noise: 0.05 };
/** No mirror image: which label that would be only `mirrored` of a configuration says. */
const PATH_AUGMENTATION = { rotateDegrees: 15, slant: 0.4, scale: 0.15, timeWarp: 0.15, noise: 0.002, jointDropout: 0.1 };
const AUGMENTATIONS = { columns: COLUMN_AUGMENTATION, hand: HAND_AUGMENTATION, text: {}, path: PATH_AUGMENTATION, track: {} };

export const train: ModelCommand = {
  help: `Usage: copresence model train --data <folder> [options]
       copresence model train --data <folder> --resume <run folder>

  --model <family>     ${FAMILIES.join(', ')}; mlp when left out
  --out <folder>       of the run; runs/<name>-<n> when left out
  --name <name>        of the model; the data set's when left out
  --seed <n>           the same data, configuration and seed give the same model; 7 when left out
  --smote              as many training rows for every label, with rows between neighbours
  --augment <n>        n further training samples of each, turned, scaled, warped, with noise
  --from <run>         begins with the weights of a finished run, layer by layer and label by label where they fit; again with --resume
  --teacher <run>      a finished run on the same data: the network learns its probabilities too (distillation); again with --resume
  --temperature <n>    by which they are softened, from 1 up; 3 when left out
  --teacher-weight <n> its share of the loss, 0 to 1; 0.7 when left out
  --config <file>      JSON with any of the fields that run.json shows under "config"

  A data set of tracks (collect --tracks) gives a model that predicts movements; of the models linear, mlp, gru and tcn can.

  The run's folder holds model.onnx, manifest.json, card.html, metrics.json, cleaning.json, run.json, and of networks weights.h5
  and history.jsonl. What was interrupted goes on with --resume, with the same result.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    if (values.resume !== undefined) refuseWithResume(values, ['data', 'from', 'teacher']);
    const datasetFolder = required('data', values.data);
    const { description } = openDataset(datasetFolder);
    const resumed = values.resume === undefined ? undefined : readRun(values.resume);
    const augmentation = AUGMENTATIONS[description.layout.kind];
    const config = resumed?.config ?? readConfig(values, description.layout.kind, augmentation);
    const name = resumed?.name ?? values.name ?? description.name;
    const runFolder = values.resume ?? values.out ?? nextRunFolder(name);
    checkModelName(name);
    const bar = progressBar();
    const signal = interruption();
    const request = { datasetFolder, runFolder, name, config, resume: resumed !== undefined, teacherFolder: values.teacher, startFolder: values.from };
    const run = <Result>(job: Promise<Result>): Promise<Result> => job.finally(() => bar.stop())
      .catch(withAdvice(signal, () => (existsSync(join(runFolder, RUN_FILES.run)) ? `go on with: copresence model train ${resumption(request)}` : 'nothing was written')));
    if (description.layout.kind === 'track') printPredictor(await run(runJob('predictor', request, { onProgress: bar.tell, signal })));
    else printMetrics(config, await run(runJob('train', request, { onProgress: bar.tell, signal })));
    printStart(runFolder);
    console.log(`wrote ${runFolder}; open ${join(runFolder, RUN_FILES.card)}`);
    return EXIT.ok;
  },
};

type Values = ReturnType<typeof readOptions<typeof OPTIONS>>['values'];

function readConfig(values: Values, kind: string, augmentation: Partial<TrainingConfig['augmentation']>): TrainingConfig {
  const given = values.config === undefined ? {} : readJson(values.config);
  if (kind === 'track' && (values.smote || values.augment !== undefined)) throw new CopresenceError('CONFIG_INVALID', '--smote and --augment do not go with tracks, which are played at several speeds and in turned axes anyway');
  const base = withPredictionDefaults(given, kind);
  const copies = values.augment === undefined ? undefined : wholeNumber('augment', values.augment);
  const distillation = { ...numberOption('temperature', values.temperature), ...numberOption('weight', values['teacher-weight']) };
  return readTrainingConfig({
    ...base,
    ...(Object.keys(distillation).length === 0 ? {} : { distillation }),
    ...(values.model === undefined ? {} : { family: values.model }),
    ...(values.seed === undefined ? {} : { seed: wholeNumber('seed', values.seed) }),
    ...(values.smote ? { smote: true } : {}),
    ...(copies === undefined ? {} : { augmentation: { ...augmentation, ...(base['augmentation'] as object | undefined), copies } }),
  });
}

/** The schema says whether it is a number that fits. */
function numberOption(name: string, text: string | undefined): Record<string, number> {
  return text === undefined ? {} : { [name]: text.trim() === '' ? Number.NaN : Number(text) };
}

/** @throws CopresenceError CONFIG_INVALID when it is no JSON object. */
export function readJson(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', `${path} cannot be read as JSON: ${whyNot(cause)}`, { cause });
  }
  throw new CopresenceError('CONFIG_INVALID', `${path} holds no JSON object`);
}

/** Teacher and start are named again, since a run's folder holds their digests and not where they lie. */
function resumption({ datasetFolder, runFolder, teacherFolder, startFolder }: TrainRequest): string {
  const words = { '--data': datasetFolder, '--resume': runFolder, '--teacher': teacherFolder, '--from': startFolder };
  return Object.entries(words).flatMap(([option, value]) => (value === undefined ? [] : [option, value])).join(' ');
}

function printStart(runFolder: string): void {
  const { start } = readRun(runFolder).lineage;
  if (start === undefined) return;
  console.log(`begun with ${start.name}: ${start.carried.join(', ')}${start.fresh.length === 0 ? '' : `; new: ${start.fresh.join('; ')}`}`);
  if (start.overlap === 'unknown') console.log('it learnt from another version of the data, maybe from samples that now measure this run');
}

function nextRunFolder(name: string): string {
  for (let run = 1; ; run++) {
    const folder = join('runs', `${name}-${run}`);
    if (!existsSync(folder)) return folder;
  }
}

function printMetrics({ family }: TrainingConfig, { test, baselines, latency, bytes, counts, parity }: RunMetrics): void {
  const row = (name: string, accuracy: number, macroF1: number): Record<string, string> => ({ model: name, accuracy: accuracy.toFixed(4), 'macro F1': macroF1.toFixed(4) });
  console.table([row(`${family} (this)`, test.classification.accuracy, test.classification.macroF1), ...baselines.map((own) => row(own.family, own.accuracy, own.macroF1))]);
  const [low, high] = test.accuracyInterval;
  console.log(`${counts.test} test samples: accuracy 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}, calibration error ${test.calibrationError.toFixed(4)}`);
  console.log(`${bytes} bytes, ${latency.medianMs.toFixed(3)} ms a sample (median), graph within ${parity.toExponential(1)} of training`);
}

/** By part and horizon, each error as position in mm and angle in degrees, root mean square. */
function printPredictor({ test, latency, bytes, counts, parity }: PredictorMetrics): void {
  console.table(test.figures.map(({ part, horizonMs, predictor, position, angle }) => ({ part, ahead: `${horizonMs} ms`, predictor, 'RMSE, mm': position?.rmse.toFixed(1), '95 %, mm': position?.p95.toFixed(1), 'RMSE, degrees': angle.rmse.toFixed(2), '95 %, degrees': angle.p95.toFixed(2) })));
  console.table(test.comparisons.filter(({ against }) => against === 'kalman').map(({ part, horizonMs, quantity, ratio, interval, recordings, lower }) => ({
    part, ahead: `${horizonMs} ms`, of: quantity, 'over the Kalman filter': ratio.toFixed(3), '95 %': interval?.map((value) => value.toFixed(3)).join(' to ') ?? '', nearer: `${lower} of ${recordings} recordings`,
  })));
  console.log(`${counts.test} test tracks; ${bytes} bytes, ${latency.medianMs.toFixed(3)} ms for one part (median), graph within ${parity.toExponential(1)} of training`);
}
