/** A native video track and its receiver: datagrams in, encoded chunks out. */
import type { Track } from 'node-datachannel';
import type { Clock } from '../../../../core/clock.ts';
import { encodeVideoChunk } from '../../../../protocol/codec/video-chunk.ts';
import { VideoReceiver, type TrackPicture, type VideoTrack } from './video-receiver.ts';

/** Takes an encoded chunk, if there is room for it on the way. */
export type GivePicture = (chunk: Uint8Array, ageMs: number) => boolean;

export class CameraTrack {
  readonly #track: Track;
  readonly #receiver: VideoReceiver;
  readonly #give: GivePicture;

  constructor(clock: Clock, track: Track, video: VideoTrack, give: GivePicture) {
    this.#track = track;
    this.#receiver = new VideoReceiver(video);
    this.#give = give;
    track.onMessage((datagram) => this.#pass(this.#receiver.receive(datagram, clock.nowMs())));
  }

  requestKey(): void {
    this.#receiver.requestKey();
  }

  /** Sends what is due to the browser. */
  poll(nowMs: number): void {
    if (!this.#track.isOpen()) return;
    const { pictures, feedback } = this.#receiver.poll(nowMs);
    this.#pass(pictures);
    try {
      for (const message of feedback) this.#track.sendMessageBinary(message);
    } catch {
      // Another thread has closed it since; what there was to say is of no use any more.
    }
  }

  #pass(pictures: readonly TrackPicture[]): void {
    for (const { chunk, ageMs } of pictures) {
      if (this.#give(encodeVideoChunk(chunk), ageMs)) continue;
      this.#receiver.breakOff();
      return;
    }
  }
}
