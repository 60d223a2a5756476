/** Trains a model of any family. */
import { CopresenceError } from '../../core/errors.ts';
import { randomInt, seededRandom, shuffle } from '../../core/random.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { classCounts, takeRows } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';
import type { SingleFamily, TrainingConfig } from '../run/config.ts';
import type { Classifier } from './classifier.ts';
import type { Teaching } from './distil.ts';
import { joinProbabilities, stackingClassifier, votingClassifier } from './ensembles.ts';
import { fitNetwork } from './fit-network.ts';
import type { EpochFigures, FitState } from './fit-network.ts';
import { fitNaiveBayes, naiveBayesClassifier } from './naive-bayes.ts';
import { createNetwork, networkClassifier } from './network.ts';
import type { Network } from './network.ts';
import { fitTemperature, scaleLogits } from './temperature.ts';
import { fitAdaBoost, fitForest, treeClassifier } from './tree-ensemble.ts';

export interface FitProgress {
  /** What is being trained: a family, or a member of an ensemble. */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly epoch?: EpochFigures;
  /** What else there is to say. */
  readonly detail?: string;
}

export interface FitHooks {
  readonly onProgress?: (progress: FitProgress) => void;
  /** For a network alone: after each epoch, to save what it needs to go on, or to end it. */
  readonly onEpoch?: (figures: EpochFigures, network: Network, state: FitState) => Promise<'stop' | undefined | void>;
  /** For a network alone: with which to begin, trained in place; one with random weights when left out. */
  readonly network?: Network | undefined;
  /** For a network alone: from where to go on. */
  readonly resume?: { readonly network: Network; readonly state: FitState };
}

export interface FitData {
  readonly train: Table;
  /** Decides when a network ends; trees and naive Bayes do not look at it. */
  readonly validation: Table;
  /** For a network alone. */
  readonly teaching?: Teaching | undefined;
}

/** A trained model; networks also with their weights and history. */
export interface FittedModel {
  readonly classifier: Classifier;
  readonly network?: Network;
  readonly history?: readonly EpochFigures[];
}

interface Fitting {
  readonly tf: Tensorflow;
  readonly config: TrainingConfig;
  readonly hooks: FitHooks;
}

/** @throws CopresenceError TRAINING_FAILED when there is nothing to tell apart, or the training diverges. */
export async function fitModel(tf: Tensorflow, config: TrainingConfig, data: FitData, hooks: FitHooks = {}): Promise<FittedModel> {
  if (classCounts(data.train).filter((count) => count > 0).length < 2) {
    throw new CopresenceError('TRAINING_FAILED', 'the training rows are all of one class');
  }
  const fitting = { tf, config, hooks };
  switch (config.family) {
    case 'bagging':
      return bagging(fitting, data);
    case 'voting':
      return { classifier: votingClassifier(await fitMembers(fitting, data, config.ensemble.members, '')) };
    case 'stacking':
      return stacking(fitting, data);
    default:
      return fitSingle(fitting, config.family, data, config.seed);
  }
}

async function fitSingle({ tf, config, hooks }: Fitting, family: SingleFamily, data: FitData, seed: number, stage: string = family): Promise<FittedModel> {
  const tell = (total: number) => (done: number): void => hooks.onProgress?.({ stage, done, total });
  switch (family) {
    case 'naive-bayes':
      return { classifier: naiveBayesClassifier(fitNaiveBayes(data.train)) };
    case 'random-forest': {
      const { count, maxDepth, minLeafRows } = config.trees;
      const options = { seed, trees: count, maxDepth, minLeafRows, classWeights: config.network.classWeights, onTree: tell(count) };
      return { classifier: treeClassifier(fitForest(data.train, options)) };
    }
    case 'adaboost': {
      const { count, boostingDepth } = config.trees;
      return { classifier: treeClassifier(fitAdaBoost(data.train, { seed, rounds: count, maxDepth: boostingDepth, onTree: tell(count) }).ensemble) };
    }
    default: {
      if ((family === 'gru' || family === 'tcn') && data.train.steps < 2) {
        throw new CopresenceError('CONFIG_INVALID', `a ${family} needs sequences; these samples have one step`);
      }
      const network = hooks.resume?.network ?? hooks.network ?? createNetwork({ family, hidden: config.network.hidden }, data.train, seed);
      const { history } = await fitNetwork(tf, {
        network, ...data,
        ...(hooks.resume === undefined ? {} : { resume: hooks.resume.state }),
        onEpoch: (figures, state) => {
          hooks.onProgress?.({ stage, done: figures.epoch, total: config.network.maxEpochs, epoch: figures });
          return hooks.onEpoch?.(figures, network, state) ?? Promise.resolve(undefined);
        },
      }, { ...config.network, seed });
      const classifier = networkClassifier(tf, network);
      if (config.network.calibrate) {
        const { features, classes, count, classCount } = data.validation;
        scaleLogits(network, fitTemperature(classifier.predict(features, count), classes, classCount));
      }
      return { classifier, network, history };
    }
  }
}

