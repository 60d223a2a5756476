/** Brings new versions of models into service while the server runs: loads, tries, promotes and takes back. */
import { every, sleep, type Clock, type Repeating } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { InferenceRequest, InferenceScheduler, ModelVersions, OutcomeListener } from '../flow.ts';
import type { RolloutDecision, RolloutFigures, RolloutRules } from './plan-rollout.ts';
import { Rollout } from './rollout.ts';

/** How a rollout went on, for the log, the history of the models and whoever is to be alerted. */
export interface RolloutEvent {
  readonly model: string;
  readonly version: string;
  readonly outcome: 'begun' | 'advanced' | 'promoted' | 'rolled-back';
  /** Who or what decided: `admin`, `rules`, or what spoke against the version. */
  readonly reason: string;
  /** Of sessions, from now on. */
  readonly percent: number;
  readonly figures: RolloutFigures;
  /** The version that serves again, where one is taken back that had been promoted already. */
  readonly restored?: string;
}

export interface RolloutDeskParts {
  readonly clock: Clock;
  /** The scheduler. */
  readonly next: () => InferenceScheduler;
  /** Hears how requests ended that name nobody themselves. */
  readonly onOutcome: OutcomeListener;
  readonly versions: ModelVersions;
  /** Never throws. */
  readonly report: (event: RolloutEvent) => void;
}

/** A model as admins see it. */
export interface ModelView {
  readonly model: string;
  readonly version: string;
  readonly rollout?: { readonly version: string; readonly state: Phase; readonly percent: number; readonly figures?: RolloutFigures };
}

type Phase = 'loading' | 'running' | 'settling';

type Trial =
  | { readonly state: 'loading'; readonly version: string }
  | { readonly state: 'running'; readonly version: string; readonly rollout: Rollout }
  /** Decided: new requests go where they go from now on, and what waits is still answered. */
  | { readonly state: 'settling'; readonly version: string };

export const DEFAULT_ROLLOUT_RULES: RolloutRules = {
  steps: [0, 5, 25, 50, 100],
  holdMs: 60_000,
  giveUpMs: 24 * 3_600_000,
  minSamples: 200,
  maxMoreFailed: 0.01,
  maxMoreLate: 0.02,
  minAgreement: 0.8,
  guardMs: 3_600_000,
};

/** Of a version that is not on trial any more. */
const NO_FIGURES: RolloutFigures = { canary: { answered: 0, failed: 0, late: 0 }, current: { answered: 0, failed: 0, late: 0 }, compared: 0, agreed: 0 };

const REVIEW_MS = 1000;
/** Longer than any request waits. */
const SETTLE_MS = 3000;
/** Ids of comparisons, apart from those of sessions and of stages. */
const FIRST_SHADOW_ID = 2 ** 44;

/** In front of the scheduler: passes everything on, and what is for a model with a rollout by way of it. */
export class RolloutDesk implements InferenceScheduler {
  readonly #parts: RolloutDeskParts;
  readonly #trials = new Map<string, Trial>();
  /** Models whose new version is being given the name's own place. */
  readonly #deciding = new Set<string>();
  /** By model, what a promotion has taken the place of, and until when that can come back at once. */
  readonly #former = new Map<string, { readonly version: string; readonly untilMs: number }>();
  readonly #reviewing: Repeating;
  #shadowId = FIRST_SHADOW_ID;
  #closed = false;

  constructor(parts: RolloutDeskParts) {
    this.#parts = parts;
    this.#reviewing = every(parts.clock, REVIEW_MS, () => this.#review());
  }

  submit(request: InferenceRequest): void {
    const trial = this.#trials.get(request.model);
    // Calls from outside sessions stay with the version that they know.
    if (trial?.state === 'running' && request.encoding === 'task') trial.rollout.submit(request);
    else this.#parts.next().submit(request);
  }

  forget(sessionId: string, slot: number): void {
    this.#parts.next().forget(sessionId, slot);
  }

  close(): void {
    this.#closed = true;
    this.#reviewing.stop();
    this.#parts.next().close();
  }

