/**
 * Watches every model version in service: what it is asked and how sure it is against what it was trained on, and how many of its
 * requests fail or come late, window by window.
 */
import { every, type Clock, type Repeating } from '../../core/clock.ts';
import { sharesOf } from '../../features/bins.ts';
import type { InferenceRequest, RequestOutcome } from '../flow.ts';
import type { Looks, LookTaker, OutcomeWatch, WatchedVersion, WatchReference } from '../watch-flow.ts';
import type { Alerts } from './alert-board.ts';
import { judgeLooks, judgeOutcomes, TROUBLES, type Finding, type Trouble } from './judge.ts';
import type { KeptVersion } from './watch-state.ts';
import { LookWindow, OutcomeWindow } from './windows.ts';

export interface ModelWatchParts {
  readonly clock: Clock;
  readonly alerts: Alerts;
  /** What is served now. */
  readonly versions: () => readonly WatchedVersion[];
}

export interface ModelWatchOptions {
  readonly windowMs: number;
  /** A window is judged by no fewer samples, or requests; it goes on until it has them, or is too old. */
  readonly minSamples: number;
  /** What an earlier server knew, and how long ago that was. */
  readonly before?: { readonly versions: readonly KeptVersion[]; readonly agoMs: number } | undefined;
}

/** A version as admins see it: its last whole windows, of inputs and answers, and of outcomes. */
export interface WatchView {
  readonly model: string;
  readonly version: string;
  /** What drift is measured against: `training`, or `first-window` for a version that brought nothing; `none` until it has had one. */
  readonly against: 'training' | 'first-window' | 'none';
  readonly samples: number;
  readonly people: number;
  readonly answered: number;
  /** From arrival to result: the upper edge of a bin, so up to 1.4 times too high. */
  readonly latencyMs: { readonly median?: number; readonly p99?: number };
  readonly findings: readonly Finding[];
}

/** Each stream gives a sample at most so often. */
const SAMPLE_EVERY_MS = 1000;
const REVIEW_MS = 1000;
/** A window that has had too few samples for so long begins anew. */
const STALE_WINDOWS = 12;
/** So many windows in a row make a trouble an alert, and end it. */
const WINDOWS_TO_RAISE = 2;
const WINDOWS_TO_CLEAR = 2;

interface Watched {
  readonly version: WatchedVersion;
  looks: LookWindow;
  outcomes: OutcomeWindow;
  /** What the version said in its first window, where training has left nothing of it. */
  learnt: WatchReference['outputs'];
  view: WatchView;
  readonly streaks: Map<Trouble, { large: number; none: number }>;
}

export class ModelWatch implements LookTaker, OutcomeWatch {
  readonly #parts: ModelWatchParts;
  readonly #options: ModelWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #reviewing: Repeating;
  /** Of the server before, until it is seen what this one serves. */
  #before: ModelWatchOptions['before'];

  constructor(parts: ModelWatchParts, options: ModelWatchOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#before = options.before;
    this.#reviewing = every(parts.clock, REVIEW_MS, () => this.#review());
  }

  close(): void {
    this.#reviewing.stop();
  }

  /** Every version that is served, with what its last whole windows have shown. */
  get views(): readonly WatchView[] {
    return [...this.#watched.values()].map(({ view }) => view);
  }

  /** What a later server goes on with. */
  get kept(): KeptVersion[] {
    // Before the models are loaded there is nothing to be known but what was.
    if (this.#before !== undefined) return [...this.#before.versions];
    const nowMs = this.#parts.clock.nowMs();
    return [...this.#watched].map(([key, { looks, outcomes, learnt, view, streaks }]) => ({
      key, view: { ...view, latencyMs: { ...view.latencyMs }, findings: view.findings.map(keptFinding) }, looks: looks.keep(nowMs), outcomes: outcomes.keep(nowMs), streaks: [...streaks].map(([trouble, streak]) => ({ trouble, ...streak })),
      ...(learnt === undefined ? {} : { learnt: { samples: learnt.samples, participants: learnt.participants, confidence: [...learnt.confidence], labels: { ...learnt.labels } } }),
    }));
  }

  wants(request: InferenceRequest): boolean {
    const watched = this.#watched.get(request.model);
    return watched !== undefined && request.encoding === 'task' && watched.looks.samplesStream(request, this.#parts.clock.nowMs(), SAMPLE_EVERY_MS);
  }

  take({ key, version }: WatchedVersion, looks: Looks): void {
    const watched = this.#watched.get(key);
    if (watched?.version.version === version) watched.looks.take(looks);
  }

  ended(request: InferenceRequest, outcome: RequestOutcome): void {
    const watched = this.#watched.get(request.model);
    if (watched === undefined || request.encoding !== 'task') return;
    // One that was on its way when another version took the key says nothing of that.
    if (outcome.kind === 'done' && outcome.batch.modelVersion !== watched.version.version) return;
    watched.outcomes.take(request, outcome);
  }

  #review(): void {
    this.#follow();
    const nowMs = this.#parts.clock.nowMs();
    for (const watched of this.#watched.values()) {
      if (this.#isOver(watched.looks.sinceMs, watched.looks.samples)) {
        this.#judgeLooks(watched);
        watched.looks = new LookWindow(nowMs);
      }
      if (this.#isOver(watched.outcomes.sinceMs, watched.outcomes.requests)) {
        this.#judgeOutcomes(watched);
        watched.outcomes = new OutcomeWindow(nowMs);
      }
    }
  }

