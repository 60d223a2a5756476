/** Suggests capture phases to periodic streams where that lets the devices serve more of them, and stops where it does not. */
import { every, type Clock, type Repeating } from '../../../core/clock.ts';
import type { DevicePool, InferenceRequest, PaceSuggestion, RequestOutcome, SuggestPace } from '../../flow.ts';
import type { SchedulerMetrics } from '../metrics.ts';
import type { BatchPolicy } from '../policy/policy.ts';
import { ModelAlignment, type AlignmentLabel } from './model-alignment.ts';

/** How often each model is looked at. */
const PERIOD_MS = 500;
/** Models whose streams are followed. */
const MODELS = 64;

export interface PhaseAlignerParts {
  readonly clock: Clock;
  readonly pool: DevicePool;
  readonly suggest: SuggestPace;
  /** Which of its sender's streams a request comes from; undefined when its sender cannot move it. */
  readonly streamOf: (request: InferenceRequest) => PaceSuggestion['stream'] | undefined;
  /** From arrival to deadline, by model. */
  readonly budgetMs: (model: string) => number;
}

/** Listens to what a scheduler is given and does; the scheduler asks it for a policy. @bound 64 models. */
export class PhaseAligner {
  readonly #parts: PhaseAlignerParts;
  readonly #models = new Map<string, ModelAlignment>();
  /** By stream of a participant, the model for which it is moved: it cannot be in two places. */
  readonly #claims = new Map<string, ModelAlignment>();
  readonly #repeating: Repeating;

  constructor(parts: PhaseAlignerParts) {
    this.#parts = parts;
    this.#repeating = every(parts.clock, PERIOD_MS, (nowMs) => {
      for (const model of this.#models.values()) model.evaluate(nowMs);
    });
  }

  /** To be called with each request before it is submitted. */
  observe(request: InferenceRequest): void {
    const stream = this.#parts.streamOf(request);
    if (stream === undefined) return;
    this.#modelOf(request.model)?.observe(request, stream);
  }

  /** The policy for a model whose streams are aligned now; undefined for every other. */
  policyFor(model: string): BatchPolicy | undefined {
    return this.#models.get(model)?.policy;
  }

  /** What is done for each model, and why not. */
  states(): { readonly model: string; readonly state: AlignmentLabel }[] {
    return [...this.#models].map(([model, { label }]) => ({ model, state: label }));
  }

  /** Passes everything on, and sees how requests fare. */
  watch(metrics: SchedulerMetrics): SchedulerMetrics {
    return {
      ...metrics,
      requestEnded: (request: InferenceRequest, outcome: RequestOutcome) => {
        metrics.requestEnded(request, outcome);
        this.#models.get(request.model)?.ended(request, outcome);
      },
    };
  }

  close(): void {
    this.#repeating.stop();
  }

  #modelOf(name: string): ModelAlignment | undefined {
    const known = this.#models.get(name);
    if (known !== undefined || this.#models.size >= MODELS) return known;
    const { pool, suggest, budgetMs } = this.#parts;
    const model: ModelAlignment = new ModelAlignment({
      name, pool, suggest, budgetMs: budgetMs(name),
      claim: (key) => {
        const owner = this.#claims.get(key) ?? model;
        this.#claims.set(key, owner);
        return owner === model;
      },
      release: (key) => void this.#claims.delete(key),
    });
    this.#models.set(name, model);
    return model;
  }
}
