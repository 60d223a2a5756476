/** The report of the demonstration: one HTML file. */
import type { CleaningReport } from '../../training/dataset/clean.ts';
import { escapeXml, confusionSvg } from '../../training/evaluate/confusion-svg.ts';
import { htmlPage, percent, table } from '../../training/evaluate/page.ts';
import { plotSvg } from '../../training/evaluate/plot.ts';
import { variantsPlot } from '../../training/evaluate/variants.ts';
import type { OptimiseResult } from '../../training/optimise/optimise-run.ts';
import type { RunMetrics } from '../../training/run/metrics.ts';
import type { TuningDescription } from '../../training/tuning/folder.ts';
import { trialsPlot, valueText } from '../../training/tuning/page.ts';
import type { TuningResult } from '../../training/tuning/tune.ts';
import type { RecordedSession } from './record-session.ts';
import type { RolloutStory } from './rollout-story.ts';
import type { DoneStep } from './steps.ts';

export interface DemoOutcome {
  readonly machine: string;
  readonly steps: readonly DoneStep[];
  readonly recorded: RecordedSession;
  readonly samples: Readonly<Record<string, number>>;
  readonly cleaning: CleaningReport;
  /** With the configuration that nobody has tuned, and with the best. */
  readonly first: RunMetrics;
  readonly tuned: RunMetrics;
  readonly tuning: TuningResult;
  readonly metric: TuningDescription['metric'];
  readonly optimised: OptimiseResult;
  /** Of the model that nobody has tuned. */
  readonly begin: RolloutStory;
  readonly good: RolloutStory;
  readonly bad: RolloutStory;
  /** Answers of each version that the sessions got. */
  readonly answers: ReadonlyMap<string, number>;
  readonly history: readonly string[];
}

export function demoPage(outcome: DemoOutcome): string {
  return htmlPage('From a recorded session to a model in production', [
    stepsTable(outcome), dataPart(outcome), modelPart(outcome), tuningPart(outcome), variantsPart(outcome), rolloutPart(outcome), reading(outcome),
  ]);
}

function stepsTable({ steps, machine, good, bad }: DemoOutcome): string {
  const total = steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const rows = steps.map(({ name, seconds, outcome }, at) => [String(at + 1), escapeXml(name), escapeXml(outcome), seconds.toFixed(1)]);
  return `<p>A session was recorded on a running server, a model was trained and tuned on what its people allowed, and published. The server, with sessions on it all the while,
tried it and <b>${good.outcome === 'promoted' ? 'promoted' : 'took it back'}</b>; a version with a planted mistake was <b>${bad.outcome === 'promoted' ? 'promoted' : 'rolled back by the server itself'}</b> (${escapeXml(bad.reason)}).
It took ${total.toFixed(0)} s on ${escapeXml(machine)}.</p>${table(['', 'step', 'what came of it', 'seconds'], rows)}`;
}

function dataPart({ recorded, samples, cleaning }: DemoOutcome): string {
  const total = Object.values(samples).reduce((sum, count) => sum + count, 0);
  const rows = Object.entries(samples).map(([label, count]) => [escapeXml(label), String(count), percent(count / total)]);
  const removed = Object.entries(cleaning.byReason).map(([reason, count]) => [escapeXml(reason), String(count)]);
  return `<h2>Data</h2><p>${recorded.participants} made-up people in one session of ${recorded.seconds.toFixed(0)} s, recorded as MCAP, with ${recorded.intervals} labelled intervals. One of them did not
allow training: nothing of theirs is below. Poses are those of an emulated headset and of a generated hand. Each person does them in a way of their own and not always to the end, a grab is a fist that stays half
open, and a hand on its way from one to the next is <code>none</code>. The tracker loses hands now and then: they stand still, or a finger is somewhere else. ${recorded.slips} intervals are labelled wrong, as by
somebody who slips.</p>${table(['label', 'hands', 'share'], rows)}<p>Cleaning kept ${cleaning.kept} of ${cleaning.seen}. It cannot see a wrong label on a hand that is well done.</p>${removed.length === 0 ? '' : table(['taken out', 'hands'], removed)}`;
}

