/** Sums of weighted trees: single trees, random forests and AdaBoost, and their one ONNX operation. */
import { CopresenceError } from '../../core/errors.ts';
import { randomInt, seededRandom } from '../../core/random.ts';
import type { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { classCounts } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';
import { balancedWeights, bestClasses } from './classifier.ts';
import type { Classifier } from './classifier.ts';
import { binTable, growTree, leafOf } from './tree.ts';
import type { Tree, TreeOptions } from './tree.ts';

/** A tree and what each of its leaves adds to each class, [nodes] [classCount]; empty at inner nodes. */
export interface VotingTree {
  readonly tree: Tree;
  readonly votes: readonly (readonly number[])[];
}

export interface TreeEnsemble {
  readonly classCount: number;
  /** Columns of a row. */
  readonly size: number;
  /** The votes of all trees for a row sum to 1 over the classes. */
  readonly trees: readonly VotingTree[];
}

export interface ForestOptions {
  readonly seed: number;
  readonly trees: number;
  readonly maxDepth: number;
  readonly minLeafRows: number;
  readonly classWeights: 'balanced' | 'none';
  readonly onTree?: (done: number) => void;
}

/** A random forest (Breiman 2001): each tree from a bootstrap of the rows, each split from the square root of the columns. */
export function fitForest(table: Table, options: ForestOptions): TreeEnsemble {
  const binned = binTable(table);
  const random = seededRandom(options.seed);
  const weights = classWeightOfRows(table, options.classWeights);
  const size = table.width * table.steps;
  const tree: TreeOptions = { ...options, columnsPerSplit: Math.max(1, Math.round(Math.sqrt(size))) };
  const trees = Array.from({ length: options.trees }, (_, index) => {
    const rows = Array.from({ length: table.count }, () => randomInt(random, table.count));
    const grown = growTree(binned, rows, weights, tree, random);
    options.onTree?.(index + 1);
    return { tree: grown, votes: grown.shares.map((shares) => shares.map((share) => share / options.trees)) };
  });
  return { classCount: table.classCount, size, trees };
}

export interface BoostingOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly maxDepth: number;
  readonly onTree?: (done: number) => void;
}

/** What one round of boosting came to. */
export interface BoostingRound {
  /** The weighted share of rows that its tree has wrong. */
  readonly error: number;
  /** log((1 - error) / error) + log(classes - 1): twice Freund and Schapire's alpha for two classes. */
  readonly alpha: number;
}

/**
 * AdaBoost for several classes (SAMME: Zhu, Zou, Rosset and Hastie 2009, "Multi-class AdaBoost", algorithm 2). Ends early at a
 * tree without errors, or one no better than chance.
 *
 * @throws CopresenceError TRAINING_FAILED when not even the first tree is better than chance.
 */
export function fitAdaBoost(table: Table, options: BoostingOptions): { readonly ensemble: TreeEnsemble; readonly rounds: readonly BoostingRound[] } {
  const binned = binTable(table);
  const random = seededRandom(options.seed);
  const size = table.width * table.steps;
  const weights = new Float64Array(table.count).fill(1 / table.count);
  const rows = Array.from({ length: table.count }, (_, row) => row);
  const rounds: (BoostingRound & { readonly tree: Tree })[] = [];
  while (rounds.length < options.rounds) {
    const tree = growTree(binned, rows, weights, { maxDepth: options.maxDepth, minLeafRows: 1, columnsPerSplit: size }, random);
    const wrong = rows.map((row) => bestShare(tree, table.features, row * size) !== table.classes[row]);
    const error = rows.reduce((sum, row) => sum + (wrong[row] ? weights[row]! : 0), 0);
    if (error >= 1 - 1 / table.classCount) break;
    // A tree without errors would have a weight without bound.
    const alpha = Math.log((1 - Math.max(error, 1e-10)) / Math.max(error, 1e-10)) + Math.log(table.classCount - 1);
    rounds.push({ tree, error, alpha });
    options.onTree?.(rounds.length);
    if (error < 1e-10) break;
    for (const row of rows) if (wrong[row]) weights[row]! *= Math.exp(alpha);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const row of rows) weights[row]! /= total;
  }
  if (rounds.length === 0) throw new CopresenceError('TRAINING_FAILED', 'no tree is better than chance on these features');
  const alphas = rounds.reduce((sum, { alpha }) => sum + alpha, 0);
  const trees = rounds.map(({ tree, alpha }) => ({
    tree,
    votes: tree.shares.map((shares) => shares.map((_, label) => (label === indexOfBest(shares) ? alpha / alphas : 0))),
  }));
  return { ensemble: { classCount: table.classCount, size, trees }, rounds: rounds.map(({ error, alpha }) => ({ error, alpha })) };
}

function bestShare(tree: Tree, features: Float32Array, offset: number): number {
  return indexOfBest(tree.shares[leafOf(tree, features, offset)] ?? []);
}

function indexOfBest(shares: readonly number[]): number {
  return bestClasses(Float32Array.from(shares), Math.max(1, shares.length))[0] ?? -1;
}

function classWeightOfRows(table: Table, kind: 'balanced' | 'none'): Float64Array {
  const weights = balancedWeights(classCounts(table));
  return Float64Array.from(table.classes, (label) => (kind === 'balanced' ? weights[label]! : 1));
}

export function treeClassifier(ensemble: TreeEnsemble): Classifier {
  const { classCount, size, trees } = ensemble;
  return {
    classCount,
    predict(features, count) {
      const result = new Float32Array(count * classCount);
      for (let row = 0; row < count; row++) {
        const sums = new Float64Array(classCount);
        for (const { tree, votes } of trees) votes[leafOf(tree, features, row * size)]!.forEach((vote, label) => (sums[label]! += vote));
        result.set(sums, row * classCount);
      }
      return result;
    },
    addTo: (graph, input, outputName) => addTrees(graph, ensemble, input, outputName),
  };
}

/** All trees are one operation: a regressor with a target for each class, whose leaves add their votes. */
function addTrees(graph: GraphBuilder, { trees, classCount }: TreeEnsemble, input: string, outputName?: string): string {
  const nodes = trees.flatMap(({ tree }, treeId) => tree.columns.map((column, node) => ({ treeId, node, column, tree })));
  const leaves = trees.flatMap(({ votes }, treeId) => votes.flatMap((own, node) => own.map((weight, target) => ({ treeId, node, target, weight }))));
  return graph.mlOp('TreeEnsembleRegressor', [input], {
    n_targets: classCount,
    aggregate_function: 'SUM',
    post_transform: 'NONE',
    nodes_treeids: nodes.map(({ treeId }) => treeId),
    nodes_nodeids: nodes.map(({ node }) => node),
    nodes_featureids: nodes.map(({ column }) => Math.max(0, column)),
    nodes_values: { floats: nodes.map(({ tree, node }) => tree.thresholds[node]!) },
    nodes_modes: { strings: nodes.map(({ column }) => (column < 0 ? 'LEAF' : 'BRANCH_LEQ')) },
    nodes_truenodeids: nodes.map(({ tree, node }) => Math.max(0, tree.left[node]!)),
    nodes_falsenodeids: nodes.map(({ tree, node }) => Math.max(0, tree.right[node]!)),
    nodes_missing_value_tracks_true: nodes.map(() => 0),
    nodes_hitrates: { floats: nodes.map(() => 1) },
    target_treeids: leaves.map(({ treeId }) => treeId),
    target_nodeids: leaves.map(({ node }) => node),
    target_ids: leaves.map(({ target }) => target),
    target_weights: { floats: leaves.map(({ weight }) => weight) },
  }, outputName);
}