  /** Watches what is served now, and forgets what is not any more. A version that was promoted has another key from then on, and is watched anew. */
  #follow(): void {
    const served = this.#parts.versions();
    for (const [key, { version }] of this.#watched) {
      if (served.some((other) => other.key === key && other.version === version.version)) continue;
      this.#watched.delete(key);
      this.#parts.alerts.clearVersion(version.name, version.version, 'no longer served under this key');
    }
    for (const version of served) if (!this.#watched.has(version.key)) this.#watched.set(version.key, this.#begin(version));
    if (served.length > 0) this.#endBefore(served);
  }

  /** What was raised about versions that are not served any more ended with the server before. */
  #endBefore(served: readonly WatchedVersion[]): void {
    if (this.#before === undefined) return;
    this.#before = undefined;
    for (const alert of this.#parts.alerts.raised) {
      if (!served.some(({ name, version }) => name === alert.model && version === alert.version)) this.#parts.alerts.clear(alert, 'not served since a restart');
    }
  }

  #begin(version: WatchedVersion): Watched {
    const nowMs = this.#parts.clock.nowMs();
    const kept = this.#before?.versions.find(({ key, view }) => key === version.key && view.model === version.name && view.version === version.version);
    if (kept === undefined) return { version, looks: new LookWindow(nowMs), outcomes: new OutcomeWindow(nowMs), learnt: undefined, view: unseen(version), streaks: new Map() };
    const sinceMs = ({ ageMs }: { readonly ageMs: number }): number => nowMs - ageMs - (this.#before?.agoMs ?? 0);
    const { looks, outcomes, learnt, view, streaks } = kept;
    return { version, looks: new LookWindow(sinceMs(looks), looks), outcomes: new OutcomeWindow(sinceMs(outcomes), outcomes), learnt, view, streaks: new Map(streaks.map(({ trouble, large, none }) => [trouble, { large, none }])) };
  }

  /** Long enough and with enough in it, or so long that it does not matter any more. */
  #isOver(sinceMs: number, seen: number): boolean {
    const { windowMs, minSamples } = this.#options;
    const ageMs = this.#parts.clock.nowMs() - sinceMs;
    return ageMs >= (seen >= minSamples ? windowMs : windowMs * STALE_WINDOWS);
  }

  #judgeLooks(watched: Watched): void {
    const { looks, learnt, view, version: { reference } } = watched;
    if (looks.samples < this.#options.minSamples) return;
    const outputs = reference?.outputs ?? learnt;
    const labelled = outputs?.labels === undefined ? learnt : outputs;
    const findings = judgeLooks(looks, { inputs: reference?.inputs, outputs }, labelled);
    const against = reference !== undefined ? 'training' : outputs !== undefined ? 'first-window' : 'none';
    watched.view = { ...view, against, samples: looks.samples, people: looks.people, findings: updated(view.findings, findings) };
    if (labelled === undefined) watched.learnt = { samples: looks.samples, participants: looks.people, confidence: sharesOf(looks.confidence), labels: labelShares(looks) };
    for (const finding of findings) this.#count(watched, finding, { samples: looks.samples, people: looks.people });
  }

  #judgeOutcomes(watched: Watched): void {
    const { outcomes, view } = watched;
    const findings = judgeOutcomes(outcomes);
    watched.view = { ...view, answered: outcomes.answered, latencyMs: latencyOf(outcomes), findings: updated(view.findings, findings) };
    for (const finding of findings) this.#count(watched, finding, { requests: outcomes.requests });
  }

  /** One window off is chance or a visitor; what stays is an alert, and one that wavers at a bound neither begins nor ends. */
  #count({ version: { name, version }, streaks }: Watched, finding: Finding, seen: object): void {
    const { trouble, level, ...facts } = finding;
    if (level === 'unknown') return;
    const streak = streaks.get(trouble) ?? { large: 0, none: 0 };
    streaks.set(trouble, streak);
    streak.large = level === 'large' ? streak.large + 1 : 0;
    streak.none = level === 'none' ? streak.none + 1 : 0;
    const about = { kind: trouble, model: name, version };
    if (streak.large >= WINDOWS_TO_RAISE) this.#parts.alerts.raise(about, { ...facts, ...seen });
    if (streak.none >= WINDOWS_TO_CLEAR) this.#parts.alerts.clear(about, `for ${streak.none} windows`);
  }
}

function keptFinding({ worst, ...finding }: Finding): KeptVersion['view']['findings'][number] {
  return { ...finding, ...(worst === undefined ? {} : { worst: worst.map((own) => ({ ...own })) }) };
}

function unseen({ name, version, reference }: WatchedVersion): WatchView {
  const findings = TROUBLES.map((trouble): Finding => ({ trouble, level: 'unknown', value: 0 }));
  return { model: name, version, against: reference !== undefined ? 'training' : 'none', samples: 0, people: 0, answered: 0, latencyMs: {}, findings };
}

function updated(findings: readonly Finding[], by: readonly Finding[]): Finding[] {
  return findings.map((finding) => by.find(({ trouble }) => trouble === finding.trouble) ?? finding);
}

function latencyOf(window: OutcomeWindow): WatchView['latencyMs'] {
  const [median, p99] = [window.latencyMs(0.5), window.latencyMs(0.99)];
  return median === undefined || p99 === undefined ? {} : { median, p99 };
}

function labelShares({ labels }: LookWindow): Record<string, number> {
  const shares = sharesOf(Object.values(labels));
  return Object.fromEntries(Object.keys(labels).map((label, at) => [label, shares[at] ?? 0]));
}
