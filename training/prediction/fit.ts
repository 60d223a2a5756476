/** Fits a network to tracks. */
import { CopresenceError } from '../../core/errors.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import type { FitHooks } from '../models/fit.ts';
import { fitRows } from '../models/fit-network.ts';
import type { EpochFigures } from '../models/fit-network.ts';
import { createNetwork } from '../models/network.ts';
import type { Network } from '../models/network.ts';
import { NETWORK_FAMILIES } from '../run/config.ts';
import type { TrainingConfig } from '../run/config.ts';
import type { PredictionConfig } from './config.ts';
import { huberObjective, motionRows } from './rows.ts';
import type { MotionRows } from './rows.ts';
import type { Track } from './windows.ts';

export interface PredictorFit {
  readonly train: readonly Track[];
  /** By which the epoch is chosen. */
  readonly validation: readonly Track[];
  readonly config: TrainingConfig;
  readonly prediction: PredictionConfig;
}

export interface FittedPredictor {
  readonly network: Network;
  readonly history: readonly EpochFigures[];
  /** How many rows were learnt from. */
  readonly rows: number;
}

/** @throws CopresenceError CONFIG_INVALID for a family that is no network. */
export function checkPredictingFamily(family: string): void {
  if (!NETWORK_FAMILIES.some((own) => own === family)) throw new CopresenceError('CONFIG_INVALID', `a ${family} cannot predict movements; ${NETWORK_FAMILIES.join(', ')} can`);
}

/** @throws CopresenceError TRAINING_FAILED as `fitRows`; DATASET_INVALID as `motionRows`. */
export async function fitPredictor(tf: Tensorflow, { train: learnt, validation: judged, config, prediction }: PredictorFit, hooks: FitHooks): Promise<FittedPredictor> {
  const { seed, network: options, family } = config;
  const train = motionRows(learnt, prediction, { seed, speeds: prediction.speeds, turnsAxes: true });
  const validation = judgedRows(judged, prediction, seed);
  const network = hooks.resume?.network ?? newNetwork(train, family, options.hidden, seed);
  const { history } = await fitRows(tf, {
    network, train, objective: huberObjective(train, validation, prediction.huberDelta),
    ...(hooks.resume === undefined ? {} : { resume: hooks.resume.state }),
    onEpoch: (figures, state) => {
      hooks.onProgress?.({ stage: family, done: figures.epoch, total: options.maxEpochs, epoch: figures });
      return hooks.onEpoch?.(figures, network, state) ?? Promise.resolve(undefined);
    },
  }, { ...options, seed });
  return { network, history, rows: train.count };
}

/** Rows by which a network is judged: as fast as people moved, in the axes of the room. */
export function judgedRows(tracks: readonly Track[], prediction: PredictionConfig, seed: number): MotionRows {
  return motionRows(tracks, prediction, { seed, speeds: [1], turnsAxes: false });
}

/** The first answers are small: what is not learnt yet is the straight line. */
const FIRST_OUTPUT_SHARE = 0.01;

function newNetwork(train: MotionRows, family: string, hidden: readonly number[], seed: number): Network {
  const own = NETWORK_FAMILIES.find((name) => name === family) ?? 'mlp';
  const network = createNetwork({ family: own, hidden }, { ...train, classCount: train.horizons }, seed);
  const [kernel] = network.layers.at(-1)?.weights ?? [];
  kernel?.values.forEach((value, at) => (kernel.values[at] = value * FIRST_OUTPUT_SHARE));
  return network;
}