/** Members do not save their epochs: an ensemble that was cut off begins anew. */
function withoutSaving({ tf, config, hooks }: Fitting): Fitting {
  return { tf, config, hooks: hooks.onProgress === undefined ? {} : { onProgress: hooks.onProgress } };
}

async function fitMembers(fitting: Fitting, data: FitData, families: readonly SingleFamily[], prefix: string): Promise<Classifier[]> {
  const members: Classifier[] = [];
  for (const [index, family] of families.entries()) {
    const { classifier } = await fitSingle(withoutSaving(fitting), family, data, fitting.config.seed + index, `${prefix}${family}`);
    members.push(classifier);
  }
  return members;
}

/** Bagging (Breiman 1996): equal models of different bootstraps. */
async function bagging(fitting: Fitting, data: FitData): Promise<FittedModel> {
  const { ensemble: { members: [family = 'mlp'], bags }, seed } = fitting.config;
  const random = seededRandom(seed);
  const members: Classifier[] = [];
  for (let bag = 0; bag < bags; bag++) {
    const train = takeRows(data.train, Array.from({ length: data.train.count }, () => randomInt(random, data.train.count)));
    members.push((await fitSingle(withoutSaving(fitting), family, { ...data, train }, seed + bag, `bag ${bag + 1} of ${bags}`)).classifier);
  }
  return { classifier: votingClassifier(members) };
}

/** The judge learns from predictions for rows that the members have not learnt; the members that stay learn from all rows. */
async function stacking(fitting: Fitting, data: FitData): Promise<FittedModel> {
  const { config } = fitting;
  const { members: families, folds } = config.ensemble;
  const order = shuffle(seededRandom(config.seed), Array.from({ length: data.train.count }, (_, row) => row));
  const foldOf = new Int32Array(data.train.count);
  order.forEach((row, place) => (foldOf[row] = place % folds));
  const width = families.length * data.train.classCount;
  const judged = new Float32Array(data.train.count * width);
  for (let fold = 0; fold < folds; fold++) {
    const held = order.filter((row) => foldOf[row] === fold);
    const train = takeRows(data.train, order.filter((row) => foldOf[row] !== fold));
    const out = takeRows(data.train, held);
    const parts = (await fitMembers(fitting, { ...data, train }, families, `fold ${fold + 1} of ${folds}: `)).map((member) => member.predict(out.features, out.count));
    const joined = joinProbabilities(parts, out.count);
    held.forEach((row, at) => judged.set(joined.subarray(at * width, (at + 1) * width), row * width));
  }
  const members = await fitMembers(fitting, data, families, '');
  const judgeTable = (features: Float32Array, from: Table): Table => ({ ...from, features, width, steps: 1 });
  const seen = joinProbabilities(members.map((member) => member.predict(data.validation.features, data.validation.count)), data.validation.count);
  const judge = await fitSingle(withoutSaving(fitting), 'linear', { train: judgeTable(judged, data.train), validation: judgeTable(seen, data.validation) }, config.seed, 'judge');
  return { classifier: stackingClassifier(members, judge.classifier) };
}

