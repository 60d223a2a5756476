/** What travels between the session stage and the decoding of video, and the port between them. */
import type { ErrorCode } from '../core/errors.ts';
import type { VideoChunk } from '../protocol/codec/video-chunk.ts';
import type { InterCodec } from '../protocol/video/picture.ts';

/** Decodes streams of pictures that build on one another, outside this process. */
export interface VideoDecoding {
  /** What it can decode now; nothing while its process starts, and for good where its package is missing. */
  readonly codecs: readonly InterCodec[];
  /** A new stream. It costs nothing before its first picture, and is the caller's to close. @param owner - whose it is: who ends the decoding process twice is refused for a while. */
  open(listener: VideoStreamListener, owner: string): VideoStream;
}

export interface VideoStreamListener {
  /** The newest picture there is, decoded and small. @param tag - as handed over with it. */
  onPicture(picture: DecodedPicture, tag: PictureTag): void;
  /** Nothing more can be decoded until a key picture comes; called at most once a second. */
  onKeyNeeded(): void;
  /** Pictures were given up: damaged (VIDEO_INVALID), of a stream that is refused for now (MODEL_OVERLOADED, MODEL_UNAVAILABLE). */
  onRefused(code: ErrorCode, nowMs: number): void;
}

export interface VideoStream {
  /** Takes the next picture; a newer one supersedes it where the codec lets it. @param chunk - not a JPEG; copied. */
  push(chunk: VideoChunk, tag: PictureTag): 'taken' | 'superseded' | ErrorCode;
  /** A picture was left out: all that build on it are of no use. */
  breakOff(): void;
  close(): void;
}

/** What a picture is known by, and comes back with. */
export interface PictureTag {
  readonly captureDeviceMs: number;
  readonly captureMs: number;
  readonly arrivedMs: number;
}

/** A picture as models take it. */
export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  /** A JPEG, at most DECODED_SIDE pixels long. Moved to the listener. */
  readonly jpeg: Uint8Array;
}
