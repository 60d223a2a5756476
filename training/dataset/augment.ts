/** Makes more samples of hands and of sequences: mirrored, turned, scaled, warped in time, with noise and with joints missing. */
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import { randomBetween, randomNormal } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { stretchedView } from '../hands/camera-view.ts';
import { augmentPaths } from './augment-paths.ts';
import { warpTime } from './warp-time.ts';
import type { LabelledSample, SampleLayout } from './dataset.ts';
import { valuesPerStep } from './dataset.ts';

export interface AugmentationOptions {
  /** Further samples made of each. */
  readonly copies: number;
  /** Hands only: the other hand makes the same gesture. */
  readonly mirror: boolean;
  /** Paths only: by label, what its mirror image is called; a label that is not here is not mirrored. */
  readonly mirrored: Readonly<Record<string, string>>;
  /** Turned by up to so many degrees either way: hands about +Y, paths in the plane that they are seen on. */
  readonly rotateDegrees: number;
  /** Paths only: narrower in some direction by up to this share, as when seen at a slant. */
  readonly slant: number;
  /** Longer or shorter by up to this share: bones of hands, paths as a whole. */
  readonly scale: number;
  /** Sequences only: the pace changes by up to this share within the window. */
  readonly timeWarp: number;
  /** Deviation of noise: metres for hands and paths, share of a column's own deviation for columns. */
  readonly noise: number;
  /** The chance of each joint of a hand to be lost, which then lies on its neighbour, as trackers leave it; and of each place of a path, which then lies between its neighbours. */
  readonly jointDropout: number;
  /** Views of a camera only: stretched along some direction by up to this share. */
  readonly stretch: number;
  /** Views of a camera only: deviation of noise, as a share of the hand. */
  readonly viewNoise: number;
}

export const NO_AUGMENTATION: AugmentationOptions = { copies: 0, mirror: false, mirrored: {}, rotateDegrees: 0, slant: 0, scale: 0, timeWarp: 0, noise: 0, jointDropout: 0, stretch: 0, viewNoise: 0 };

/** The samples and `copies` of each, drawn anew; texts are given back as they are. Only training parts may be augmented. */
export function augmentSamples(
  samples: readonly LabelledSample[], shape: { layout: SampleLayout; steps: number }, options: AugmentationOptions, random: Random,
): LabelledSample[] {
  if (shape.layout.kind === 'text' || options.copies === 0) return [...samples];
  if (shape.layout.kind === 'path') return augmentPaths(samples, options, random);
  const deviations = shape.layout.kind === 'columns' ? columnDeviations(samples) : undefined;
  const copies = samples.flatMap((sample) => Array.from({ length: options.copies }, (_, copy): LabelledSample => {
    const id = `${sample.id}~${copy + 1}`;
    // A view has no depth to turn in, and its features do not change when it is mirrored.
    if (sample.view === 'camera') return { ...sample, id, values: stretchedView(random, sample.values ?? [], { stretch: options.stretch, noise: options.viewNoise }) };
    return { ...sample, id, ...varied(sample, shape, options, deviations, random) };
  }));
  return [...samples, ...copies];
}

function varied(
  sample: LabelledSample, shape: { layout: SampleLayout; steps: number }, options: AugmentationOptions, deviations: readonly number[] | undefined, random: Random,
): Pick<LabelledSample, 'values' | 'handedness'> {
  let values = warpTime(sample.values ?? [], valuesPerStep(shape.layout), shape.steps, randomBetween(random, -options.timeWarp, options.timeWarp));
  let handedness = sample.handedness;
  if (deviations === undefined) {
    if (options.mirror && random.next() < 0.5) {
      values = mirrorHand(values);
      handedness = handedness === 'left' ? 'right' : 'left';
    }
    values = turnHand(values, (randomBetween(random, -1, 1) * options.rotateDegrees * Math.PI) / 180);
    values = scaleHand(values, 1 + randomBetween(random, -options.scale, options.scale));
    values = loseJoints(values, options.jointDropout, random);
  }
  const noisy = values.map((value, at) => (value === null ? null : value + randomNormal(random) * options.noise * (deviations?.[at] ?? 1)));
  return { values: noisy, ...(handedness === undefined ? {} : { handedness }) };
}

type Values = (number | null)[];

/** Reflects x, which makes a left hand's joints of a right one's. */
export function mirrorHand(values: readonly (number | null)[]): Values {
  return values.map((value, at) => (at % 3 === 0 && value !== null ? -value : value));
}

/** Turns about +Y through the first wrist. */
export function turnHand(values: readonly (number | null)[], radians: number): Values {
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [centreX, centreZ] = [values[0] ?? 0, values[2] ?? 0];
  return values.map((value, at) => {
    const start = at - (at % 3);
    const [x, z] = [values[start], values[start + 2]];
    if (value === null || at % 3 === 1 || x === null || z === null || x === undefined || z === undefined) return value;
    const [dx, dz] = [x - centreX, z - centreZ];
    return at % 3 === 0 ? centreX + cos * dx + sin * dz : centreZ - sin * dx + cos * dz;
  });
}

/** Scales each step's joints about its own wrist. */
function scaleHand(values: readonly (number | null)[], factor: number): Values {
  return values.map((value, at) => {
    const wrist = values[at - (at % (XR_HAND_JOINT_COUNT * 3)) + (at % 3)];
    return value === null || wrist === null || wrist === undefined ? value : wrist + factor * (value - wrist);
  });
}

/** A lost joint takes its neighbour's place, the same joints at every step; the wrist is never lost. */
function loseJoints(values: readonly (number | null)[], chance: number, random: Random): Values {
  if (chance === 0) return [...values];
  const lost = Array.from({ length: XR_HAND_JOINT_COUNT }, (_, joint) => joint > 0 && random.next() < chance);
  return values.map((value, at) => (lost[Math.floor(at / 3) % XR_HAND_JOINT_COUNT] ? (values[at - 3] ?? null) : value));
}

function columnDeviations(samples: readonly LabelledSample[]): number[] {
  const width = samples[0]?.values?.length ?? 0;
  return Array.from({ length: width }, (_, column) => {
    const values = samples.flatMap(({ values: own }) => (typeof own?.[column] === 'number' ? [own[column]] : []));
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length));
  });
}
