/** Trains on what is left of a network after weights or units were taken out. */
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { fitNetwork } from '../models/fit-network.ts';
import type { ClassifierFitOptions, EpochFigures, FitState } from '../models/fit-network.ts';
import type { FitData } from '../models/fit.ts';
import type { Network } from '../models/network.ts';
import { applyMasks, copyNetwork, cubicSparsity, magnitudeMasks, narrowNetwork } from './prune.ts';
import type { Masks, PruningScope } from './prune.ts';

export interface FineTuning {
  /** Of the run that made the network. */
  readonly fit: ClassifierFitOptions;
  readonly epochs: number;
  readonly onEpoch: (figures: EpochFigures) => void;
}

/** Of the rate that the network was trained with: it is near its goal, and a large step would undo what it knows. */
const RATE_SHARE = 0.25;

/**
 * A copy in which `sparsity` of the weights are 0. Through the first half of the epochs ever more are taken out; through
 * the second those that are out stay out, and the epoch with the lowest validation loss is kept.
 */
export async function pruneNetwork(
  tf: Tensorflow, network: Network, data: FitData, { sparsity, scope, ...tuning }: FineTuning & { readonly sparsity: number; readonly scope: PruningScope },
): Promise<Network> {
  const own = copyNetwork(network);
  const ramp = Math.ceil(tuning.epochs / 2);
  let state: FitState | undefined;
  for (let epoch = 1; epoch <= ramp; epoch++) {
    const masks = magnitudeMasks(own, cubicSparsity(epoch, { steps: ramp, final: sparsity }), scope);
    // The last one of the ramp goes on to the end.
    state = await tune(tf, own, data, { ...tuning, masks, state, until: epoch === ramp ? tuning.epochs : epoch });
  }
  return own;
}

/** A copy with `share` of the hidden units, trained on for `epochs`. */
export async function narrowAndTune(tf: Tensorflow, network: Network, data: FitData, { share, ...tuning }: FineTuning & { readonly share: number }): Promise<Network> {
  const own = narrowNetwork(network, share);
  await tune(tf, own, data, { ...tuning, until: tuning.epochs });
  return own;
}

interface Stretch extends FineTuning {
  readonly masks?: Masks;
  readonly state?: FitState | undefined;
  /** The last epoch. */
  readonly until: number;
}

function tune(tf: Tensorflow, network: Network, data: FitData, { fit, masks, state, until, onEpoch }: Stretch): Promise<FitState> {
  const constrain = (): void => masks && applyMasks(network, masks);
  constrain();
  const weights = network.layers.flatMap((layer) => layer.weights.map(({ values }) => values.slice()));
  // What was best with more weights is no rival: the search for the best begins anew with each mask.
  const resume = state && { ...state, best: { epoch: state.epoch, validationLoss: Number.POSITIVE_INFINITY, weights } };
  return fitNetwork(tf, {
    network, train: data.train, validation: data.validation, constrain,
    ...(resume === undefined ? {} : { resume }),
    onEpoch: (figures) => Promise.resolve(onEpoch(figures)),
  }, { ...fit, maxEpochs: until, schedule: 'constant', learningRate: fit.learningRate * RATE_SHARE });
}
