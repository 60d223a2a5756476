/** What encoded pictures have in common, whatever their codec. */
import type { VideoCodec } from '../codec/video-chunk.ts';

/** A codec whose pictures build on one another. */
export type InterCodec = Exclude<VideoCodec, 'jpeg'>;

/** What an encoded picture says of itself. */
export interface PictureHeader {
  /** Whether it can be decoded without those before it. */
  readonly key: boolean;
  /** No later picture is made from it, as far as the picture itself says. */
  readonly discardable: boolean;
  /** Pixels; there with every key picture. */
  readonly size?: PictureSize;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}
