/** Small RGB pictures as JPEGs: a twentieth of the bytes to carry, and what every model's worker takes already. */
import jpegTurbo from '@julusian/jpeg-turbo';
import type { PictureSize } from '../../protocol/video/picture.ts';

/** Cameras' own; what is lost by it is less than by the codec before. */
const QUALITY = 85;

/** @param pixels - [height, width, 3] uint8 RGB; read only. @returns a new buffer of its own, the caller's. */
export function toJpeg(pixels: Buffer, { width, height }: PictureSize): Uint8Array {
  return Uint8Array.from(jpegTurbo.compressSync(pixels, { format: jpegTurbo.FORMAT_RGB, width, height, quality: QUALITY, subsampling: jpegTurbo.SAMP_420 }));
}
