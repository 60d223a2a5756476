/** `copresence model cross-validate`: measures a configuration on every participant, by folds. */
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { readDescription } from '../dataset/store.ts';
import { MAX_FOLDS } from '../evaluate/intervals.ts';
import type { FoldMean } from '../evaluate/intervals.ts';
import { withPredictionDefaults } from '../prediction/config.ts';
import { readTrainingConfig } from '../run/config.ts';
import { RUN_FILES } from '../run/folder.ts';
import { runJob } from '../run/job.ts';
import { EXIT, interruption, progressBar, readOptions, required, wholeNumber, withAdvice } from './command.ts';
import type { ModelCommand } from './command.ts';
import { readJson } from './train.ts';

const OPTIONS = { data: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' }, model: { type: 'string' }, seed: { type: 'string' }, config: { type: 'string' }, folds: { type: 'string', default: '5' } } as const;

export const crossValidateCommand: ModelCommand = {
  help: `Usage: copresence model cross-validate --data <folder> --out <folder> [options]

  --folds <n>          3 to ${MAX_FOLDS}; 5 when left out
  --model, --seed, --config, --name   as for train

  Deals the participants to folds with the labels in like shares, trains as often as there are folds, and judges each participant by the
  model that has not learnt from it. Writes metrics.json and card.html, with 95 % intervals; makes no model. Of tracks the figures are errors over those of the straight line and of the SDK's filter.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const datasetFolder = required('data', values.data);
    const outFolder = required('out', values.out);
    const folds = wholeNumber('folds', values.folds, 3);
    if (folds > MAX_FOLDS) throw new CopresenceError('CONFIG_INVALID', `--folds ${folds} is more than ${MAX_FOLDS}`);
    const { layout, name: dataName } = readDescription(datasetFolder);
    const config = readTrainingConfig({
      ...withPredictionDefaults(values.config === undefined ? {} : readJson(values.config), layout.kind),
      ...(values.model === undefined ? {} : { family: values.model }),
      ...(values.seed === undefined ? {} : { seed: wholeNumber('seed', values.seed) }),
    });
    const bar = progressBar();
    const signal = interruption();
    const request = { datasetFolder, outFolder, name: values.name ?? dataName, config, folds };
    const run = <Result>(job: Promise<Result>): Promise<Result> => job.finally(() => bar.stop()).catch(withAdvice(signal, () => 'nothing was written'));
    const row = ({ mean, interval, deviation }: FoldMean): object => ({ mean: mean.toFixed(4), '95 % interval': interval.map((end) => end.toFixed(4)).join(' to '), 'between folds': deviation.toFixed(4) });
    if (layout.kind === 'track') {
      const { overLine, overKalman } = await run(runJob('crossValidatePredictor', request, { onProgress: bar.tell, signal }));
      console.table({ 'error over the straight line': row(overLine), 'error over the Kalman filter': row(overKalman) });
    } else {
      const { accuracy, macroF1, calibrationError } = await run(runJob('crossValidate', request, { onProgress: bar.tell, signal }));
      console.table({ accuracy: row(accuracy), 'macro F1': row(macroF1), 'calibration error': row(calibrationError) });
    }
    console.log(`wrote ${outFolder}; open ${join(outFolder, RUN_FILES.card)}`);
    return EXIT.ok;
  },
};
