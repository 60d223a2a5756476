/** A trained model's card: one HTML file without scripts or outside parts. */
import type { CleaningReport } from '../dataset/clean.ts';
import type { EpochFigures } from '../models/fit-network.ts';
import type { RunDescription } from '../run/folder.ts';
import type { RunMetrics } from '../run/metrics.ts';
import { confusionSvg, escapeXml } from './confusion-svg.ts';
import { htmlPage, percent, table } from './page.ts';
import { plotSvg } from './plot.ts';
import type { EvaluationReport } from './report.ts';
import { VARIANT_COLUMNS, variantRows, variantsPlot } from './variants.ts';
import type { ComparedVariants } from './variants.ts';

export interface CardInput {
  readonly title: string;
  readonly description: RunDescription;
  readonly metrics: RunMetrics;
  readonly history: readonly EpochFigures[];
  readonly cleaning: CleaningReport;
  /** Where this is one of several forms of a model. */
  readonly variants?: ComparedVariants;
}

export function evaluationCard(input: CardInput): string {
  const { title, metrics: { test } } = input;
  const parts = [
    summary(input), figures(input), classTable(test), `<div>${curves(test)}</div>`,
    test.groups.length > 0 ? groupTable(test) : '', input.variants === undefined ? '' : comparison(input.variants), learning(input.history), origin(input), reading(input),
  ];
  return htmlPage(title, parts);
}

function summary({ description: { config, labels, lineage }, metrics }: CardInput): string {
  const { test, rejection } = metrics;
  const [low, high] = test.accuracyInterval;
  return `<p>A <b>${config.family}</b> that tells ${labels.length} labels apart, from the data set <b>${escapeXml(lineage.dataset.name)}</b>.
On ${test.count} samples ${ofWhom(metrics)}, it is right in <b>${percent(test.classification.accuracy)}</b>
(95 % interval ${percent(low)} to ${percent(high)}); macro F1 ${test.classification.macroF1.toFixed(3)}.${rejected(rejection)}</p>`;
}

/** Where nobody said whose a sample is, samples of one person may be on both sides, and the figures flatter. */
export function ofWhom({ test, testParticipants }: { readonly test: { readonly count: number }; readonly testParticipants?: number }): string {
  if (testParticipants === undefined) return 'of participants that it has not learnt from';
  if (testParticipants === test.count) return 'that it has not learnt from (each counts as a participant of its own: where one person gave several, it may know the person)';
  return `of ${testParticipants} participants that it has not learnt from`;
}

function rejected(rejection: RunMetrics['rejection']): string {
  if (rejection === undefined) return '';
  const { label, threshold, accuracy, macroF1 } = rejection;
  return ` Scores below <b>${threshold}</b> count as <b>${escapeXml(label)}</b>: chosen by the validation part. With it ${percent(accuracy)} are right, macro F1 ${macroF1.toFixed(3)}.`;
}

function figures({ description: { config }, metrics }: CardInput): string {
  const own = { family: `${config.family} (this model)`, ...metrics.test.classification };
  const rows = [own, ...metrics.baselines].map(({ family, accuracy, macroF1 }) => [escapeXml(family), percent(accuracy), macroF1.toFixed(3)]);
  const { latency, bytes, parity } = metrics;
  return `<h2>Beside simpler models</h2>${table(['model', 'accuracy', 'macro F1'], rows)}
<p>${(bytes / 1024).toFixed(1)} KiB as ONNX; ${latency.medianMs.toFixed(3)} ms for one sample (median of ${latency.runs}; 95 %: ${latency.p95Ms.toFixed(3)} ms), one
thread of a CPU, on the machine that trained it. The graph differs from the trained model by ${parity.toExponential(1)} at most.</p>`;
}

export function classTable({ classification, ranking }: EvaluationReport): string {
  const rows = classification.classes.map(({ label, precision, recall, f1, support }, index) => {
    const { rocAuc, averagePrecision } = ranking[index] ?? { rocAuc: Number.NaN, averagePrecision: Number.NaN };
    return [escapeXml(label), precision.toFixed(3), recall.toFixed(3), f1.toFixed(3), rocAuc.toFixed(3), averagePrecision.toFixed(3), String(support)];
  });
  return `<h2>By label</h2>${table(['label', 'precision', 'recall', 'F1', 'ROC AUC', 'average precision', 'samples'], rows)}`;
}

/** More would be a tangle of lines. */
const MOST_CURVES = 7;

