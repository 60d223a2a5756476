/** Bodies in 3D from pictures: find the body by its 2D keypoints where it is not tracked, then look at it closely. */
import { assert } from '../../core/assert.ts';
import type { DevicePool, ModelValue, PictureRegion } from '../flow.ts';
import { bodyRegion, MIN_BODY_PRESENCE, trackedBody, type BodyTrack, type PictureSize } from './body-track.ts';
import { modelCostsMs } from './costs.ts';
import { stageDeadlineMs, type PipelineUse } from './deadlines.ts';
import type { Parent } from './parent.ts';
import { StreamMemory } from './stream-memory.ts';

export interface BodyModels {
  /** Gives 2D keypoints: the model of the task `body-pose`, whose queue and batches it shares. */
  readonly keypoints: string;
  /** What requests name; it gives the landmarks. */
  readonly landmarks: string;
}

export interface BodyPipelineParts {
  readonly pool: DevicePool;
  readonly models: BodyModels;
  /** A picture's size from its header; undefined when it has none that can be read. */
  readonly pictureSize: (payload: Uint8Array) => PictureSize | undefined;
}

interface Look {
  readonly parent: Parent;
  readonly stream: string;
  readonly order: number;
}

export class BodyPipeline {
  readonly #parts: BodyPipelineParts;
  /** Undefined in it: the last picture showed nobody. */
  readonly #tracks: StreamMemory<BodyTrack | undefined>;
  #pictures = 0;
  #searches = 0;

  constructor(parts: BodyPipelineParts, capacity: number) {
    this.#parts = parts;
    this.#tracks = new StreamMemory(capacity);
  }

  /** Pictures looked at so far, and those of them that had to be searched. */
  get counts(): { readonly pictures: number; readonly searches: number } {
    return { pictures: this.#pictures, searches: this.#searches };
  }

  /** Starts on a picture. @param stream - the participant's. */
  start(parent: Parent, stream: string): void {
    const look = { parent, stream, order: ++this.#pictures };
    const region = trackedBody(this.#tracks.get(stream), parent.request.arrivedMs);
    if (region !== undefined) return this.#lookAt(look, region);
    this.#searches++;
    const { keypoints } = this.#parts.models;
    const deadlineMs = stageDeadlineMs(parent.request, modelCostsMs(this.#parts.pool, [keypoints, parent.request.model]), 0);
    parent.run({ model: keypoints, part: 'keypoints', deadlineMs }, (value) => this.#lookAt(look, this.#regionIn(parent, value)));
  }

  forget(stream: string): void {
    this.#tracks.delete(stream);
  }

  /** How the time is shared out, for the scheduler's batch caps. */
  use(deadlineMs: number): PipelineUse {
    const models = [this.#parts.models.keypoints, this.#parts.models.landmarks];
    const costsMs = modelCostsMs(this.#parts.pool, models);
    return { deadlineMs, stages: models.map((model, index) => ({ model, costMs: costsMs[index] ?? 1 })) };
  }

  #regionIn({ request }: Parent, value: ModelValue): PictureRegion | undefined {
    assert(value.task === 'body-pose', `${this.#parts.models.keypoints} gave ${value.task}`);
    const size = this.#parts.pictureSize(request.payload);
    return size === undefined ? undefined : bodyRegion(value, size);
  }

  /** @param region - the whole picture where left out. */
  #lookAt({ parent, stream, order }: Look, region: PictureRegion | undefined): void {
    if (this.#tracks.lastOrder(stream) > order) return parent.end({ kind: 'superseded' });
    const { deadlineMs, arrivedMs, model } = parent.request;
    parent.run({ model, part: 'landmarks', region, deadlineMs }, (value, batch) => {
      assert(value.task === 'body-landmarks', `${model} gave ${value.task}`);
      const track = value.presence >= MIN_BODY_PRESENCE ? { region: value.next, lastMs: arrivedMs } : undefined;
      if (!this.#tracks.set(stream, track, order)) return parent.end({ kind: 'superseded' });
      parent.end({ kind: 'done', value: { task: 'body-3d', landmarks: [...value.landmarks], world: [...value.world], score: value.presence }, batch });
    });
  }
}
