/** Turns a JPEG into RGB pixels, in one buffer that is used for every picture. */
import jpegTurbo from '@julusian/jpeg-turbo';
import { LIMITS } from '../../protocol/limits.ts';
import { readJpegHeader } from './jpeg-header.ts';

/** RGB pixels, [height, width, 3] uint8. `pixels` belongs to the decoder and is overwritten by its next picture. */
export interface Frame {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Decodes baseline JPEGs up to `LIMITS.videoWidth` x `LIMITS.videoHeight`. */
export class PictureDecoder {
  readonly #pixels = Buffer.alloc(LIMITS.videoWidth * LIMITS.videoHeight * 3);

  /**
   * The picture's pixels, or undefined when it is truncated, damaged, too large or not a baseline JPEG.
   *
   * Size and kind are checked before the decoder sees it, and the decoder gets exactly the room that the header asks
   * for, so a header that lies to one of the two readers is refused as well.
   *
   * @param bytes - read only.
   */
  decode(bytes: Uint8Array): Frame | undefined {
    const header = readJpegHeader(bytes);
    if (header.kind !== 'baseline' || bytes.length > LIMITS.videoBytes) return undefined;
    const { width, height } = header;
    if (width > LIMITS.videoWidth || height > LIMITS.videoHeight) return undefined;
    const pixels = this.#pixels.subarray(0, width * height * 3);
    return decodeInto(bytes, pixels, width, height) ? { pixels, width, height } : undefined;
  }
}

/** The library reports damaged and truncated pictures by throwing. */
function decodeInto(bytes: Uint8Array, pixels: Buffer, width: number, height: number): boolean {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const decoded = jpegTurbo.decompressSync(image, pixels, { format: jpegTurbo.FORMAT_RGB });
    return decoded.width === width && decoded.height === height;
  } catch {
    return false;
  }
}