export function curves(test: EvaluationReport, title = 'Confusion on the test part'): string {
  const drawn = test.curves.slice(0, MOST_CURVES);
  const unit = { xRange: [0, 1], yRange: [0, 1] } as const;
  const bins = test.calibration.map(({ confidence, accuracy }): readonly [number, number] => [confidence, accuracy]);
  return [
    confusionSvg({ title, report: test.classification }),
    plotSvg({ title: 'ROC, each label against the rest', x: 'false positive rate', y: 'true positive rate', ...unit, series: drawn.map(({ label, roc }) => ({ label, points: roc, kind: 'line' })) }),
    plotSvg({ title: 'Precision and recall', x: 'recall', y: 'precision', ...unit, series: drawn.map(({ label, precisionRecall }) => ({ label, points: precisionRecall, kind: 'line' })) }),
    plotSvg({
      title: `Calibration (expected error ${test.calibrationError.toFixed(3)})`, x: 'score', y: 'share that is right', ...unit,
      series: [{ label: 'model', points: bins, kind: 'dots' }, { label: 'ideal', points: [[0, 0], [1, 1]], kind: 'line' }],
    }),
  ].join('\n');
}

export function groupTable({ groups }: EvaluationReport): string {
  return `<h2>By group</h2>${table(['group', 'samples', 'accuracy', 'macro F1'], groups.map(({ group, count, accuracy, macroF1 }) => [escapeXml(group), String(count), percent(accuracy), macroF1.toFixed(3)]))}`;
}

function comparison(variants: ComparedVariants): string {
  return `<h2>Smaller and larger forms</h2>${table(VARIANT_COLUMNS, variantRows(variants))}
<p>This model is <b>${escapeXml(variants.chosen)}</b>: the smallest that keeps the bounds, by its macro F1 on the validation part. The test part was
measured after the choice. Weights rounded to int8 or float16, and weights that are 0, make the file or its download smaller, not the run faster.</p>
${variantsPlot(variants)}`;
}

function learning(history: readonly EpochFigures[]): string {
  if (history.length === 0) return '';
  const series = [
    { label: 'training', points: history.map(({ epoch, loss }) => [epoch, loss] as const), kind: 'line' as const },
    { label: 'validation', points: history.map(({ epoch, validationLoss }) => [epoch, validationLoss] as const), kind: 'line' as const },
  ];
  return `<h2>Learning</h2>${plotSvg({ title: 'Loss by epoch', x: 'epoch', y: 'cross-entropy', series })}`;
}

function origin({ description: { lineage }, metrics: { counts }, cleaning }: CardInput): string {
  const { dataset } = lineage;
  const removed = Object.entries(cleaning.byReason).map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none';
  const rows = [
    ['data set', `${escapeXml(dataset.name)}, version <code>${dataset.version}</code>`],
    ['sources', dataset.sources.map(({ name, origin: from, licence }) => `${escapeXml(name)} (${escapeXml(from)}, ${escapeXml(licence)})`).join('<br>')],
    ['samples', `${dataset.samples}; removed: ${removed}; train ${counts.train} (${counts.trained} with those made), validation ${counts.validation}, test ${counts.test}`],
    ...(lineage.start === undefined ? [] : [['begun with', `${escapeXml(lineage.start.name)}, graph <code>${lineage.start.graphSha256.slice(0, 16)}</code>: ${escapeXml(lineage.start.carried.join(', '))}${
      lineage.start.overlap === 'none' ? '' : '. It learnt from another version of the data, maybe from samples of this test part'}`]]),
    ...(lineage.teacher === undefined ? [] : [['teacher', `${escapeXml(lineage.teacher.name)}, a ${escapeXml(lineage.teacher.family)}, graph <code>${lineage.teacher.graphSha256.slice(0, 16)}</code>, temperature ${lineage.teacher.temperature}, ${percent(lineage.teacher.weight)} of the loss`]]),
    ['seed', String(lineage.seed)],
    ['program', `commit <code>${lineage.commit ?? 'unknown'}</code>, Node ${escapeXml(lineage.node)}, TensorFlow.js ${escapeXml(lineage.tensorflow)} on ${escapeXml(lineage.backend)}`],
  ];
  return `<h2>Where it comes from</h2>${table(['', ''], rows)}`;
}

function reading({ description: { config } }: CardInput): string {
  return `<h2>How to read this</h2><p>The figures hold for data like that of the test part: other people, devices and habits may give others. The test part
was cut off by participant before anything was fitted; what was made by SMOTE or augmentation is in the training part alone.</p>
<details><summary>Configuration</summary><pre>${escapeXml(JSON.stringify(config, null, 2))}</pre></details>`;
}
