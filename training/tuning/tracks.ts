/** Tunings of models that predict movements: what is tried and scored, and what does not go. */
import { CopresenceError } from '../../core/errors.ts';
import { checkPredictingFamily } from '../prediction/fit.ts';
import type { TuningDescription } from './folder.ts';
import type { SearchSpace } from './space.ts';

/** For whoever gives no file. Labels are not smoothed where there are none, and what a prediction adds is a sum of small parts: no dropout. */
export const TRACK_SPACE: SearchSpace = {
  format: 'copresence.space.v1',
  parameters: {
    'network.hidden': { kind: 'choice', values: [[32], [64, 32], [128, 64]] },
    'network.learningRate': { kind: 'float', low: 3e-4, high: 3e-2, scale: 'log' },
    'network.batchSize': { kind: 'int', low: 64, high: 512, scale: 'log' },
    'network.weightDecay': { kind: 'float', low: 1e-5, high: 0.1, scale: 'log' },
  },
};

/** The rest of a configuration is of labels, or decides on which moments a network is judged. */
const FIELDS = ['family', ...['hidden', 'maxEpochs', 'patience', 'batchSize', 'learningRate', 'schedule', 'dropout', 'weightDecay'].map((own) => `network.${own}`)];

/** @throws CopresenceError CONFIG_INVALID where a data set and what is asked of it do not go together. */
export function checkTuning(kind: string, { base, space, metric }: Pick<TuningDescription, 'base' | 'space' | 'metric'>): void {
  if (kind !== 'track') {
    if (metric === 'huber') throw new CopresenceError('CONFIG_INVALID', 'the metric huber is of tracks; a data set with labels has others');
    return;
  }
  if (metric !== 'huber') throw new CopresenceError('CONFIG_INVALID', `the metric ${metric} is of labels; tracks have huber`);
  const foreign = Object.keys(space.parameters).find((field) => !FIELDS.includes(field));
  if (foreign !== undefined) throw new CopresenceError('CONFIG_INVALID', `${foreign} cannot be tuned on tracks; ${FIELDS.join(', ')} can`);
  const family = space.parameters['family'];
  for (const own of family?.kind === 'choice' ? family.values : [base.family]) checkPredictingFamily(String(own));
}
