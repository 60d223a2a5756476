/** Hands from pictures: search the palms where none is tracked, look at each hand, then name its gesture. */
import { assert } from '../../core/assert.ts';
import { encodeCameraHand } from '../../features/camera-hand.ts';
import type { BatchSummary, DevicePool, InferenceRequest, PictureRegion } from '../flow.ts';
import { modelCostsMs } from './costs.ts';
import { stageDeadlineMs, type PipelineUse } from './deadlines.ts';
import { distinctHands, joinRegions, planHands, tracksAfter, type HandLandmarks, type HandPlan, type HandTracks } from './hand-tracks.ts';
import type { Parent } from './parent.ts';
import { StreamMemory } from './stream-memory.ts';

export interface HandModels {
  readonly detection: string;
  /** What requests name; it gives the landmarks. */
  readonly landmarks: string;
  /** Asked about each hand that is found; nobody is where it is left out. */
  readonly gesture?: { readonly model: string; readonly deadlineMs: number; readonly priority: number } | undefined;
}

export interface HandsPipelineParts {
  readonly pool: DevicePool;
  readonly nowMs: () => number;
  readonly models: HandModels;
  /** Takes a gesture request, whose outcome is a result of its own. */
  readonly submit: (request: InferenceRequest) => void;
  readonly nextId: () => number;
}

/** Hands per picture that the time of the landmark stage is planned for. */
const PLANNED_HANDS = 2;
const EMPTY: HandTracks = { regions: [], sinceDetection: 0, lastMs: -Infinity };

/** One picture on its way. */
interface Look {
  readonly parent: Parent;
  readonly stream: string;
  readonly order: number;
  readonly plan: HandPlan;
}

export class HandsPipeline {
  readonly #parts: HandsPipelineParts;
  readonly #tracks: StreamMemory<HandTracks>;
  #pictures = 0;
  #searches = 0;

  constructor(parts: HandsPipelineParts, capacity: number) {
    this.#parts = parts;
    this.#tracks = new StreamMemory(capacity);
  }

  /** Pictures looked at so far, and those of them that had to be searched. */
  get counts(): { readonly pictures: number; readonly searches: number } {
    return { pictures: this.#pictures, searches: this.#searches };
  }

  /** Starts on a picture. @param stream - the participant's. */
  start(parent: Parent, stream: string): void {
    const known = this.#tracks.get(stream);
    const plan = planHands(known, parent.request.arrivedMs);
    const look = { parent, stream, order: ++this.#pictures, plan };
    if (!plan.detect) return this.#lookAt(look, plan.regions, undefined);
    this.#searches++;
    // Counted from now on, so that pictures which come while this one is searched are not searched as well.
    if (known !== undefined) this.#tracks.set(stream, { ...known, sinceDetection: 0 }, this.#tracks.lastOrder(stream));
    const { detection } = this.#parts.models;
    const costsMs = modelCostsMs(this.#parts.pool, [detection, ...new Array<string>(PLANNED_HANDS).fill(parent.request.model)]);
    const deadlineMs = stageDeadlineMs(parent.request, costsMs, 0);
    parent.run({ model: detection, part: 'detection', deadlineMs }, (value, batch) => {
      assert(value.task === 'hand-detection', `${detection} gave ${value.task}`);
      this.#lookAt(look, joinRegions(plan.regions, value.hands), batch);
    });
  }

  forget(stream: string): void {
    this.#tracks.delete(stream);
  }

  /** How the time is shared out, for the scheduler's batch caps. */
  use(deadlineMs: number): PipelineUse {
    const { detection, landmarks } = this.#parts.models;
    const [detectionMs = 1, landmarksMs = 1] = modelCostsMs(this.#parts.pool, [detection, landmarks]);
    return { deadlineMs, stages: [{ model: detection, costMs: detectionMs }, { model: landmarks, costMs: PLANNED_HANDS * landmarksMs }] };
  }

  #lookAt(look: Look, regions: readonly PictureRegion[], searched: BatchSummary | undefined): void {
    const { parent, stream, order } = look;
    // A later picture has been answered by now, so this one would only take its place.
    if (this.#tracks.lastOrder(stream) > order) return parent.end({ kind: 'superseded' });
    if (regions.length === 0) {
      assert(searched !== undefined, 'nothing to look at, and nothing searched');
      return this.#finish(look, [], searched);
    }
    const found: HandLandmarks[] = [];
    // Whoever sent the request may have chosen a lighter or a better one of the models that do this.
    const { model } = parent.request;
    regions.forEach((region, index) => {
      parent.run({ model, part: `landmarks-${index}`, region, deadlineMs: parent.request.deadlineMs }, (value, batch) => {
        assert(value.task === 'hand-landmarks', `${model} gave ${value.task}`);
        found.push(value);
        if (found.length === regions.length) this.#finish(look, distinctHands(found), batch);
      });
    });
  }

  #finish({ parent, stream, order, plan }: Look, hands: readonly HandLandmarks[], batch: BatchSummary): void {
    const { arrivedMs } = parent.request;
    const before = this.#tracks.get(stream) ?? EMPTY;
    if (!this.#tracks.set(stream, tracksAfter(plan, before, hands, arrivedMs), order)) return parent.end({ kind: 'superseded' });
    const said = hands.map(({ hand, landmarks, world, presence }) => ({ hand, landmarks: [...landmarks], world: [...world], score: presence }));
    parent.end({ kind: 'done', value: { task: 'hands', hands: said }, batch });
    for (const hand of hands) this.#askForGesture(parent.request, hand);
  }

  /** The gesture has its own time: what the hand took is spent, and its model is a thousand times faster. */
  #askForGesture({ onOutcome: _, region: __, ...picture }: InferenceRequest, { hand, world }: HandLandmarks): void {
    const { gesture } = this.#parts.models;
    if (gesture === undefined) return;
    this.#parts.submit({
      ...picture,
      id: this.#parts.nextId(),
      task: 'gesture',
      model: gesture.model,
      streamId: `${picture.streamId}/gesture-${hand}`,
      origin: { ...picture.origin, part: hand },
      payload: encodeCameraHand(world),
      deadlineMs: this.#parts.nowMs() + gesture.deadlineMs,
      priority: gesture.priority,
    });
  }
}
