/** What a data set is: labelled samples of one layout, and a description that names their content by its digest. */
import { z } from 'zod';
import { LANDMARK_COUNT, XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import { SEEN_WIDTH } from '../../features/hand-path.ts';

/** Samples, labels and steps that a data set has at most; a larger one is refused, not cut. */
export const MAX_SAMPLES = 1_000_000;
export const MAX_LABELS = 1000;
export const MAX_STEPS = 1000;
export const MAX_WIDTH = 4096;
export const MAX_TEXT_CHARACTERS = 20_000;
/** Of float32, in which rows are kept: more would be infinite there. */
export const LARGEST_VALUE = 3.4028234663852886e38;
/** Numbers of one pose of a track: milliseconds since the first, a position in metres, a unit quaternion xyzw. */
export const TRACK_WIDTH = 8;

/** What one step of a sample is. */
export const sampleLayout = z.discriminatedUnion('kind', [
  /** `width` numbers of any meaning. */
  z.strictObject({ kind: z.literal('columns'), width: z.int().min(1).max(MAX_WIDTH) }),
  /** The 25 joints of one XRHand, [25, 3] metres in any frame. */
  z.strictObject({ kind: z.literal('hand') }),
  /** Where a fingertip or controller is on its way, as its owner sees it: right and up, metres, as features/hand-path.ts makes it of a window. */
  z.strictObject({ kind: z.literal('path') }),
  /** One text; has one step. */
  z.strictObject({ kind: z.literal('text') }),
  /** One unbroken movement of a head or a hand, of any length; has one step. */
  z.strictObject({ kind: z.literal('track') }),
]);
export type SampleLayout = z.infer<typeof sampleLayout>;

export const PARTS = ['train', 'validation', 'test'] as const;
export type Part = (typeof PARTS)[number];

const identifier = z.string().min(1).max(200);
/** What counts samples by label is an object, and none has a field of its own that is called `__proto__`. */
export const labelName = z.string().trim().min(1).max(64).refine((name) => name !== '__proto__', '__proto__ cannot be a label');

/** One line of `samples.jsonl`. */
export const labelledSample = z.strictObject({
  id: identifier,
  /** Whose it is; samples of one participant never lie in two parts. */
  participant: identifier,
  /** Who that is, where participants are pieces of one person's time, such as blocks of a film. */
  person: identifier.optional(),
  label: labelName,
  /** Reported apart in evaluations: a device, a hand, a language. */
  group: z.string().min(1).max(64).optional(),
  /** Where the source has cut the set itself. */
  part: z.enum(PARTS).optional(),
  handedness: z.enum(['left', 'right']).optional(),
  /** Of a hand: `camera` for x and y (y up, any unit) of its 21 landmarks in a picture, of either hand, instead of joints. */
  view: z.enum(['tracked', 'camera']).optional(),
  /** [steps, values of one step], of a track [poses, TRACK_WIDTH]; null where a value is missing. */
  values: z.array(z.number().min(-LARGEST_VALUE).max(LARGEST_VALUE).nullable()).optional(),
  text: z.string().max(MAX_TEXT_CHARACTERS).optional(),
});
export type LabelledSample = z.infer<typeof labelledSample>;

const sourceRecord = z.strictObject({
  name: z.string().min(1),
  origin: z.string().min(1),
  licence: z.string().min(1),
  /** Of the file that was read, where it was one. */
  sha256: z.string().optional(),
});
export type SourceRecord = z.infer<typeof sourceRecord>;

export const datasetDescription = z.strictObject({
  format: z.literal('copresence.dataset.v1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  /** The first 16 hexadecimal digits of the digest over layout, steps and samples. */
  version: z.string().regex(/^[0-9a-f]{16}$/),
  layout: sampleLayout,
  steps: z.int().min(1).max(MAX_STEPS),
  /** Sorted; a sample's class is its label's place here. */
  labels: z.array(labelName).min(1).max(MAX_LABELS),
  counts: z.record(z.string(), z.int()),
  participants: z.int().min(1),
  samples: z.strictObject({ sha256: z.string(), bytes: z.int(), count: z.int().min(1).max(MAX_SAMPLES) }),
  sources: z.array(sourceRecord),
  /** How it came to be, oldest first. */
  history: z.array(z.string()),
});
export type DatasetDescription = z.infer<typeof datasetDescription>;

export interface Dataset {
  readonly description: DatasetDescription;
  readonly samples: readonly LabelledSample[];
}

/** The numbers that a sample has: those of each step, or of a camera's view. */
export function valuesOf({ view }: Pick<LabelledSample, 'view'>, layout: SampleLayout, steps: number): number {
  return view === 'camera' ? LANDMARK_COUNT * 2 : valuesPerStep(layout) * steps;
}

/** The numbers in one step of a layout; 0 for texts, and for tracks, which have no steps. */
export function valuesPerStep(layout: SampleLayout): number {
  if (layout.kind === 'hand') return XR_HAND_JOINT_COUNT * 3;
  if (layout.kind === 'path') return SEEN_WIDTH;
  return layout.kind === 'columns' ? layout.width : 0;
}