  /** Every model that is served. */
  get models(): readonly ModelView[] {
    return this.#parts.versions.serving().map(({ name, version }) => {
      const trial = this.#trials.get(name);
      if (trial === undefined) return { model: name, version };
      const seen = trial.state === 'running' ? { percent: trial.rollout.percent, figures: trial.rollout.figures } : { percent: 0 };
      return { model: name, version, rollout: { version: trial.version, state: trial.state, ...seen } };
    });
  }

  /**
   * Loads a version beside the one that serves, and begins to try it. Resolves when it is loaded on every device.
   *
   * @throws CopresenceError MODEL_NOT_FOUND when the model is not served, ROLLOUT_EXISTS when it has a rollout or this version
   * already, MODEL_INVALID, MODEL_TAMPERED, MODEL_UNSIGNED, SHAPE_MISMATCH or WORKER_FAILED when the version cannot be loaded; then nothing has changed.
   */
  async begin(model: string, version: string, rules: RolloutRules): Promise<void> {
    const { versions, clock, next, onOutcome } = this.#parts;
    const current = this.#currentVersion(model);
    if (current === version || this.#trials.has(model)) throw new CopresenceError('ROLLOUT_EXISTS', `${model} ${current === version ? `${version} is served already` : 'has a rollout already'}`);
    this.#trials.set(model, { state: 'loading', version });
    try {
      await versions.serve({ model, version: current, canary: version });
    } catch (error) {
      this.#trials.delete(model);
      throw error;
    }
    const rollout = new Rollout({ clock, next, onOutcome, nextId: () => ++this.#shadowId }, { model, version, canaryKey: versions.canaryKey(model), rules });
    this.#trials.set(model, { state: 'running', version, rollout });
    this.#report(rollout, 'begun', 'admin');
  }

  /** Gives every session the new version from now on. @throws CopresenceError NOT_FOUND without a rollout that runs. */
  async promote(model: string, reason: string): Promise<void> {
    const { rollout, version } = this.#running(model);
    return this.#settle(rollout, { outcome: 'promoted', reason, first: { model, version, canary: version }, then: { model, version } });
  }

  /**
   * Gives every session the version that it had; for a while after a promotion too.
   *
   * @throws CopresenceError NOT_FOUND without a rollout that runs and a promotion that can be taken back, and as `begin` when the version that was cannot be loaded.
   */
  async rollBack(model: string, reason: string): Promise<void> {
    if (this.#trials.get(model) === undefined && this.#formerOf(model) !== undefined) return this.#restore(model, reason);
    const { rollout } = this.#running(model);
    return this.#settle(rollout, { outcome: 'rolled-back', reason, then: { model, version: this.#currentVersion(model) } });
  }

  /** A version in service fails: if it was promoted not long ago, what was there before comes back. */
  failing(model: string, version: string): void {
    if (this.#trials.has(model) || this.#formerOf(model) === undefined || this.#currentVersion(model) !== version) return;
    // What cannot be loaded stays away, and the alert stands.
    void this.#restore(model, 'failures').catch(() => undefined);
  }

  #formerOf(model: string): string | undefined {
    const former = this.#former.get(model);
    return former !== undefined && former.untilMs > this.#parts.clock.nowMs() ? former.version : undefined;
  }

  /** By a new process on each device, between two batches, so that nothing that waits is lost. */
  async #restore(model: string, reason: string): Promise<void> {
    const { versions, report } = this.#parts;
    const [restored, version] = [this.#formerOf(model) ?? '', this.#currentVersion(model)];
    this.#trials.set(model, { state: 'settling', version: restored });
    try {
      await versions.serve({ model, version: restored });
    } finally {
      this.#trials.delete(model);
    }
    this.#former.delete(model);
    report({ model, version, outcome: 'rolled-back', reason, percent: 0, figures: NO_FIGURES, restored });
  }

  #running(model: string): Extract<Trial, { state: 'running' }> {
    const trial = this.#trials.get(model);
    if (trial?.state !== 'running') throw new CopresenceError('NOT_FOUND', `${model} has no rollout that runs`);
    return trial;
  }

  #currentVersion(model: string): string {
    const current = this.#parts.versions.serving().find(({ name }) => name === model);
    if (current === undefined) throw new CopresenceError('MODEL_NOT_FOUND', `${model} is not served`);
    return current.version;
  }

  /**
   * Ends a rollout so that no request is lost: to promote, the new version is first served under the model's own name too; then requests go
   * there; and what is not needed any more is unloaded when nothing can wait for it.
   */
  async #settle(rollout: Rollout, { outcome, reason, first, then }: { outcome: RolloutEvent['outcome']; reason: string; first?: Parameters<ModelVersions['serve']>[0]; then: Parameters<ModelVersions['serve']>[0] }): Promise<void> {
    const { versions, clock } = this.#parts;
    const { model, version, rules } = rollout.options;
    const before = this.#currentVersion(model);
    if (first !== undefined) {
      // Decided once: until this is done the rollout goes on as it is.
      this.#deciding.add(model);
      try {
        await versions.serve(first);
      } finally {
        this.#deciding.delete(model);
      }
    }
    this.#trials.set(model, { state: 'settling', version });
    if (outcome === 'promoted') this.#former.set(model, { version: before, untilMs: clock.nowMs() + rules.guardMs });
    this.#report(rollout, outcome, reason);
    await sleep(clock, SETTLE_MS);
    try {
      if (!this.#closed) await versions.serve(then);
    } finally {
      this.#trials.delete(model);
    }
  }

  #review(): void {
    for (const [model, trial] of this.#trials) {
      if (trial.state !== 'running' || this.#deciding.has(model)) continue;
      this.#follow(trial.rollout, trial.rollout.decide());
    }
  }

  #follow(rollout: Rollout, decision: RolloutDecision): void {
    const { model } = rollout.options;
    switch (decision.kind) {
      case 'wait':
        return;
      case 'advance':
        rollout.advance(decision.step);
        return this.#report(rollout, 'advanced', 'rules');
      case 'promote':
        // A version that served all along can hardly fail to load under another name; if it does, the next review tries again.
        return void this.promote(model, 'rules').catch(() => undefined);
      case 'roll-back':
        return void this.rollBack(model, decision.reason).catch(() => undefined);
      default:
        decision satisfies never;
    }
  }

  #report(rollout: Rollout, outcome: RolloutEvent['outcome'], reason: string): void {
    const { model, version } = rollout.options;
    this.#parts.report({ model, version, outcome, reason, percent: outcome === 'promoted' ? 100 : outcome === 'rolled-back' ? 0 : rollout.percent, figures: rollout.figures });
  }
}
