/** A picture that costs what a camera's costs, to warm up and to measure with. */
import jpegTurbo from '@julusian/jpeg-turbo';
import { randomInt, seededRandom } from '../../../core/random.ts';

const SAMPLE_WIDTH = 640;
const SAMPLE_HEIGHT = 480;

/** A 640x480 JPEG of blocks and grain that takes about as many bytes, and as long to decode, as a camera's. */
export function samplePicture(index: number): Uint8Array {
  const random = seededRandom(index + 1);
  const shades = Uint8Array.from({ length: 20 * 15 * 3 }, () => randomInt(random, 224));
  const pixels = Buffer.alloc(SAMPLE_WIDTH * SAMPLE_HEIGHT * 3);
  for (let y = 0, at = 0; y < SAMPLE_HEIGHT; y++) {
    for (let x = 0; x < SAMPLE_WIDTH; x++, at += 3) {
      const block = ((y >> 5) * 20 + (x >> 5)) * 3;
      const grain = randomInt(random, 32);
      for (let channel = 0; channel < 3; channel++) pixels[at + channel] = shades[block + channel]! + grain;
    }
  }
  return jpegTurbo.compressSync(pixels, { format: jpegTurbo.FORMAT_RGB, width: SAMPLE_WIDTH, height: SAMPLE_HEIGHT, quality: 75 });
}
