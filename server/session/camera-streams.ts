/** The cameras of participants that send other codecs than JPEG: one stream each, at the decoder from the first picture on. */
import type { ErrorCode } from '../../core/errors.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { VideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { DecodedPicture, PictureTag, VideoDecoding, VideoStream } from '../video-flow.ts';
import type { Membership } from './directory.ts';
import type { Participant } from './participant.ts';

export interface CameraStreamsOptions {
  readonly video?: VideoDecoding | undefined;
  readonly onPicture: (membership: Membership, picture: DecodedPicture, tag: PictureTag) => void;
  /** Tells a participant that a picture was refused, which counts against them. */
  readonly refuse: (participant: Participant, code: ErrorCode, about: string) => void;
  /** Tells a participant of what is not their doing. */
  readonly notify: (participant: Participant, code: ErrorCode, about: string) => void;
}

/** @bound one stream for each participant, from the first picture until they leave or withdraw their consent. */
export class CameraStreams {
  readonly #options: CameraStreamsOptions;
  readonly #streams = new Map<Participant, VideoStream>();

  constructor(options: CameraStreamsOptions) {
    this.#options = options;
  }

  /** @param chunk - not a JPEG; valid during the call. @returns a code when this is the sender's to know of. */
  push(membership: Membership, chunk: VideoChunk, tag: PictureTag): 'taken' | 'superseded' | ErrorCode {
    const { video } = this.#options;
    const { participant } = membership;
    if (chunk.codec === 'jpeg' || video?.codecs.includes(chunk.codec) !== true) return 'VIDEO_UNSUPPORTED';
    const outcome = this.#streamOf(membership, video).push(chunk, tag);
    if (outcome !== 'MODEL_OVERLOADED' && outcome !== 'MODEL_UNAVAILABLE') return outcome;
    this.#tell(participant, outcome, tag.arrivedMs);
    return 'superseded';
  }

  /** A picture came too soon behind the others. */
  leaveOut({ participant }: Membership, { discardable }: VideoChunk): 'superseded' {
    if (discardable !== true) this.#streams.get(participant)?.breakOff();
    return 'superseded';
  }

  close(participant: Participant): void {
    this.#streams.get(participant)?.close();
    this.#streams.delete(participant);
  }

  #streamOf(membership: Membership, video: VideoDecoding): VideoStream {
    const { participant } = membership;
    const known = this.#streams.get(participant);
    if (known !== undefined) return known;
    const stream = video.open({
      onPicture: (picture, tag) => this.#options.onPicture(membership, picture, tag),
      onKeyNeeded: () => askForKey(participant),
      onRefused: (code, nowMs) => {
        if (code === 'VIDEO_INVALID') this.#options.refuse(participant, code, 'video');
        else this.#tell(participant, code, nowMs);
      },
    }, `${participant.claims.tenant}/${participant.claims.subject}`);
    this.#streams.set(participant, stream);
    return stream;
  }

  /** At camera rates one such line a second says it all. */
  #tell(participant: Participant, code: ErrorCode, nowMs: number): void {
    if (participant.limits.notice.take(nowMs)) this.#options.notify(participant, code, 'video');
  }
}

/** Over the feedback of the track that the pictures come on, else by a message to whoever can follow it. */
function askForKey({ presence }: Participant): void {
  if (presence.state !== 'live' || presence.connection.requestKeyPicture?.() === true) return;
  if (presence.capabilities.includes('video-codecs')) presence.connection.send(encodeDown({ type: 'key-frame', stream: 'camera' }), 'reliable');
}
