/**
 * A participant's samples one after the other, on both sides of a stream that keeps its order: each is told as what differs from the
 * one before.
 *
 * A blob is made once, for everybody who follows the chain. Whoever does not follow it yet, or has missed one, gets the key, and follows from then on.
 */
import type { ErrorCode } from '../../../core/errors.ts';
import { decodeAvatarDelta, decodeAvatarKey, encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from './avatar-delta.ts';
import { type AvatarState, copyAvatarState, createAvatarState } from './avatar-state.ts';

const scratch = new Uint8Array(MAX_BLOB_BYTES);

/** The sending side, one for a participant and rate tier. */
export class AvatarChainWriter {
  #newest = createAvatarState();
  #reference = createAvatarState();
  #older = createAvatarState();
  #length = 0;
  #delta: Uint8Array | undefined;
  #key: Uint8Array | undefined;

  /** Goes on to the next sample. @param state - copied. */
  advance(state: AvatarState): void {
    const reused = this.#older;
    this.#older = this.#reference;
    this.#reference = this.#newest;
    this.#newest = reused;
    copyAvatarState(state, reused);
    this.#length = Math.min(3, this.#length + 1);
    this.#delta = undefined;
    this.#key = undefined;
  }

  /** For those who have the sample before; undefined when there is none. Made once; read only from then on. */
  delta(): Uint8Array | undefined {
    if (this.#length < 2) return undefined;
    return (this.#delta ??= scratch.slice(0, encodeAvatarDelta(this.#newest, this.#reference, this.#length < 3 ? undefined : this.#older, scratch, 0)));
  }

  /** For those who have anything or nothing; undefined before the first sample. Made once; read only from then on. */
  key(): Uint8Array | undefined {
    if (this.#length < 1) return undefined;
    return (this.#key ??= scratch.slice(0, encodeAvatarKey(this.#newest, this.#length < 2 ? undefined : this.#reference, scratch, 0)));
  }
}

/** The receiving side of one participant. What is decoded takes effect with `commit`, so that a packet with a broken tail has none. */
export class AvatarChainReader {
  #newest = createAvatarState();
  #older = createAvatarState();
  #decoded = createAvatarState();
  #decodedOlder = createAvatarState();
  #follows = false;
  #decodedMode: 'key' | 'chain' | 'baseline' = 'key';

  /** Whether a delta of the chain can be decoded. */
  get follows(): boolean {
    return this.#follows;
  }

  /** The newest sample that was committed. Read only, and overwritten later. */
  get newest(): AvatarState {
    return this.#newest;
  }

  decodeKey(bytes: Uint8Array, at: number, end: number): ErrorCode | undefined {
    this.#decodedMode = 'key';
    return decodeAvatarKey(bytes, at, end, this.#decoded, this.#decodedOlder);
  }

  /** Only while it `follows`. */
  decodeDelta(bytes: Uint8Array, at: number, end: number): ErrorCode | undefined {
    this.#decodedMode = 'chain';
    return decodeAvatarDelta(bytes, at, end, this.#newest, this.#older, this.#decoded);
  }

  /** Decodes what differs from any state; the chain is not followed after it. @param baseline - read only. */
  decodeAgainst(baseline: AvatarState, bytes: Uint8Array, at: number, end: number): ErrorCode | undefined {
    this.#decodedMode = 'baseline';
    return decodeAvatarDelta(bytes, at, end, baseline, undefined, this.#decoded);
  }

  /** Makes the newest of what was decoded last, which was not refused. */
  commit(): void {
    const before = this.#newest;
    this.#newest = this.#decoded;
    this.#follows = this.#decodedMode !== 'baseline';
    if (this.#decodedMode === 'key') {
      this.#decoded = before;
      [this.#older, this.#decodedOlder] = [this.#decodedOlder, this.#older];
    } else {
      this.#decoded = this.#older;
      this.#older = before;
    }
  }
}
