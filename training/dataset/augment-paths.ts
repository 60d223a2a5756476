/** Makes more samples of paths: mirrored where that has a name, turned, slanted, scaled, warped in time, with noise and with places lost. */
import { PATH_STEPS, SEEN_WIDTH } from '../../features/hand-path.ts';
import { ownValue } from '../../core/own-value.ts';
import { randomBetween, randomNormal } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { LabelledSample } from './dataset.ts';
import { warpTime } from './warp-time.ts';

/** As `AugmentationOptions`, what of them paths have. */
export interface PathAugmentation {
  readonly copies: number;
  readonly mirrored: Readonly<Record<string, string>>;
  readonly rotateDegrees: number;
  readonly slant: number;
  readonly scale: number;
  readonly timeWarp: number;
  readonly noise: number;
  readonly jointDropout: number;
}

/** The samples and `copies` of each, drawn anew. None changes which way round a path goes, but a mirror image, which has its own label. */
export function augmentPaths(samples: readonly LabelledSample[], options: PathAugmentation, random: Random): LabelledSample[] {
  const copies = samples.flatMap((sample) => Array.from({ length: options.copies }, (_, copy): LabelledSample => {
    const mirrored = ownValue(options.mirrored, sample.label);
    const isMirrored = mirrored !== undefined && random.next() < 0.5;
    const warped = warpTime(sample.values ?? [], SEEN_WIDTH, PATH_STEPS, randomBetween(random, -options.timeWarp, options.timeWarp)).map((value) => value ?? 0);
    const kept = losePlaces(warped, options.jointDropout, random);
    const values = move(kept, matrixOf(options, isMirrored, random)).map((value) => value + randomNormal(random) * options.noise);
    return { ...sample, id: `${sample.id}~${copy + 1}`, label: isMirrored ? mirrored : sample.label, values };
  }));
  return [...samples, ...copies];
}

/** Of the plane, row by row: a mirror image about the upright, a slant in any direction, a turn, and a size. */
function matrixOf({ slant, rotateDegrees, scale }: PathAugmentation, isMirrored: boolean, random: Random): readonly [number, number, number, number] {
  const along = random.next() * Math.PI;
  const [c, s] = [Math.cos(along), Math.sin(along)];
  const less = randomBetween(random, 0, slant);
  // The identity, less a share of what lies along (c, s).
  const [a, b, d] = [1 - less * c * c, -less * c * s, 1 - less * s * s];
  const turn = (randomBetween(random, -1, 1) * rotateDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const size = 1 + randomBetween(random, -scale, scale);
  const side = isMirrored ? -size : size;
  return [side * (cos * a - sin * b), size * (cos * b - sin * d), side * (sin * a + cos * b), size * (sin * b + cos * d)];
}

function move(values: readonly number[], [xx, xy, yx, yy]: readonly [number, number, number, number]): number[] {
  return values.map((value, at) => (at % SEEN_WIDTH === 0 ? xx * value + xy * values[at + 1]! : yx * values[at - 1]! + yy * value));
}

/** A lost place lies between those before and after it, as where the server fills a gap; the ends are never lost. */
function losePlaces(values: readonly number[], chance: number, random: Random): number[] {
  const kept = [...values];
  if (chance === 0) return kept;
  for (let step = 1; step < PATH_STEPS - 1; step++) {
    if (random.next() >= chance) continue;
    for (let axis = 0; axis < SEEN_WIDTH; axis++) kept[step * SEEN_WIDTH + axis] = (kept[(step - 1) * SEEN_WIDTH + axis]! + values[(step + 1) * SEEN_WIDTH + axis]!) / 2;
  }
  return kept;
}
