/**
 * A participant's latest samples by the tick that they were sent with, on both sides of a stream that loses packets.
 *
 * A sample is told as what differs from one that the receiver has confirmed. All receivers that confirmed the same one get the same bytes.
 */
import { encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from './avatar-delta.ts';
import { type AvatarState, copyAvatarState, createAvatarState } from './avatar-state.ts';

const scratch = new Uint8Array(MAX_BLOB_BYTES);

/** The newest states, each with its tick. */
export class AvatarHistory {
  readonly #states: AvatarState[] = [];
  readonly #ticks: number[] = [];
  readonly #capacity: number;
  #next = 0;

  /** @param capacity - states that are kept, at least 1; the oldest gives way. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @param state - copied. @returns the copy, which is read only. */
  add(tick: number, state: AvatarState): AvatarState {
    const kept = (this.#states[this.#next] ??= createAvatarState());
    copyAvatarState(state, kept);
    this.#ticks[this.#next] = tick;
    this.#next = (this.#next + 1) % this.#capacity;
    return kept;
  }

  at(tick: number): AvatarState | undefined {
    const index = this.#ticks.indexOf(tick);
    return index < 0 ? undefined : this.#states[index];
  }
}

/** The sending side, one for a participant. */
export class AvatarBaselineWriter {
  readonly #history: AvatarHistory;
  readonly #blobs = new Map<number, Uint8Array>();
  #newest: AvatarState | undefined;
  #key: Uint8Array | undefined;

  /** @param capacity - how many samples back a baseline may be. */
  constructor(capacity: number) {
    this.#history = new AvatarHistory(capacity + 1);
  }

  /** Goes on to the next sample. @param tick - of the snapshots that it goes out with. @param state - copied. */
  advance(tick: number, state: AvatarState): void {
    this.#newest = this.#history.add(tick, state);
    this.#blobs.clear();
    this.#key = undefined;
  }

  /** For those who have the sample that went out with `tick`; undefined when that one is no longer known. Made once; read only. */
  against(tick: number): Uint8Array | undefined {
    const made = this.#blobs.get(tick);
    if (made !== undefined || this.#newest === undefined) return made;
    const baseline = this.#history.at(tick);
    if (baseline === undefined || baseline === this.#newest) return undefined;
    const blob = scratch.slice(0, encodeAvatarDelta(this.#newest, baseline, undefined, scratch, 0));
    this.#blobs.set(tick, blob);
    return blob;
  }

  /** For everybody else; undefined before the first sample. Made once; read only. */
  key(): Uint8Array | undefined {
    if (this.#newest === undefined) return undefined;
    return (this.#key ??= scratch.slice(0, encodeAvatarKey(this.#newest, undefined, scratch, 0)));
  }
}
