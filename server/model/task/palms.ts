/** What MediaPipe's palm detector says: from raw boxes about anchors to the few palms in a picture. */
import { clamp, sigmoid } from './region.ts';

/** The wrist, the knuckles of index, middle, ring and little finger, and two points of the thumb. */
const KEYPOINTS = 7;
/** A row of the output: a logit, the box's centre and size, the keypoints. */
export const PALM_NUMBERS = 1 + 4 + 2 * KEYPOINTS;
/** Cells along the side of each of the detector's grids for a square of 256 pixels, and the anchors in each cell. */
const GRIDS = [
  { cells: 32, anchorsPerCell: 2 },
  { cells: 16, anchorsPerCell: 2 },
  { cells: 8, anchorsPerCell: 6 },
] as const;
export const ANCHOR_COUNT = GRIDS.reduce((sum, { cells, anchorsPerCell }) => sum + cells * cells * anchorsPerCell, 0);
/** Boxes that cover more than this share of each other are one palm (MediaPipe's `min_suppression_threshold`). */
const SAME_PALM_OVERLAP = 0.3;
/** Boxes considered; a hand that is seen well has some tens of them. */
const MAX_CANDIDATES = 256;

/** A palm in the square: all numbers in shares of its side. */
export interface Palm {
  /** 0..1 */
  readonly score: number;
  /** Centre x, y, width, height, then x, y of the seven keypoints. */
  readonly numbers: Float64Array;
}

/** Where the anchors lie, x and y in shares of the square: the middles of the cells, grid by grid (strides 8, 16 and 3 times 32). */
export const PALM_ANCHORS: Float32Array = Float32Array.from(
  GRIDS.flatMap(({ cells, anchorsPerCell }) =>
    Array.from({ length: cells * cells * anchorsPerCell }, (_, index) => {
      const cell = Math.floor(index / anchorsPerCell);
      return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
    }).flat(),
  ),
);

/**
 * The palms that a row of the detector's output tells of, best first.
 *
 * Boxes of one palm are averaged with their scores as weights, as in BlazeFace (Bazarevsky et al. 2019, section 4.2),
 * whose detector the one for palms is (Zhang et al. 2020, "MediaPipe Hands", section 2.1): that jitters less than the
 * best box alone.
 *
 * @param data - [ANCHOR_COUNT, PALM_NUMBERS] from `from`: pixels of a square of `side`. Read only.
 */
export function readPalms(data: Float32Array, from: number, options: { readonly side: number; readonly threshold: number }): Palm[] {
  let rest = candidates(data, from, options).sort((one, other) => other.score - one.score).slice(0, MAX_CANDIDATES);
  const palms: Palm[] = [];
  for (let best = rest[0]; best !== undefined; best = rest[0]) {
    const first = best;
    const same = rest.filter((other) => other === first || overlap(first.numbers, other.numbers) > SAME_PALM_OVERLAP);
    palms.push(averaged(same, first.score));
    rest = rest.filter((other) => !same.includes(other));
  }
  return palms;
}

function candidates(data: Float32Array, from: number, { side, threshold }: { readonly side: number; readonly threshold: number }): Palm[] {
  const found: Palm[] = [];
  for (let anchor = 0; anchor < ANCHOR_COUNT; anchor++) {
    const at = from + anchor * PALM_NUMBERS;
    const score = sigmoid(data[at]!);
    if (score < threshold) continue;
    const numbers = new Float64Array(PALM_NUMBERS - 1);
    for (let index = 0; index < numbers.length; index++) {
      const isSize = index === 2 || index === 3;
      numbers[index] = data[at + 1 + index]! / side + (isSize ? 0 : PALM_ANCHORS[anchor * 2 + (index % 2)]!);
    }
    found.push({ score: clamp(score), numbers });
  }
  return found;
}

function averaged(palms: readonly Palm[], score: number): Palm {
  const numbers = new Float64Array(PALM_NUMBERS - 1);
  const total = palms.reduce((sum, palm) => sum + palm.score, 0);
  for (const palm of palms) palm.numbers.forEach((value, index) => (numbers[index] = numbers[index]! + (value * palm.score) / total));
  return { score, numbers };
}

/** Intersection over union of two boxes. */
function overlap(one: Float64Array, other: Float64Array): number {
  const shared = (axis: 0 | 1): number =>
    Math.max(0, Math.min(one[axis]! + one[axis + 2]! / 2, other[axis]! + other[axis + 2]! / 2) - Math.max(one[axis]! - one[axis + 2]! / 2, other[axis]! - other[axis + 2]! / 2));
  const both = shared(0) * shared(1);
  const union = one[2]! * one[3]! + other[2]! * other[3]! - both;
  return union > 0 ? both / union : 0;
}
