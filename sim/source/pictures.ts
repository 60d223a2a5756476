/** Camera pictures for virtual headsets, encoded ahead of time: a slow pan and zoom over a photo. */
import jpeg from '@julusian/jpeg-turbo';
import sharp from 'sharp';
import { CopresenceError } from '../../core/errors.ts';

export const PICTURE_WIDTH = 320;
export const PICTURE_HEIGHT = 240;
/** Four seconds at 10 Hz before it repeats. */
const PICTURES_PER_LOOP = 40;
const QUALITY = 75;
/** The photo is held this much larger than a picture, so that there is something to pan over. */
const MARGIN = 1.25;

/** One encoded picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** JPEG. Read only. */
  readonly bytes: Uint8Array;
}

/** Pictures without end. */
export interface PictureSource {
  /** @param index - counts the pictures from 0. */
  at(index: number): Picture;
}

/**
 * Encodes a loop of pictures from a photo.
 *
 * @throws CopresenceError RECORDING_INVALID when the photo cannot be read.
 */
export async function panOverPhoto(path: string): Promise<PictureSource> {
  const width = Math.round(PICTURE_WIDTH * MARGIN);
  const height = Math.round(PICTURE_HEIGHT * MARGIN);
  const photo = await sharp(path).resize(width, height, { fit: 'cover', position: 'attention' }).removeAlpha().raw().toBuffer().catch((error: unknown) => {
    throw new CopresenceError('RECORDING_INVALID', `${path} is no photo: ${String(error)}`);
  });
  const pictures: Picture[] = [];
  for (let index = 0; index < PICTURES_PER_LOOP; index++) {
    const view = viewAt(index / PICTURES_PER_LOOP);
    const pixels = await sharp(photo, { raw: { width, height, channels: 3 } }).extract(view).resize(PICTURE_WIDTH, PICTURE_HEIGHT, { fit: 'fill' }).raw().toBuffer();
    pictures.push({ width: PICTURE_WIDTH, height: PICTURE_HEIGHT, bytes: encode(pixels) });
  }
  return { at: (index) => pictures[index % pictures.length] as Picture };
}

/** The part of the photo that is seen at `turn` of 0..1, on an ellipse that ends where it began. */
function viewAt(turn: number): { left: number; top: number; width: number; height: number } {
  const zoom = 1.1 + 0.12 * Math.cos(2 * Math.PI * turn);
  const width = Math.round(PICTURE_WIDTH * zoom);
  const height = Math.round(PICTURE_HEIGHT * zoom);
  const freeX = Math.round(PICTURE_WIDTH * MARGIN) - width;
  const freeY = Math.round(PICTURE_HEIGHT * MARGIN) - height;
  const left = Math.floor((freeX * (1 + Math.sin(2 * Math.PI * turn))) / 2);
  const top = Math.floor((freeY * (1 + Math.sin(4 * Math.PI * turn))) / 2);
  return { left, top, width, height };
}

function encode(pixels: Buffer): Uint8Array {
  return jpeg.compressSync(pixels, {
    format: jpeg.FORMAT_RGB, width: PICTURE_WIDTH, height: PICTURE_HEIGHT, subsampling: jpeg.SAMP_420, quality: QUALITY,
  });
}
