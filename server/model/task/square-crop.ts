/** Cuts a turned square out of a picture, into one row of a model's input. */
import type { Frame } from '../picture-decoder.ts';
import { PictureDecoder } from '../picture-decoder.ts';
import { fromSquare, type RegionPlace } from './region.ts';

export interface SquareCrop {
  /** Read only. */
  readonly frame: Frame;
  readonly place: RegionPlace;
  /** [side, side, 3] float32 RGB from `offset`; overwritten. */
  readonly target: Float32Array;
  readonly offset: number;
  readonly side: number;
  /** What black and white become. */
  readonly range: readonly [black: number, white: number];
}

/**
 * Writes the square, resampled to `side` pixels: bilinear with half-pixel centres; black outside the picture.
 *
 * @bound O(side * side), no allocation that depends on it.
 */
export function cropSquare({ frame, place, target, offset, side, range: [black, white] }: SquareCrop): void {
  const { pixels, width, height } = frame;
  const scale = (white - black) / 255;
  const step = place.side / side;
  const stepX = step * place.cos, stepY = step * place.sin;
  for (let row = 0, out = offset; row < side; row++) {
    const start = fromSquare(place, 0.5 / side, (row + 0.5) / side);
    let x = start.x - 0.5, y = start.y - 0.5;
    for (let column = 0; column < side; column++, out += 3, x += stepX, y += stepY) {
      if (x <= -1 || y <= -1 || x >= width || y >= height) {
        target[out] = target[out + 1] = target[out + 2] = black;
        continue;
      }
      const floorX = Math.floor(x), floorY = Math.floor(y);
      const east = x - floorX, south = y - floorY, west = 1 - east, north = 1 - south;
      // The outermost half pixel has one neighbour; the picture's edge stands in for the other.
      const left = floorX < 0 ? 0 : floorX, right = floorX + 1 < width ? floorX + 1 : width - 1;
      const top = (floorY < 0 ? 0 : floorY) * width, bottom = (floorY + 1 < height ? floorY + 1 : height - 1) * width;
      const a = (top + left) * 3, b = (top + right) * 3, c = (bottom + left) * 3, d = (bottom + right) * 3;
      const wa = north * west * scale, wb = north * east * scale, wc = south * west * scale, wd = south * east * scale;
      target[out] = pixels[a]! * wa + pixels[b]! * wb + pixels[c]! * wc + pixels[d]! * wd + black;
      target[out + 1] = pixels[a + 1]! * wa + pixels[b + 1]! * wb + pixels[c + 1]! * wc + pixels[d + 1]! * wd + black;
      target[out + 2] = pixels[a + 2]! * wa + pixels[b + 2]! * wb + pixels[c + 2]! * wc + pixels[d + 2]! * wd + black;
    }
  }
}

/** Decodes pictures, each of them once while it is asked for several times in a row, as the two hands of one are. */
export class RepeatedPictures {
  readonly #decoder = new PictureDecoder();
  #payload: Uint8Array | undefined;
  #frame: Frame | undefined;
  /** Pictures that were really decoded. */
  decodedCount = 0;

  /** As `PictureDecoder.decode`; the frame is valid until the next call with another payload. */
  decode(payload: Uint8Array): Frame | undefined {
    if (this.#payload !== payload) {
      this.#frame = this.#decoder.decode(payload);
      this.#payload = payload;
      this.decodedCount++;
    }
    return this.#frame;
  }
}
