/** One video track: datagrams in; pictures, and what to tell the sender, out. Never throws, whatever comes. */
import type { VideoChunk } from '../../../../protocol/codec/video-chunk.ts';
import type { InterCodec } from '../../../../protocol/video/picture.ts';
import { PictureAssembler } from './picture-assembler.ts';
import { ReorderBuffer, type Ordered } from './reorder-buffer.ts';
import { readSenderReports, writeBitrate, writeNack, writePictureLoss } from './rtcp.ts';
import { isRtcp, readRetransmission, readRtp, type RtpPacket } from './rtp.ts';
import { SenderClock } from './sender-clock.ts';

/** Between two requests for a key picture: the answer is large, and takes a round trip. */
const KEY_REQUEST_MS = 500;
const BITRATE_MS = 1000;
/** Enough for 640x480 at 30 Hz; more would only be scaled away. */
const BITS_PER_SECOND = 1_000_000;

export interface VideoTrack {
  readonly codec: InterCodec;
  readonly payloadType: number;
  readonly retransmissionType: number | undefined;
}

/** A picture on its way to the gateway. */
export interface TrackPicture {
  /** `captureMs` is 0: only the age is known here. */
  readonly chunk: VideoChunk;
  /** Since its capture, as `SenderClock` knows it. */
  readonly ageMs: number;
}

export class VideoReceiver {
  readonly #track: VideoTrack;
  readonly #assembler: PictureAssembler;
  readonly #clock = new SenderClock();
  #buffer = new ReorderBuffer();
  #ssrc: number | undefined;
  #wantsKey = false;
  #keyAskedMs = Number.NEGATIVE_INFINITY;
  #bitrateToldMs = Number.NEGATIVE_INFINITY;

  constructor(track: VideoTrack) {
    this.#track = track;
    this.#assembler = new PictureAssembler(track.codec);
  }

  /** Takes a datagram, RTP or RTCP. @param datagram - kept until its picture is whole. */
  receive(datagram: Uint8Array, nowMs: number): TrackPicture[] {
    if (isRtcp(datagram)) {
      for (const report of readSenderReports(datagram)) if (report.ssrc === this.#ssrc) this.#clock.add(report, nowMs);
      return [];
    }
    const packet = this.#original(readRtp(datagram));
    return packet === undefined ? [] : this.#assemble(this.#buffer.add(packet, nowMs), nowMs);
  }

  /** What is due: pictures that no longer wait for a lost one, and RTCP for the sender. Every 10 ms or so. */
  poll(nowMs: number): { pictures: TrackPicture[]; feedback: Buffer[] } {
    const pictures = this.#assemble(this.#buffer.poll(nowMs), nowMs);
    const feedback: Buffer[] = [];
    if (this.#ssrc === undefined) return { pictures, feedback };
    const missing = this.#buffer.takeRequests(nowMs);
    if (missing.length > 0) feedback.push(writeNack(this.#ssrc, missing));
    if ((this.#wantsKey || this.#assembler.needsKey) && nowMs - this.#keyAskedMs >= KEY_REQUEST_MS) {
      this.#keyAskedMs = nowMs;
      this.#wantsKey = false;
      feedback.push(writePictureLoss(this.#ssrc));
    }
    if (nowMs - this.#bitrateToldMs >= BITRATE_MS) {
      this.#bitrateToldMs = nowMs;
      feedback.push(writeBitrate(this.#ssrc, BITS_PER_SECOND));
    }
    return { pictures, feedback };
  }

  /** Asks the sender for a key picture when that may be asked again; what comes before it is still handed on. */
  requestKey(): void {
    this.#wantsKey = true;
  }

  /** A picture that was handed on went no further: leaves out all that build on it, and asks for a key picture. */
  breakOff(): void {
    this.#assembler.breakOff();
  }

  /** A packet of the stream, in whichever form it came. A new source takes the place of the old. */
  #original(packet: RtpPacket | undefined): RtpPacket | undefined {
    if (packet === undefined) return undefined;
    const { payloadType, retransmissionType } = this.#track;
    if (packet.payloadType === retransmissionType) return this.#ssrc === undefined ? undefined : readRetransmission(packet, payloadType, this.#ssrc);
    if (packet.payloadType !== payloadType) return undefined;
    if (this.#ssrc !== undefined && this.#ssrc !== packet.ssrc) {
      this.#buffer = new ReorderBuffer();
      this.#assembler.breakOff();
    }
    this.#ssrc = packet.ssrc;
    return packet;
  }

  #assemble(ordered: readonly Ordered[], nowMs: number): TrackPicture[] {
    const pictures: TrackPicture[] = [];
    for (const next of ordered) {
      const picture = this.#assembler.add(next);
      if (picture === undefined) continue;
      const { kind, discardable, size, bytes } = picture;
      const chunk: VideoChunk = { captureMs: 0, codec: this.#track.codec, kind, ...(discardable ? { discardable } : {}), ...size, bytes };
      pictures.push({ chunk, ageMs: this.#clock.ageMs(picture.timestamp, picture.arrivedMs, nowMs) });
    }
    return pictures;
  }
}
