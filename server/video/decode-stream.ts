/** One stream at the gateway: what of it is under way, and whether it waits for a key picture. */
import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { VideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { PictureTag, VideoStream, VideoStreamListener } from '../video-flow.ts';
import { admitPicture, asksForKey, NEW_STREAM, type StreamState } from './admit-picture.ts';
import type { StreamEvent, ToDecoder } from './decode-messages.ts';

/** How long a stream that was refused for want of a decoder is not tried again. */
const REFUSED_MS = 2000;

export interface DecodeStreamParts {
  readonly id: number;
  readonly owner: string;
  readonly listener: VideoStreamListener;
  readonly clock: Clock;
  /** Why nothing of this stream can be decoded now. */
  readonly whyNot: (nowMs: number) => ErrorCode | undefined;
  /** Of all streams. */
  readonly bytesUnderWay: () => number;
  readonly send: (message: ToDecoder) => void;
  readonly closed: () => void;
}

interface UnderWay {
  readonly id: number;
  readonly bytes: number;
  readonly tag: PictureTag;
}

export class DecodeStream implements VideoStream {
  readonly owner: string;
  readonly #parts: DecodeStreamParts;
  #underWay: UnderWay[] = [];
  #state: Pick<StreamState, 'waitsForKey' | 'keyAskedMs'> = NEW_STREAM;
  #refusedUntilMs = Number.NEGATIVE_INFINITY;
  #nextPicture = 1;
  #wasSent = false;
  #isClosed = false;

  constructor(parts: DecodeStreamParts) {
    this.#parts = parts;
    this.owner = parts.owner;
  }

  get bytesUnderWay(): number {
    return this.#underWay.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  push(chunk: VideoChunk, tag: PictureTag): 'taken' | 'superseded' | ErrorCode {
    const { codec, bytes } = chunk;
    assert(codec !== 'jpeg' && !this.#isClosed, 'a stream takes pictures that build on one another, until it is closed');
    const nowMs = this.#parts.clock.nowMs();
    const refusal = this.#parts.whyNot(nowMs) ?? (nowMs < this.#refusedUntilMs ? 'MODEL_OVERLOADED' : undefined);
    if (refusal !== undefined) {
      this.breakOff();
      return refusal;
    }
    const picture = { key: chunk.kind === 'key', discardable: chunk.discardable === true };
    const admission = admitPicture(this.#whole, picture, this.#parts.bytesUnderWay() + bytes.length);
    if (admission !== 'decode') {
      if (admission === 'break') this.breakOff();
      this.#askForKey(nowMs);
      return 'superseded';
    }
    if (picture.key) this.#state = { ...this.#state, waitsForKey: false };
    const id = this.#nextPicture++;
    this.#underWay.push({ id, bytes: bytes.length, tag });
    this.#wasSent = true;
    this.#parts.send({ kind: 'picture', stream: this.#parts.id, picture: { id, codec, ...picture, bytes: Uint8Array.from(bytes) } });
    return 'taken';
  }

  breakOff(): void {
    this.#state = { ...this.#state, waitsForKey: true };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#underWay = [];
    this.#parts.closed();
    if (this.#wasSent) this.#parts.send({ kind: 'close', stream: this.#parts.id });
  }

  /** Hears from the process. */
  answered(event: StreamEvent): void {
    const tag = this.#underWay.find(({ id }) => id === event.id)?.tag;
    this.#underWay = this.#underWay.filter(({ id }) => id > event.id);
    const nowMs = this.#parts.clock.nowMs();
    // What is under way behind it builds on what could not be decoded.
    if (event.kind === 'refused' || (event.kind === 'taken' && event.needsKey)) this.breakOff();
    if (event.kind === 'refused') {
      if (event.code === 'MODEL_OVERLOADED') this.#refusedUntilMs = nowMs + REFUSED_MS;
      this.#parts.listener.onRefused(event.code, nowMs);
    }
    if (event.kind === 'decoded' && tag !== undefined) this.#parts.listener.onPicture(event.picture, tag);
    this.#askForKey(nowMs);
  }

  /** The process is gone, and with it all that a decoder knew. */
  lost(nowMs: number): void {
    const wasUsed = this.#underWay.length > 0 || !this.#state.waitsForKey;
    this.#underWay = [];
    this.breakOff();
    if (wasUsed) this.#askForKey(nowMs);
  }

  get #whole(): StreamState {
    return { ...this.#state, underWay: this.#underWay.length };
  }

  #askForKey(nowMs: number): void {
    if (nowMs < this.#refusedUntilMs || !asksForKey(this.#whole, nowMs)) return;
    this.#state = { ...this.#state, keyAskedMs: nowMs };
    this.#parts.listener.onKeyNeeded();
  }
}
