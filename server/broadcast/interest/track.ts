/** One participant as a source of delta snapshots: each sample is encoded once for every line that somebody takes it by. */
import { AvatarBaselineWriter } from '../../../protocol/codec/delta/baselines.ts';
import { AvatarChainWriter } from '../../../protocol/codec/delta/chain.ts';
import type { DeltaEntry } from '../../../protocol/codec/delta/delta-snapshot.ts';
import { type AvatarState, createAvatarState, readAvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import type { Source } from '../../flow.ts';
import { isSlotTick, lineOf, LINES } from './schedule.ts';
import { readViewpoint, unknownViewpoint, type Viewpoint } from './viewpoint.ts';

/** A participant's samples in the ticks of one line. */
interface Chain {
  readonly writer: AvatarChainWriter;
  /** Of the sample that it has reached; 0 before the first. */
  version: number;
  /** The tick in which it was looked at last. */
  seenTick: number | undefined;
  /** For those who have followed it, in `seenTick`. */
  next: DeltaEntry | undefined;
  /** For everybody else; undefined until somebody needs it. */
  key: DeltaEntry | undefined;
}

/** How many blobs have been made for a session. */
export interface EncodeCount {
  encodes: number;
}

/** Samples that deltas may be taken of, on connections without order: more than a round trip of ticks, and two baselines. */
const BASELINES = 64;
/** How much of a new figure goes into an average. */
const BYTES_WEIGHT = 0.1;
const ACTIVITY_WEIGHT = 0.03;
const STILL_TICKS = 8;
/** Of an encoded sample, what a delta takes before one has been made. */
const FIRST_GUESS = 0.5;

/** @bound LINES chains, those that are in use. */
export class Track {
  readonly source: Source;
  readonly slot: number;
  readonly #viewpoint = unknownViewpoint();
  readonly #chains: (Chain | undefined)[] = new Array<Chain | undefined>(LINES);
  #sample: Uint8Array;
  /** Counts up with each sample. */
  #version = 1;
  #viewedVersion = 0;
  readonly #state = createAvatarState();
  #stateVersion = 0;
  /** Of a delta. */
  #bytes = 0;
  /** Ticks with a new sample, of all. */
  #activity = 1;
  #hasChanged = true;
  #stillTicks = 0;
  readonly #count: EncodeCount;
  #baselines: AvatarBaselineWriter | undefined;
  /** The tick in which `#baselines` went on last. */
  #baselineTick: number | undefined;
  /** Of that tick, by what they are told by and the tier. */
  readonly #told = new Map<number, DeltaEntry>();

  /** @param sample - read only, and kept: it is overwritten in place by the next one. */
  constructor(source: Source, sample: Uint8Array, count: EncodeCount) {
    this.source = source;
    this.slot = source.slot;
    this.#sample = sample;
    this.#count = count;
    this.#bytes = FIRST_GUESS * sample.length;
  }

  /** A new sample has come. @param sample - as in the constructor. */
  take(sample: Uint8Array): void {
    this.#sample = sample;
    this.#version++;
    this.#hasChanged = true;
  }

  /** Once in each tick, behind what it has brought. */
  noteTick(): void {
    this.#activity += ((this.#hasChanged ? 1 : 0) - this.#activity) * ACTIVITY_WEIGHT;
    this.#stillTicks = this.#hasChanged ? 0 : this.#stillTicks + 1;
    this.#hasChanged = false;
  }

  get version(): number {
    return this.#version;
  }

  /** Bytes for each tick of tier 0, as it has been lately. */
  get bytesPerTick(): number {
    return this.#bytes * this.#activity;
  }

  /** Nothing has come for a while, so what is sent is the same again. */
  get isStill(): boolean {
    return this.#stillTicks >= STILL_TICKS;
  }

  get viewpoint(): Viewpoint {
    if (this.#viewedVersion !== this.#version) readViewpoint(this.#sample, this.#viewpoint);
    this.#viewedVersion = this.#version;
    return this.#viewpoint;
  }

  /** What goes to those who have followed a line until now; undefined when there is nothing in this tick. */
  next(tick: number, tier: number, fastest: number): DeltaEntry | undefined {
    return isSlotTick(tick, this.slot, tier, fastest) ? this.#moved(tick, tier, fastest).next : undefined;
  }

  /** What brings somebody into step with a line; undefined while it has not begun: then the next blob of it is for anybody. */
  key(tick: number, tier: number, fastest: number): DeltaEntry | undefined {
    const chain = isSlotTick(tick, this.slot, tier, fastest) ? this.#moved(tick, tier, fastest) : this.#chains[lineOf(tier, fastest)];
    return chain === undefined || chain.version === 0 ? undefined : this.#keyOf(chain, tier);
  }

  /** The newest sample, for a receiver who has the one that was sent in a tick; `undefined` for one who has none. */
  against(tick: number, baselineTick: number | undefined, tier: number): DeltaEntry {
    const writer = (this.#baselines ??= new AvatarBaselineWriter(BASELINES));
    if (this.#baselineTick !== tick) {
      writer.advance(tick, this.#readState());
      this.#told.clear();
      this.#baselineTick = tick;
    }
    // Tiers are less than eight.
    const name = baselineTick === undefined ? tier : 8 * (baselineTick + 1) + tier;
    const known = this.#told.get(name);
    if (known !== undefined) return known;
    const entry = this.#tell(writer, baselineTick, tier);
    this.#told.set(name, entry);
    return entry;
  }

  #tell(writer: AvatarBaselineWriter, baselineTick: number | undefined, tier: number): DeltaEntry {
    const blob = baselineTick === undefined ? undefined : writer.against(baselineTick);
    if (blob === undefined || baselineTick === undefined) {
      this.#count.encodes++;
      return { slot: this.slot, mode: 'key', tier, blob: writer.key()! };
    }
    this.#measure(blob.length);
    return { slot: this.slot, mode: 'baseline', tier, baselineTick, blob };
  }

  /** The chain of a line, gone on to the newest sample. @param tick - one of the line's. */
  #moved(tick: number, tier: number, fastest: number): Chain {
    const chain = (this.#chains[lineOf(tier, fastest)] ??= { writer: new AvatarChainWriter(), version: 0, seenTick: undefined, next: undefined, key: undefined });
    if (chain.seenTick === tick) return chain;
    chain.seenTick = tick;
    chain.next = undefined;
    if (chain.version === this.#version) return chain;
    chain.writer.advance(this.#readState());
    chain.key = undefined;
    chain.version = this.#version;
    const delta = chain.writer.delta();
    chain.next = delta === undefined ? this.#keyOf(chain, tier) : { slot: this.slot, mode: 'chain', blob: delta };
    if (delta !== undefined) this.#measure(delta.length);
    return chain;
  }

  #keyOf(chain: Chain, tier: number): DeltaEntry {
    if (chain.key === undefined) this.#count.encodes++;
    return (chain.key ??= { slot: this.slot, mode: 'key', tier, blob: chain.writer.key()! });
  }

  #readState(): AvatarState {
    if (this.#stateVersion !== this.#version) readAvatarState(this.#sample, 0, this.#state);
    this.#stateVersion = this.#version;
    return this.#state;
  }

  #measure(bytes: number): void {
    this.#count.encodes++;
    this.#bytes += (bytes - this.#bytes) * BYTES_WEIGHT;
  }
}
