/** Fits a picture into a square without changing its proportions, and maps points of the square back. */

/** Where a picture lies in the square, in pixels of the square; the rest of the square is black. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The largest centred placement of a picture in a square of `side` pixels; at least one pixel each way. */
export function placeInSquare(picture: { readonly width: number; readonly height: number }, side: number): Placement {
  const scale = side / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  return { left: (side - width) >> 1, top: (side - height) >> 1, width, height };
}

export interface LetterboxInput {
  /** [height, width, 3] uint8 RGB. Read only. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** [side, side, 3] uint8 RGB from `offset`; overwritten, still owned by the caller. */
  readonly target: Uint8Array;
  readonly offset: number;
  readonly side: number;
  /** 1..side. */
  readonly placement: Placement;
}

/** Weights have 11 bits, so that a product of two of them and a byte stays in 31 bits. */
const WEIGHT_BITS = 11;
const ONE = 1 << WEIGHT_BITS;
const SHIFT = 2 * WEIGHT_BITS;
const HALF = 1 << (SHIFT - 1);

/** Source offsets of the two neighbours along an axis, and the weight of the second. */
interface Axis {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

/** Resizes pictures into squares of up to `maxSide` pixels; keeps its tables between calls. */
export class Letterbox {
  readonly #x: Axis;
  readonly #y: Axis;

  constructor(maxSide: number) {
    this.#x = createAxis(maxSide);
    this.#y = createAxis(maxSide);
  }

  /**
   * Writes a picture into a square: bilinear with half-pixel centres and no smoothing, as TensorFlow's
   * `resize_with_pad` did it when MoveNet was trained.
   *
   * @bound O(side * side), no allocation.
   */
  draw(input: LetterboxInput): void {
    const { side, target, offset, placement } = input;
    fillAxis(this.#x, input.width, placement.width, 3);
    fillAxis(this.#y, input.height, placement.height, input.width * 3);
    target.fill(0, offset, offset + side * side * 3);
    for (let row = 0; row < placement.height; row++) {
      const to = offset + ((placement.top + row) * side + placement.left) * 3;
      this.#drawRow(input.pixels, row, target, to, placement.width);
    }
  }

  #drawRow(pixels: Uint8Array, row: number, target: Uint8Array, to: number, width: number): void {
    const { first, second, weight } = this.#x;
    const top = this.#y.first[row]!, bottom = this.#y.second[row]!;
    const down = this.#y.weight[row]!, up = ONE - down;
    let out = to;
    for (let column = 0; column < width; column++) {
      const left = first[column]!, right = second[column]!;
      const east = weight[column]!, west = ONE - east;
      const a = top + left, b = top + right, c = bottom + left, d = bottom + right;
      // The four weights sum to ONE * ONE. The channels are written out: as a loop they cost twice as much.
      const northWest = west * up, northEast = east * up, southWest = west * down, southEast = east * down;
      target[out] = (pixels[a]! * northWest + pixels[b]! * northEast + pixels[c]! * southWest + pixels[d]! * southEast + HALF) >> SHIFT;
      target[out + 1] = (pixels[a + 1]! * northWest + pixels[b + 1]! * northEast + pixels[c + 1]! * southWest + pixels[d + 1]! * southEast + HALF) >> SHIFT;
      target[out + 2] = (pixels[a + 2]! * northWest + pixels[b + 2]! * northEast + pixels[c + 2]! * southWest + pixels[d + 2]! * southEast + HALF) >> SHIFT;
      out += 3;
    }
  }
}

function createAxis(length: number): Axis {
  return { first: new Int32Array(length), second: new Int32Array(length), weight: new Int32Array(length) };
}

function fillAxis(axis: Axis, sourceLength: number, targetLength: number, stride: number): void {
  const step = sourceLength / targetLength;
  for (let index = 0; index < targetLength; index++) {
    const centre = Math.min(sourceLength - 1, Math.max(0, (index + 0.5) * step - 0.5));
    const below = Math.floor(centre);
    axis.first[index] = below * stride;
    axis.second[index] = Math.min(sourceLength - 1, below + 1) * stride;
    axis.weight[index] = Math.round((centre - below) * ONE);
  }
}
