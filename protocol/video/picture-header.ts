/** Reads what an encoded picture says of itself, before any decoder sees it. */
import { readH264Header } from './h264-header.ts';
import type { InterCodec, PictureHeader } from './picture.ts';
import { readVp8Header } from './vp8-header.ts';

/** The header of one encoded picture, undefined where there is none to be read. @param bytes - read only. */
export function readPictureHeader(codec: InterCodec, bytes: Uint8Array): PictureHeader | undefined {
  return codec === 'vp8' ? readVp8Header(bytes) : readH264Header(bytes);
}
