/** The page of a tuning: what was tried, how it went, and what each parameter seems to do. */
import { escapeXml } from '../evaluate/confusion-svg.ts';
import { htmlPage, table } from '../evaluate/page.ts';
import { plotSvg } from '../evaluate/plot.ts';
import type { Trial, TuningDescription } from './folder.ts';
import type { Parameter } from './space.ts';

export function tuningPage(tuning: TuningDescription, trials: readonly Trial[]): string {
  return htmlPage(`Tuning of ${tuning.name}`, [summary(tuning, trials), `<div>${trialsPlot(tuning, trials)}</div>`, parameters(tuning, trials), trialTable(tuning, trials)]);
}

function summary({ strategy, seed, metric, folds, pruning, best, base, space }: TuningDescription, trials: readonly Trial[]): string {
  const count = (state: Trial['state']): number => trials.filter((own) => own.state === state).length;
  const where = folds === undefined ? 'the validation part' : `${folds} folds over the training and validation parts, by participant`;
  const rule = pruning === undefined ? '' : `, ${count('pruned')} given up behind the median of the others`;
  const chosen = best === undefined ? '' : `<p>Best: trial ${best.number} with <b>${scoreText(best.score)}</b>.</p>${table(['parameter', 'value'], Object.entries(best.values).map(([field, value]) => [`<code>${field}</code>`, escapeXml(valueText(value))]))}`;
  return `<p>${trials.length} trials${'family' in space.parameters ? '' : ` of the family <b>${base.family}</b>`} by the <b>${strategy}</b> strategy (seed ${seed})${rule}, ${count('failed')} failed. The score is ${scoreName(metric)} on ${where}.</p>${chosen}
<p>The best of many scores flatters itself: what to expect of the model is in its card, from a test part at which no trial has looked.</p>`;
}

export function scoreName(metric: TuningDescription['metric']): string {
  return { 'macro-f1': 'macro F1', accuracy: 'accuracy', loss: 'the negative cross-entropy', huber: 'the negative Huber loss' }[metric];
}

export function trialsPlot({ metric }: Pick<TuningDescription, 'metric'>, trials: readonly Trial[]): string {
  let best = Number.NEGATIVE_INFINITY;
  const running = trials.flatMap(({ number, state, score = Number.NEGATIVE_INFINITY }): [number, number][] => {
    if (state === 'done') best = Math.max(best, score);
    return Number.isFinite(best) ? [[number, best]] : [];
  });
  return plotSvg({ title: 'Score by trial', x: 'trial', y: scoreName(metric), series: [...dots(trials, ({ number }) => number), { label: 'best so far', points: running, kind: 'line' }] });
}

function dots(trials: readonly Trial[], x: (trial: Trial) => number): { label: string; points: [number, number][]; kind: 'dots' }[] {
  return (['done', 'pruned'] as const).flatMap((state) => {
    const points = trials.flatMap((own): [number, number][] => (own.state === state && own.score !== undefined ? [[x(own), own.score]] : []));
    return points.length === 0 ? [] : [{ label: state === 'done' ? 'to its end' : 'given up', points, kind: 'dots' as const }];
  });
}

function parameters({ space, metric }: TuningDescription, trials: readonly Trial[]): string {
  const plots = Object.entries(space.parameters).map(([field, own]) => parameterPlot(field, own, metric, trials));
  return `<h2>By parameter</h2><div>${plots.join('\n')}</div>`;
}

function parameterPlot(field: string, own: Parameter, metric: TuningDescription['metric'], trials: readonly Trial[]): string {
  const y = scoreName(metric);
  if (own.kind !== 'choice') return plotSvg({ title: field, x: own.scale === 'log' ? `${field} (log)` : field, y, logX: own.scale === 'log', series: dots(trials, ({ values }) => Number(values[field])) });
  const names = own.values.map(valueText);
  const place = ({ values }: Trial): number => names.indexOf(valueText(values[field])) + 1;
  return plotSvg({ title: field, x: field, xNames: names, y, xRange: [0.5, names.length + 0.5], series: dots(trials, place) });
}

function trialTable({ space }: TuningDescription, trials: readonly Trial[]): string {
  const fields = Object.keys(space.parameters);
  const sorted = [...trials].sort((a, b) => (b.score ?? Number.NEGATIVE_INFINITY) - (a.score ?? Number.NEGATIVE_INFINITY));
  const rows = sorted.map(({ number, state, score, values, steps, durationMs }) => [
    String(number), score === undefined ? '' : scoreText(score), state, ...fields.map((field) => escapeXml(valueText(values[field]))), String(steps.length), (durationMs / 1000).toFixed(1),
  ]);
  return `<h2>Trials, best first</h2>${table(['trial', 'score', '', ...fields, 'steps', 'seconds'], rows)}`;
}

/** Losses of tracks are small: trials would look alike by four decimals. */
export function scoreText(score: number): string {
  return Math.abs(score) < 0.1 ? score.toPrecision(4) : score.toFixed(4);
}

export function valueText(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(3)));
  return Array.isArray(value) ? value.join('-') : String(value);
}
