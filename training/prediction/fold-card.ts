/** The card of a cross-validation on tracks. */
import { escapeXml } from '../evaluate/confusion-svg.ts';
import type { FoldMean } from '../evaluate/intervals.ts';
import { htmlPage, table } from '../evaluate/page.ts';
import { comparisonTable, figureTable, groupTable } from './card.ts';
import type { PredictorCrossValidation } from './metrics.ts';

export function predictorFoldCard({ name, config, lineage, folds, overLine, overKalman, pooled }: PredictorCrossValidation): string {
  const { dataset, seed, commit, node, tensorflow, backend } = lineage;
  const row = (title: string, { mean, interval: [low, high], deviation }: FoldMean): string[] => [title, mean.toFixed(4), `${low.toFixed(4)} to ${high.toFixed(4)}`, deviation.toFixed(4)];
  const each = folds.map((fold, index) => [String(index + 1), String(fold.train), String(fold.validation), String(fold.test), String(fold.participants), fold.overLine.toFixed(4), fold.overKalman.toFixed(4)]);
  return htmlPage(`${name}: ${folds.length} folds`, [
    `<p>A <b>${config.family}</b> trained ${folds.length} times on the data set <b>${escapeXml(dataset.name)}</b>, version <code>${dataset.version}</code>. Each participant is judged by the one model that has not learnt from their movements. No model is kept.</p>`,
    table(['error over that of', 'mean', '95 % interval', 'between folds'], [row('the straight line', overLine), row('the Kalman filter of the SDK', overKalman)]),
    `<p>The geometric mean over parts, horizons, positions and turns; below 1 the model is nearer to what happened. The interval is that of Nadeau and Bengio (2003), since folds share what they learn from.</p>`,
    `<h2>By fold</h2>${table(['fold', 'train', 'validation', 'test', 'participants', 'over the line', 'over the filter'], each)}<p>Numbers of tracks.</p>`,
    figureTable(pooled.figures), comparisonTable(pooled.comparisons), groupTable('By participant', pooled.byParticipant),
    `<p>Seed ${seed}; commit <code>${commit ?? 'unknown'}</code>, Node ${escapeXml(node)}, TensorFlow.js ${escapeXml(tensorflow)} on ${escapeXml(backend)}.</p>`,
    `<details><summary>Configuration</summary><pre>${escapeXml(JSON.stringify(config, null, 2))}</pre></details>`,
  ]);
}
