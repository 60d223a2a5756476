/** The Open Inference Protocol behind its transports: what models there are, and calls that become requests of the scheduler. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ModelTask, Task } from '../../core/tasks.ts';
import { DATATYPES } from '../../protocol/oip/datatypes.ts';
import type { InferAnswer, InferCall, ModelMetadata, TensorMetadata } from '../../protocol/oip/infer.ts';
import { OIP_LIMITS } from '../../protocol/oip/limits.ts';
import type { TensorSpec } from '../../registry/manifest.ts';
import type { DevicePool, InferenceRequest, InferenceScheduler, RequestOutcome } from '../flow.ts';
import { joinRows, readRows, wantedOutputs } from './oip-rows.ts';

/** A model as callers see it. */
export interface OipModel {
  readonly name: string;
  readonly version: string;
  readonly task: ModelTask;
  /** What computes it: `cpu`, `cuda`, `tfjs-wasm`. */
  readonly provider: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface OipServiceParts {
  readonly clock: Clock;
  readonly scheduler: Pick<InferenceScheduler, 'submit' | 'forget'>;
  readonly pool: DevicePool;
  readonly version: string;
  /** Those that are served now. */
  readonly models: () => readonly OipModel[];
  /** Why the server is not ready, or undefined when it is. */
  readonly notReady: () => string | undefined;
  /** Counts a call: `ok` or the code of its refusal. */
  readonly count: (model: string, outcome: string) => void;
}

/** Who calls. */
export interface OipCaller {
  readonly tenant: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The rows of one call; all have the same origin and deadline. */
interface Submission {
  readonly sessionId: string;
  readonly deadlineMs: number;
  readonly requests: readonly InferenceRequest[];
}

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** How models of more than one step are counted. */
const TASK_OF: Readonly<Record<ModelTask, Task>> = {
  'body-pose': 'body-pose',
  'body-landmarks': 'body-3d',
  'hand-detection': 'hands',
  'hand-landmarks': 'hands',
  gesture: 'gesture',
  'dynamic-gesture': 'dynamic-gesture',
  language: 'language',
  classification: 'language',
  'pose-prediction': 'gesture',
};
/** Sessions have the classes below: whoever stands in a room goes before whoever calls from outside. */
const MOST_URGENT_CLASS = 2;
const DEFAULT_CLASS = 3;
const LEAST_URGENT_CLASS = 4;
/** After a deadline the scheduler, which knows why, has the first word; a row that a device works on has no other. */
const EXPIRY_GRACE_MS = 20;
const EXPIRED = 'no answer before the deadline';

export class OipService {
  readonly #parts: OipServiceParts;
  #calls = 0;
  #requests = 0;

  constructor(parts: OipServiceParts) {
    this.#parts = parts;
  }

