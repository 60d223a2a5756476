/** The ways to use camera data beside tracked hands that were compared; one of them ships. */
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import type { GestureData } from './data.ts';
import { joinSamples } from './samples.ts';
import type { SampleSet } from './samples.ts';

/** What one variant trains on, and how it sees every set. */
export interface Variant {
  readonly name: string;
  readonly summary: string;
  readonly train: (data: GestureData) => SampleSet;
  readonly validation: (data: GestureData) => readonly SampleSet[];
  /** Changes the rows of every set before the network sees them. */
  readonly adapt: (set: SampleSet) => SampleSet;
}

/** Marks all rows as having depth, so that a network cannot tell a camera from a tracker. */
function withoutDepthFlag(set: SampleSet): SampleSet {
  const features = set.features.slice();
  for (let at = HAND_FEATURE_COUNT - 1; at < features.length; at += HAND_FEATURE_COUNT) features[at] = 1;
  return { ...set, features };
}

const asIs = (set: SampleSet): SampleSet => set;

export const SHIPPED: Variant = {
  name: 'poses + views + frames',
  summary: 'tracked poses, camera views drawn from them, and real camera frames; a feature says whether depth is known',
  train: (data) => joinSamples([data.trackedTrain, data.cameraTrain, data.framesTrain]),
  validation: (data) => [data.trackedValidation, data.framesValidation],
  adapt: asIs,
};

export const VARIANTS: readonly Variant[] = [
  {
    name: 'poses',
    summary: 'tracked poses only; camera frames are read as if they had depth',
    train: (data) => data.trackedTrain,
    validation: (data) => [data.trackedValidation],
    adapt: withoutDepthFlag,
  },
  {
    name: 'poses + views',
    summary: 'tracked poses and camera views drawn from them; no real frame',
    train: (data) => joinSamples([data.trackedTrain, data.cameraTrain]),
    validation: (data) => [data.trackedValidation],
    adapt: asIs,
  },
  { ...SHIPPED, name: 'no depth flag', summary: 'as shipped, but no feature says whether depth is known', adapt: withoutDepthFlag },
  SHIPPED,
];
