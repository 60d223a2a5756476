/** Pipelines before a scheduler on simulated devices, on a clock that stands still, with a book of how everything ended. */
import { ManualClock } from '../../../core/clock.ts';
import type { Task } from '../../../core/tasks.ts';
import type { Batch, InferenceRequest, ItemOutcome, PictureRegion, RequestOutcome, StageValue } from '../../../server/flow.ts';
import { Pipelines } from '../../../server/pipeline/pipelines.ts';
import { createScheduler } from '../../../server/scheduler/scheduler.ts';
import { latencyTable, SimulatedDevice, SimulatedPool } from '../../support/simulated-device.ts';

/** What each model costs: palms 20 + 1, hands 4 + 1, keypoints 8 + 1, bodies 12 + 1, gestures 0 + 0.1. */
const COSTS = { palms: [20, 1], hand: [4, 1], keypoints: [8, 1], body: [12, 1], gesture: [0, 0.1] } as const;

export type HandLook = Extract<StageValue, { task: 'hand-landmarks' }>;

export function regionAt(centreX: number, centreY = 0.5, side = 0.2): PictureRegion {
  return { centreX, centreY, side, angle: 0 };
}

export function handAt(region: PictureRegion, presence = 0.9, hand: 'left' | 'right' = 'right'): HandLook {
  return { task: 'hand-landmarks', hand, presence, landmarks: new Array<number>(63).fill(0.5), world: new Array<number>(63).fill(0), next: region };
}

/** 17 keypoints of a body that stands upright in the middle. */
export function standing(score: number): number[] {
  const y = [0.2, 0.19, 0.19, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5, 0.5, 0.5, 0.65, 0.65, 0.8, 0.8];
  return y.flatMap((at, joint) => [0.5 + (joint % 2 === 1 ? 0.04 : -0.04), at, score]);
}

export interface Script {
  /** Where the palm detector finds hands. */
  palms: (request: InferenceRequest) => readonly PictureRegion[];
  /** What the hand model sees in a region. */
  hand: (region: PictureRegion, request: InferenceRequest) => HandLook;
  bodyPresence: number;
  keypointScore: number;
  /** In place of the value. */
  fail: (batch: Batch, at: number) => ItemOutcome | undefined;
}

export class PipelineWorld {
  readonly clock = new ManualClock(1000);
  readonly pool = new SimulatedPool([]);
  readonly script: Script = { palms: () => [regionAt(0.3)], hand: (region) => handAt(region), bodyPresence: 0.95, keypointScore: 0.9, fail: () => undefined };
  readonly submitted: InferenceRequest[] = [];
  readonly ended: { readonly request: InferenceRequest; readonly outcome: RequestOutcome; readonly atMs: number }[] = [];
  readonly pipelines: Pipelines;
  #deviceId = 0;

  constructor(options: { readonly devices?: number; readonly share?: number } = {}) {
    for (let at = 0; at < (options.devices ?? 1); at++) this.addDevice(options.share ?? 1);
    const { clock, pool } = this;
    const onOutcome = (request: InferenceRequest, outcome: RequestOutcome): void => void this.ended.push({ request, outcome, atMs: clock.nowMs() });
    const scheduler = createScheduler({ clock, pool, onOutcome }, { queueCapacity: 64, budgetMs: (model) => this.pipelines.budgetMs(model) });
    this.pipelines = new Pipelines(
      { clock, pool, scheduler: () => scheduler, onOutcome, pictureSize: () => ({ width: 640, height: 480 }) },
      {
        hands: { detection: 'palms', landmarks: 'hand', gesture: { model: 'gesture', deadlineMs: 60, priority: 0 } },
        body: { keypoints: 'keypoints', landmarks: 'body' },
        capacity: 4,
        deadlinesMs: { hands: 200, body: 200 },
        single: [{ model: 'keypoints', deadlineMs: 150 }, { model: 'gesture', deadlineMs: 60 }],
      },
    );
  }

  addDevice(share = 1): SimulatedDevice {
    const latency = new Map(Object.entries(COSTS).map(([model, [base, each]]) => [model, latencyTable(4, (size) => base + each * size)]));
    const device = new SimulatedDevice({
      clock: this.clock,
      id: `device-${this.#deviceId++}`,
      latency,
      runMs: (batch) => share * (latency.get(batch.model)?.latencyMs(batch.requests.length) ?? 0),
      itemFor: (batch, at) => this.script.fail(batch, at) ?? { kind: 'done', value: this.#valueOf(batch, at) },
    });
    this.pool.add(device);
    return device;
  }

  /** A picture of the participant in `slot`. */
  submit(task: Task, slot = 0, budgetMs = 200): InferenceRequest {
    const nowMs = this.clock.nowMs();
    const request: InferenceRequest = {
      id: this.submitted.length + 1,
      task,
      model: { hands: 'hand', 'body-3d': 'body', 'body-pose': 'keypoints', gesture: 'gesture', 'dynamic-gesture': 'movement', language: 'language' }[task],
      streamId: `s/${slot}/${task}/camera`,
      origin: { sessionId: 's', slot, part: 'camera' },
      payload: Uint8Array.of(slot),
      encoding: 'task',
      tenant: 'studio',
      captureMs: nowMs,
      arrivedMs: nowMs,
      deadlineMs: nowMs + budgetMs,
      priority: 1,
    };
    this.submitted.push(request);
    this.pipelines.submit(request);
    return request;
  }

  advance(deltaMs: number): Promise<void> {
    return this.clock.advanceAsync(deltaMs);
  }

  /** How a request ended, each time that it did. */
  endsOf(request: InferenceRequest): RequestOutcome[] {
    return this.ended.filter((ended) => ended.request === request).map(({ outcome }) => outcome);
  }

  get gestures(): InferenceRequest[] {
    return this.ended.filter(({ request }) => request.task === 'gesture').map(({ request }) => request);
  }

  /** Every batch of a model, as how many requests it held. */
  batchSizes(model: string): number[] {
    return this.pool.devices.flatMap(({ batches }) => batches.filter((batch) => batch.model === model).map(({ requests }) => requests.length));
  }

  #valueOf(batch: Batch, at: number): Extract<ItemOutcome, { kind: 'done' }>['value'] {
    const request = batch.requests[at];
    if (request === undefined) throw new Error('no such request');
    const region = request.region ?? regionAt(0.5, 0.5, 1);
    switch (batch.model) {
      case 'palms':
        return { task: 'hand-detection', hands: this.script.palms(request).map((place) => ({ region: place, score: 0.9 })) };
      case 'hand':
        return this.script.hand(region, request);
      case 'keypoints':
        return { task: 'body-pose', keypoints: standing(this.script.keypointScore), score: this.script.keypointScore };
      case 'body':
        return { task: 'body-landmarks', presence: this.script.bodyPresence, landmarks: new Array<number>(132).fill(0.5), world: new Array<number>(99).fill(0), next: region };
      default:
        return { task: 'gesture', source: 'camera', hand: 'right', label: 'fist', score: 0.9 };
    }
  }
}