  get metadata(): ServerMetadata {
    return { name: 'copresence', version: this.#parts.version, extensions: ['binary_tensor_data', 'model_repository'] };
  }

  /** Why the server is not ready, or undefined when it is. */
  get notReady(): string | undefined {
    return this.#parts.notReady();
  }

  get models(): readonly OipModel[] {
    return this.#parts.models();
  }

  /** @param version - empty for whichever is served. @throws CopresenceError MODEL_NOT_FOUND. */
  model(name: string, version: string): OipModel {
    const model = this.models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new CopresenceError('MODEL_NOT_FOUND', `no model ${JSON.stringify(name.slice(0, 64))}`);
    if (version !== '' && version !== model.version) throw new CopresenceError('MODEL_NOT_FOUND', `${name} is served in version ${model.version}`);
    return model;
  }

  /** @throws CopresenceError MODEL_NOT_FOUND. */
  describe(name: string, version: string): ModelMetadata {
    const model = this.model(name, version);
    const { inputs, outputs, provider } = model;
    return { name: model.name, versions: [model.version], platform: provider, inputs: inputs.map(toMetadata), outputs: outputs.map(toMetadata) };
  }

  /** Whether a device could run the model now. */
  isReady(model: OipModel): boolean {
    return this.notReady === undefined && this.#parts.pool.devices.some(({ state, latency }) => (state === 'idle' || state === 'busy') && latency.has(model.name));
  }

  /** Counts how a call ends: as `ok` or with the code of its refusal. */
  async counted<Result>(model: string, call: () => Promise<Result>): Promise<Result> {
    // A name that a stranger made up is no label.
    const label = this.models.some(({ name }) => name === model) ? model : '';
    try {
      const result = await call();
      this.#parts.count(label, 'ok');
      return result;
    } catch (error) {
      this.#parts.count(label, error instanceof CopresenceError ? error.code : 'bug');
      throw error;
    }
  }

  /**
   * Answers a call: each row is a request of the scheduler, all of them or none are answered.
   *
   * @throws CopresenceError MODEL_NOT_FOUND; TENSOR_INVALID; REQUEST_EXPIRED when the last row was not answered in time;
   * MODEL_OVERLOADED or SERVER_DRAINING when a row was refused; MODEL_UNAVAILABLE when no device could run it;
   * CONNECTION_LOST when the caller went; the code with which the model failed.
   */
  async infer(call: InferCall, caller: OipCaller): Promise<InferAnswer> {
    const model = this.model(call.model, call.version);
    const wanted = wantedOutputs(model.outputs, call.outputs);
    const { payloads, symbolicSize } = readRows(model.inputs, call.inputs);
    const arrivedMs = this.#parts.clock.nowMs();
    const sessionId = `oip/${this.#calls++}`;
    const deadlineMs = arrivedMs + Math.min(call.timeoutMs ?? OIP_LIMITS.defaultTimeoutMs, OIP_LIMITS.maxTimeoutMs);
    const requests = payloads.map((payload, row): InferenceRequest => ({
      // The ids of sessions go up from 1.
      id: --this.#requests,
      task: TASK_OF[model.task],
      model: model.name,
      streamId: `${sessionId}/${row}`,
      origin: { sessionId, slot: 0, part: String(row) },
      payload,
      encoding: 'tensors',
      tenant: caller.tenant,
      captureMs: arrivedMs,
      arrivedMs,
      deadlineMs,
      priority: priorityClass(call.priority),
    }));
    const { rows, version } = await this.#submit({ sessionId, deadlineMs, requests }, caller.signal);
    return { model: model.name, version, id: call.id, outputs: joinRows(model.outputs, wanted, rows, symbolicSize) };
  }

  /** Submits every row and resolves with their outputs, or rejects with the first failure and gives the others up. */
  #submit({ sessionId, deadlineMs, requests }: Submission, signal: AbortSignal): Promise<{ rows: Uint8Array[]; version: string }> {
    const { scheduler, clock } = this.#parts;
    const rows = new Array<Uint8Array>(requests.length);
    let missing = requests.length;
    let isOver = false;
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        if (isOver) return;
        isOver = true;
        signal.removeEventListener('abort', onGone);
        expiry.cancel();
        scheduler.forget(sessionId, 0);
        act();
      };
      const onGone = (): void => end(() => reject(new CopresenceError('CONNECTION_LOST', 'the caller went')));
      const expiry = clock.schedule(deadlineMs + EXPIRY_GRACE_MS - clock.nowMs(), () => end(() => reject(new CopresenceError('REQUEST_EXPIRED', EXPIRED))));
      if (signal.aborted) return onGone();
      signal.addEventListener('abort', onGone);
      requests.forEach((request, row) => {
        if (isOver) return;
        const onOutcome = (_: InferenceRequest, outcome: RequestOutcome): void => {
          if (isOver) return;
          const failure = whyNot(outcome);
          if (failure !== undefined) return end(() => reject(failure));
          if (outcome.kind !== 'done' || outcome.value.task !== 'tensors') return;
          rows[row] = outcome.value.outputs;
          missing--;
          const { modelVersion } = outcome.batch;
          if (missing === 0) end(() => resolve({ rows, version: modelVersion }));
        };
        scheduler.submit({ ...request, onOutcome });
      });
    });
  }
}

function whyNot(outcome: RequestOutcome): CopresenceError | undefined {
  switch (outcome.kind) {
    case 'done':
      return outcome.value.task === 'tensors' ? undefined : new CopresenceError('MODEL_FAILED', 'no tensors came back');
    case 'failed':
      return new CopresenceError(outcome.code, 'the model could not run on a row');
    case 'expired':
      return new CopresenceError('REQUEST_EXPIRED', EXPIRED);
    case 'superseded':
    case 'unavailable':
      return new CopresenceError('MODEL_UNAVAILABLE', 'no device can run the model now');
    case 'shed':
      return outcome.reason === 'closing' ? new CopresenceError('SERVER_DRAINING', 'the server is going down') : new CopresenceError('MODEL_OVERLOADED', `refused: ${outcome.reason}`);
    default:
      return outcome satisfies never;
  }
}

/** As in Triton 1 is the most urgent and 0 the default. */
function priorityClass(priority: number): number {
  if (priority === 0) return DEFAULT_CLASS;
  return Math.min(MOST_URGENT_CLASS - 1 + priority, LEAST_URGENT_CLASS);
}

function toMetadata({ name, dtype, shape }: TensorSpec): TensorMetadata {
  return { name, datatype: DATATYPES[dtype], shape: shape.map((size) => (typeof size === 'number' ? size : -1)) };
}
