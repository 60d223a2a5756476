/** Stands in front of the scheduler: takes the tasks that several models answer, and passes the others on. */
import type { Clock } from '../../core/clock.ts';
import type { DevicePool, InferenceRequest, InferenceScheduler, OutcomeListener } from '../flow.ts';
import { BodyPipeline, type BodyModels } from './body-pipeline.ts';
import type { PictureSize } from './body-track.ts';
import { stageBudgetMs, type PipelineUse } from './deadlines.ts';
import { HandsPipeline, type HandModels } from './hands-pipeline.ts';
import { Parent } from './parent.ts';

export interface PipelinesParts {
  readonly clock: Clock;
  readonly pool: DevicePool;
  /** Where the stages go. Named late, since the scheduler asks for its budgets here. */
  readonly scheduler: () => InferenceScheduler;
  /** Hears how each request with several stages ended, where the request names nobody itself. */
  readonly onOutcome: OutcomeListener;
  readonly pictureSize: (payload: Uint8Array) => PictureSize | undefined;
}

export interface PipelinesOptions {
  readonly hands: HandModels;
  readonly body: BodyModels;
  /** Participants whose hands and bodies are tracked at once. */
  readonly capacity: number;
  /** What is answered, and how long that may take: the pipelines by the models of their stages, other tasks by their one model. */
  readonly deadlinesMs: { readonly hands?: number | undefined; readonly body?: number | undefined };
  readonly single: readonly { readonly model: string; readonly deadlineMs: number }[];
}

/** Ids of stages, apart from those of the requests that come from sessions. */
const FIRST_STAGE_ID = 2 ** 40;

/** Each request ends exactly once, as with the scheduler behind it. */
export class Pipelines implements InferenceScheduler {
  readonly hands: HandsPipeline;
  readonly body: BodyPipeline;
  readonly #parts: PipelinesParts;
  readonly #options: PipelinesOptions;
  /** By participant, what has not ended yet. */
  readonly #live = new Map<string, Set<Parent>>();
  #stageId = FIRST_STAGE_ID;

  constructor(parts: PipelinesParts, options: PipelinesOptions) {
    const { clock, pool, pictureSize } = parts;
    this.#parts = parts;
    this.#options = options;
    const submit = (request: InferenceRequest): void => parts.scheduler().submit(request);
    this.hands = new HandsPipeline({ pool, nowMs: () => clock.nowMs(), models: options.hands, submit, nextId: () => this.#nextId() }, options.capacity);
    this.body = new BodyPipeline({ pool, models: options.body, pictureSize }, options.capacity);
  }

  submit(request: InferenceRequest): void {
    // Rows of tensors are for one model, whatever it does.
    if (request.encoding === 'tensors') return this.#parts.scheduler().submit(request);
    switch (request.task) {
      case 'hands':
        return this.hands.start(this.#begin(request), streamOf(request.origin));
      case 'body-3d':
        return this.body.start(this.#begin(request), streamOf(request.origin));
      case 'body-pose':
      case 'gesture':
      case 'dynamic-gesture':
      case 'language':
        return this.#parts.scheduler().submit(request);
      default:
        request.task satisfies never;
    }
  }

  forget(sessionId: string, slot: number): void {
    const stream = streamOf({ sessionId, slot });
    this.#parts.scheduler().forget(sessionId, slot);
    // Those with a stage on a device: what it gives is not asked for any more, and leads to nothing further.
    for (const parent of [...(this.#live.get(stream) ?? [])]) parent.end({ kind: 'superseded' });
    this.hands.forget(stream);
    this.body.forget(stream);
  }

  close(): void {
    this.#parts.scheduler().close();
  }

  /** Requests that have not ended yet. */
  get liveCount(): number {
    return [...this.#live.values()].reduce((sum, live) => sum + live.size, 0);
  }

  /**
   * What is left of a request's time when it reaches a model, for the scheduler's batch cap. A model that answers a
   * task alone keeps that task's whole time, also where a pipeline with less time shares it: else it would be refused.
   */
  budgetMs(model: string): number {
    const { single, deadlinesMs } = this.#options;
    const alone = single.find((route) => route.model === model);
    if (alone !== undefined) return alone.deadlineMs;
    const uses: PipelineUse[] = [];
    if (deadlinesMs.hands !== undefined) uses.push(this.hands.use(deadlinesMs.hands));
    if (deadlinesMs.body !== undefined) uses.push(this.body.use(deadlinesMs.body));
    return stageBudgetMs(uses, model);
  }

  #begin(request: InferenceRequest): Parent {
    const { scheduler, onOutcome } = this.#parts;
    const stream = streamOf(request.origin);
    const live = this.#live.get(stream) ?? new Set();
    this.#live.set(stream, live);
    const ended: OutcomeListener = (_, outcome) => {
      live.delete(parent);
      if (live.size === 0 && this.#live.get(stream) === live) this.#live.delete(stream);
      (request.onOutcome ?? onOutcome)(request, outcome);
    };
    const parent = new Parent(request, { submit: (stage) => scheduler().submit(stage), nextId: () => this.#nextId(), onOutcome: ended });
    live.add(parent);
    return parent;
  }

  #nextId(): number {
    return ++this.#stageId;
  }
}

/** A participant has one camera, so their place in the session names what is tracked of it. */
function streamOf({ sessionId, slot }: { readonly sessionId: string; readonly slot: number }): string {
  return `${sessionId}/${slot}`;
}
