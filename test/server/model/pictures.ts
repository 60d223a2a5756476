/** Pictures for the tests: real people, plain colours and what is wrong with them. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { Photo } from '../../../sim/source/pictures.ts';

const photographs = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** A photograph of several people as a camera would send it: 640x480, JPEG. @param number - 1..6 */
export async function photograph(number: number): Promise<Uint8Array> {
  const original = await readFile(join(photographs, `sample${number}.jpg`));
  return sharp(original).resize(640, 480, { fit: 'cover' }).jpeg({ quality: 75 }).toBuffer();
}

/** One person cut out of a photograph: 480 high at most, JPEG. */
export async function portrait({ path, part = { left: 0, width: 1 } }: Photo): Promise<Uint8Array> {
  const original = sharp(await readFile(path));
  const size = await original.metadata();
  const region = { left: Math.round(part.left * size.width), top: 0, width: Math.floor(part.width * size.width), height: size.height };
  return original.extract(region).resize(640, 480, { fit: 'inside' }).jpeg({ quality: 75 }).toBuffer();
}

/** A JPEG of one shade of grey, 0..255. */
export async function plain(shade: number, width = 32, height = 24): Promise<Uint8Array> {
  return sharp({ create: { width, height, channels: 3, background: { r: shade, g: shade, b: shade } } }).jpeg().toBuffer();
}

/** The same picture with another size in its frame header. */
export function withStatedSize(jpeg: Uint8Array, width: number, height: number): Uint8Array {
  const changed = Uint8Array.from(jpeg);
  const at = Buffer.from(changed.buffer).indexOf(Uint8Array.of(0xff, 0xc0));
  changed.set([height >> 8, height & 255, width >> 8, width & 255], at + 5);
  return changed;
}

/** A photograph as a PNG. */
export async function png(): Promise<Uint8Array> {
  return sharp(await photograph(1)).resize(64, 48).png().toBuffer();
}