function modelPart({ first, tuned }: DemoOutcome): string {
  const row = (name: string, { accuracy, macroF1 }: { accuracy: number; macroF1: number }): string[] => [name, percent(accuracy), macroF1.toFixed(3)];
  const [low, high] = tuned.test.accuracyInterval;
  const rows = [row('tuned', tuned.test.classification), row('before tuning', first.test.classification), ...tuned.baselines.map((own) => row(own.family, own))];
  return `<h2>Model</h2><p>On ${tuned.counts.test} hands of people it has not learnt from; 95 % interval of the tuned model's accuracy ${percent(low)} to ${percent(high)}, calibration error ${tuned.test.calibrationError.toFixed(3)}. The
rows of one person resemble each other and few people are in the test part, so the true uncertainty is larger.</p>${table(['model', 'accuracy', 'macro F1'], rows)}<div>${confusionSvg({ title: 'Confusion of the tuned model', report: tuned.test.classification })}</div>`;
}

function tuningPart({ tuning: { trials, best }, metric }: DemoOutcome): string {
  const chosen = Object.entries(best.values).map(([field, value]) => [`<code>${field}</code>`, escapeXml(valueText(value))]);
  const pruned = trials.filter(({ state }) => state === 'pruned').length;
  return `<h2>Tuning</h2><p>${trials.length} trials, ${pruned} given up early, scored by the negative cross-entropy on the validation part; trial ${best.number} was the best with ${(best.score ?? 0).toPrecision(3)}.</p>
<div>${trialsPlot({ metric }, trials)}</div>${table(['parameter', 'chosen'], chosen)}`;
}

function variantsPart({ optimised }: DemoOutcome): string {
  const rows = optimised.variants.map(({ name, quality, test, bytes, latencyMs }) => [`${escapeXml(name)}${name === optimised.chosen ? ' (chosen)' : ''}`, quality.toFixed(4), test.macroF1.toFixed(4), String(bytes), latencyMs.toFixed(3)]);
  return `<h2>Smaller weights</h2>${table(['variant', 'macro F1, validation', 'macro F1, test', 'bytes', 'ms for one hand'], rows)}<div>${variantsPlot(optimised)}</div>`;
}

function rolloutPart({ begin, good, bad, answers, history }: DemoOutcome): string {
  const heard = [...answers].sort(([a], [b]) => a.localeCompare(b)).map(([version, count]) => [version, String(count)]);
  return `<h2>Rollouts</h2><p>By second: the share of sessions that the new version answers, and since each step began how often it agrees with the current one.</p><div>${rolloutPlot(begin)}${rolloutPlot(good)}${rolloutPlot(bad)}</div><p>Meanwhile the sessions got these answers:</p>${table(['version', 'answers'], heard)}
<details open><summary>What the registry's signed history says</summary><pre>${history.map(escapeXml).join('\n')}</pre></details>`;
}

function rolloutPlot({ version, outcome, reason, timeline }: RolloutStory): string {
  return plotSvg({
    title: `Version ${version}: ${outcome} (${reason})`, x: 'seconds', y: '%', yRange: [-4, 104],
    series: [
      { label: 'sessions', points: timeline.map(({ seconds, percent: share }) => [seconds, share] as const), kind: 'line' },
      { label: 'agreement', points: timeline.filter(({ compared }) => compared > 0).map(({ seconds, agreement }) => [seconds, agreement * 100] as const), kind: 'dots' },
    ],
  });
}

function reading({ begin }: DemoOutcome): string {
  return `<h2>How to read this</h2><p>The people are made up, so the figures say that the parts work together and nothing of real hands. Steps of the rollouts last seconds here and minutes in service; the rules are the
same, but that nothing is said here of coming late: this machine plays the people too. Version ${begin.version} knows other gestures than the one that ships, so that it did not have to agree with it; the ones after it had to agree with it in 40 % of the requests.</p>`;
}
