/** The card of a cross-validation: one HTML file without scripts or outside parts. */
import type { CrossValidation } from '../run/metrics.ts';
import { classTable, curves, groupTable } from './card.ts';
import { escapeXml } from './confusion-svg.ts';
import type { FoldMean } from './intervals.ts';
import { htmlPage, percent, table } from './page.ts';

export function crossValidationCard(result: CrossValidation): string {
  const { pooled } = result;
  return htmlPage(`${result.name}: ${result.folds.length} folds`, [
    summary(result), foldTable(result), classTable(pooled), `<div>${curves(pooled, 'Confusion over all folds')}</div>`,
    pooled.groups.length > 0 ? groupTable(pooled) : '', reading(result),
  ]);
}

function summary({ config, lineage, folds, pooled, accuracy, macroF1, calibrationError }: CrossValidation): string {
  const rows = ([['accuracy', accuracy], ['macro F1', macroF1], ['calibration error', calibrationError]] as const).map(([name, own]) => [name, ...figures(own)]);
  return `<p>A <b>${config.family}</b> over the data set <b>${escapeXml(lineage.dataset.name)}</b> (version <code>${lineage.dataset.version}</code>), trained ${folds.length} times. Each of the
${pooled.count} samples was judged once, by the model that had not learnt from its participant.</p>${table(['', 'mean of the folds', '95 % interval', 'deviation between folds'], rows)}`;
}

function figures({ mean, interval: [low, high], deviation }: FoldMean): string[] {
  return [mean.toFixed(4), `${low.toFixed(4)} to ${high.toFixed(4)}`, deviation.toFixed(4)];
}

function foldTable({ folds }: CrossValidation): string {
  const rows = folds.map((fold, at) => [String(at + 1), String(fold.train), String(fold.validation), String(fold.test), String(fold.participants), percent(fold.accuracy), fold.macroF1.toFixed(4), fold.calibrationError.toFixed(4)]);
  return `<h2>By fold</h2>${table(['fold', 'training samples', 'validation', 'test', 'participants in the test', 'accuracy', 'macro F1', 'calibration error'], rows)}`;
}

function reading({ config, lineage }: CrossValidation): string {
  return `<h2>How to read this</h2><p>Participants were dealt to the folds with the labels in like shares. Each fold was the test once, while the fold after it decided when
to stop and the others were learnt from. The intervals are those of the corrected resampled t (Nadeau and Bengio 2003): folds share training samples, which
the plain interval forgets. They hold for models of as many training samples; one that learns from all of them should not be worse. If many configurations were tried on these
folds, the best one's figures flatter it.</p>
<p>Seed ${lineage.seed}; commit <code>${lineage.commit ?? 'unknown'}</code>, Node ${escapeXml(lineage.node)}, TensorFlow.js ${escapeXml(lineage.tensorflow)} on ${escapeXml(lineage.backend)}.</p>
<details><summary>Configuration</summary><pre>${escapeXml(JSON.stringify(config, null, 2))}</pre></details>`;
}
