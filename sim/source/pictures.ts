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
const MARGIN = 1.16;
/** What stands beside a person who is taller than the picture is wide. */
const BESIDE = { r: 96, g: 96, b: 96 };

/** One encoded picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** JPEG. Read only. */
  readonly bytes: Uint8Array;
}

/** A photo, or the part of it in which somebody stands. */
export interface Photo {
  readonly path: string;
  /** Left edge and width, as shares of the photo's width; all of it when left out. */
  readonly part?: { readonly left: number; readonly width: number };
}

/** How many of a source's pictures are those of a second. */
export const PICTURES_HZ = 10;

/** Pictures without end. */
export interface PictureSource {
  /** @param index - counts the pictures from 0, PICTURES_HZ a second. */
  at(index: number): Picture;
}

/**
 * Encodes a loop of pictures from a photo.
 *
 * @throws CopresenceError RECORDING_INVALID when the photo cannot be read.
 */
export async function panOverPhoto(photo: Photo): Promise<PictureSource> {
  const width = Math.round(PICTURE_WIDTH * MARGIN);
  const height = Math.round(PICTURE_HEIGHT * MARGIN);
  const pixels = await readPart(photo, width, height).catch((error: unknown) => {
    throw new CopresenceError('RECORDING_INVALID', `${photo.path} is no photo: ${String(error)}`);
  });
  const pictures: Picture[] = [];
  for (let index = 0; index < PICTURES_PER_LOOP; index++) {
    const view = viewAt(index / PICTURES_PER_LOOP);
    const seen = await sharp(pixels, { raw: { width, height, channels: 3 } }).extract(view).resize(PICTURE_WIDTH, PICTURE_HEIGHT, { fit: 'fill' }).raw().toBuffer();
    pictures.push({ width: PICTURE_WIDTH, height: PICTURE_HEIGHT, bytes: encode(seen) });
  }
  return { at: (index) => pictures[index % pictures.length] as Picture };
}

/** RGB of `width` x `height`: a whole photo fills it, a person is fitted into it. */
async function readPart({ path, part }: Photo, width: number, height: number): Promise<Buffer> {
  const photo = sharp(path).removeAlpha();
  if (part === undefined) return photo.resize(width, height, { fit: 'cover', position: 'attention' }).raw().toBuffer();
  const size = await photo.metadata();
  const region = { left: Math.round(part.left * size.width), top: 0, width: Math.floor(part.width * size.width), height: size.height };
  return photo.extract(region).resize(width, height, { fit: 'contain', background: BESIDE }).raw().toBuffer();
}

/** The part of the photo that is seen at `turn` of 0..1, on an ellipse that ends where it began. */
function viewAt(turn: number): { left: number; top: number; width: number; height: number } {
  const zoom = 1.1 + 0.05 * Math.cos(2 * Math.PI * turn);
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
