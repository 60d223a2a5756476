/** One request that several models answer: its stages, and its one end. */
import type { BatchSummary, InferenceRequest, ModelValue, OutcomeListener, PictureRegion, RequestOutcome } from '../flow.ts';

/** One step on the way to the result. */
export interface Stage {
  readonly model: string;
  /** Names the stage's own stream within the parent's. */
  readonly part: string;
  readonly deadlineMs: number;
  readonly region?: PictureRegion | undefined;
}

export interface ParentPorts {
  readonly submit: (request: InferenceRequest) => void;
  readonly nextId: () => number;
  /** Hears of the end. */
  readonly onOutcome: OutcomeListener;
}

/** Ends exactly once, whatever its stages do afterwards. */
export class Parent {
  readonly request: InferenceRequest;
  readonly #ports: ParentPorts;
  #ended = false;

  constructor(request: InferenceRequest, ports: ParentPorts) {
    this.request = request;
    this.#ports = ports;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** A second end is no end: of two stages that run side by side, the first to fail decides. */
  end(outcome: RequestOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ports.onOutcome(this.request, outcome);
  }

  /**
   * Has a model look at the parent's payload. Where it gives no value, the parent ends as the stage did.
   *
   * @param then - called with the value, unless the parent has ended meanwhile; possibly before this returns.
   */
  run(stage: Stage, then: (value: ModelValue, batch: BatchSummary) => void): void {
    const { request } = this;
    const { region, ...whole } = request;
    const own = stage.region ?? region;
    this.#ports.submit({
      ...whole,
      ...(own === undefined ? {} : { region: own }),
      id: this.#ports.nextId(),
      model: stage.model,
      streamId: `${request.streamId}/${stage.part}`,
      deadlineMs: stage.deadlineMs,
      onOutcome: (_, outcome) => {
        if (this.#ended) return;
        if (outcome.kind === 'done') then(outcome.value, outcome.batch);
        else this.end(outcome);
      },
    });
  }
}
