/** The card of a model of movement: one HTML file without scripts or outside parts. */
import { escapeXml } from '../evaluate/confusion-svg.ts';
import { htmlPage, table } from '../evaluate/page.ts';
import { plotSvg } from '../evaluate/plot.ts';
import type { EpochFigures } from '../models/fit-network.ts';
import type { RunDescription } from '../run/folder.ts';
import type { Comparison, GroupErrors, PredictorFigures } from './evaluate.ts';
import type { PredictorForms, PredictorMetrics } from './metrics.ts';

export interface PredictorCardInput {
  readonly title: string;
  readonly description: RunDescription;
  readonly metrics: PredictorMetrics;
  readonly history: readonly EpochFigures[];
  /** Where the model is one of several forms. */
  readonly forms?: PredictorForms;
}

const NAMES = { model: 'this model', hold: 'stands still', line: 'straight line', kalman: 'Kalman filter of the SDK' } as const;

export function predictorCard(input: PredictorCardInput): string {
  const { title, metrics: { test } } = input;
  return htmlPage(title, [
    summary(input), figureTable(test.figures), comparisonTable(test.comparisons), rateTable(input),
    groupTable('By participant', test.byParticipant), groupTable('By recording', test.byRecording),
    input.forms === undefined ? '' : formTable(input.forms), learning(input.history), origin(input), reading(input),
  ]);
}

function summary({ description: { config, lineage }, metrics: { counts, latency, bytes, parity } }: PredictorCardInput): string {
  return `<p>A <b>${config.family}</b> that says where a head or a hand is in ${config.prediction?.horizonsMs.join(', ')} ms, from the data set <b>${escapeXml(lineage.dataset.name)}</b>. Measured on
${counts.test} tracks of people that it has not learnt from, each seen at ${config.prediction?.ratesHz.join(', ')} Hz, unevenly and with losses.</p>
<p>${(bytes / 1024).toFixed(1)} KiB as ONNX; ${latency.medianMs.toFixed(3)} ms for the six axes of one part (median of ${latency.runs}; 95 %: ${latency.p95Ms.toFixed(3)} ms), one thread of a CPU, on the machine
that trained it. The graph differs from the trained network by ${parity.toExponential(1)} at most.</p>`;
}

export function figureTable(figures: readonly PredictorFigures[]): string {
  const rows = figures.map(({ part, horizonMs, predictor, moments, position, angle, overshootP95 }) => [
    part, `${horizonMs}&nbsp;ms`, NAMES[predictor], position?.rmse.toFixed(1) ?? '', position?.p95.toFixed(1) ?? '', angle.rmse.toFixed(2), angle.p95.toFixed(2), overshootP95?.toFixed(1) ?? '', String(moments),
  ]);
  return `<h2>Errors by part and horizon</h2>${table(['part', 'ahead', 'predictor', 'position RMSE, mm', '95 %, mm', 'angle RMSE, degrees', '95 %, degrees', 'overshoot 95 %, mm', 'moments'], rows)}`;
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((own) => [own.part, `${own.horizonMs}&nbsp;ms`, own.quantity, NAMES[own.against], ...ratioCells(own)]);
  return `<h2>Against the others, paired by recording</h2><p>Root mean square error over that of the other; below 1 this model is nearer to what happened.</p>
${table(['part', 'ahead', 'of', 'against', 'ratio', '95 % interval', 'nearer in'], rows)}`;
}

function rateTable({ metrics: { test } }: PredictorCardInput): string {
  const rows = test.byRate.map((own) => [String(own.rateHz), own.part, `${own.horizonMs}&nbsp;ms`, own.quantity, ...ratioCells(own)]);
  return `<h2>Against the Kalman filter, by rate</h2>${table(['Hz', 'part', 'ahead', 'of', 'ratio', '95 % interval', 'nearer in'], rows)}`;
}

function ratioCells({ ratio, interval, recordings, lower }: Comparison): string[] {
  return [ratio.toFixed(3), interval === undefined ? 'one recording' : `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}`, `${lower} of ${recordings}`];
}

export function groupTable(title: string, groups: readonly GroupErrors[]): string {
  const rows = groups.map(({ group, part, horizonMs, quantity, model, kalman }) => [escapeXml(group), part, `${horizonMs}&nbsp;ms`, quantity === 'position' ? 'position, mm' : 'angle, degrees', model.toFixed(2), kalman.toFixed(2)]);
  return `<h2>${title}</h2>${table(['', 'part', 'ahead', 'RMSE of', NAMES.model, NAMES.kalman], rows)}`;
}

function formTable({ variants, front, chosen }: PredictorForms): string {
  const rows = variants.map(({ name, error, bytes, gzipBytes, latencyMs }) => [
    name, error.validation.toFixed(4), error.test.toFixed(4), String(bytes), String(gzipBytes), latencyMs.toFixed(3), name === chosen ? 'chosen' : front.includes(name) ? 'not beaten' : '',
  ]);
  return `<h2>Smaller forms</h2>${table(['form', 'error, validation', 'error, test', 'bytes', 'bytes, gzip', 'median ms', ''], rows)}
<p>Errors are shares of the straight line's, the geometric mean over parts, horizons, positions and turns. The validation part has chosen; the test part was measured afterwards.</p>`;
}

function learning(history: readonly EpochFigures[]): string {
  const series = [
    { label: 'training', points: history.map(({ epoch, loss }) => [epoch, loss] as const), kind: 'line' as const },
    { label: 'validation', points: history.map(({ epoch, validationLoss }) => [epoch, validationLoss] as const), kind: 'line' as const },
  ];
  return `<h2>Learning</h2>${plotSvg({ title: 'Loss by epoch', x: 'epoch', y: 'Huber loss', series })}`;
}

function origin({ description: { lineage }, metrics: { counts, epochs } }: PredictorCardInput): string {
  const { dataset } = lineage;
  return `<h2>Where it comes from</h2>${table(['', ''], [
    ['data set', `${escapeXml(dataset.name)}, version <code>${dataset.version}</code>`],
    ['sources', dataset.sources.map(({ name, origin: from, licence }) => `${escapeXml(name)} (${escapeXml(from)}, ${escapeXml(licence)})`).join('<br>')],
    ['tracks', `train ${counts.train} (${counts.trained} rows), validation ${counts.validation}, test ${counts.test}`],
    ['epochs', String(epochs)],
    ['seed', String(lineage.seed)],
    ['program', `commit <code>${lineage.commit ?? 'unknown'}</code>, Node ${escapeXml(lineage.node)}, TensorFlow.js ${escapeXml(lineage.tensorflow)} on ${escapeXml(lineage.backend)}`],
  ])}`;
}

function reading({ description: { config } }: PredictorCardInput): string {
  return `<h2>How to read this</h2><p>Intervals are Student's t over the recordings' logarithms of ratios: moments of one recording are alike, and several recordings of one person are less
than several people. The straight line leads through the newest pose and one at least 30 ms older; the filter has the settings that the SDK ships with. Movements unlike those of the test part may give others.</p>
<details><summary>Configuration</summary><pre>${escapeXml(JSON.stringify(config, null, 2))}</pre></details>`;
}
