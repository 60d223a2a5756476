/** Which entries a receiver gets in a tick, and the bytes of them; made once for all who get the same. */
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { type DeltaEntry, encodeDeltaSnapshot } from '../../../protocol/codec/delta/delta-snapshot.ts';
import type { Baseline } from './confirmed.ts';
import type { Feed } from './feed.ts';
import { MOST_TIERS } from './plan-tiers.ts';
import { isBaselineTick, isReceiverTick, isSlotTick } from './schedule.ts';
import type { Track } from './track.ts';
import type { View } from './view.ts';

/** A framed snapshot, and what is in it. */
export interface TickMessage {
  readonly framed: Uint8Array;
  /** By tier, the bytes of the participants in it. */
  readonly tierBytes: readonly number[];
  readonly keys: number;
}

/** One tick of a session: hands every receiver its message. */
export class TickSnapshots {
  readonly #tracks: readonly Track[];
  readonly #tick: number;
  readonly #nowMs: number;
  /** Of who is in step with everything of a view; undefined where nothing is to be sent. */
  readonly #next = new Map<View, TickMessage | undefined>();
  readonly #key = new Map<View, TickMessage>();
  /** By the fastest tier of a receiver, by tier, by place among the tracks: what goes to those in step; null for nothing, undefined until it is asked for. */
  readonly #columns: (DeltaEntry | null | undefined)[][][] = [];

  /** @param tracks - slots ascending, each gone on to its newest sample. */
  constructor(tracks: readonly Track[], { tick, nowMs }: { readonly tick: number; readonly nowMs: number }) {
    this.#tracks = tracks;
    this.#tick = tick;
    this.#nowMs = nowMs;
  }

  /** For a connection that keeps the order; undefined when there is nothing to send. */
  ordered(feed: Feed): TickMessage | undefined {
    const { view, pending, receiver } = feed;
    if (pending.size > 0) return this.#personal(feed);
    if (receiver.needsKey) {
      const known = this.#key.get(view);
      if (known !== undefined) return known;
      const message = this.#message(collect(this.#tracks, (track) => track.key(this.#tick, view.tiers[track.slot]!, view.fastest)), view, true);
      this.#key.set(view, message);
      return message;
    }
    if (!this.#next.has(view)) this.#next.set(view, this.#orNothing(this.#nextEntries(view), view));
    return this.#next.get(view);
  }

  /** For a connection that may lose what it is sent, which is told by what has arrived. @returns also what may have arrived then. */
  unordered(feed: Feed): { readonly message: TickMessage | undefined; readonly baselines: readonly Baseline[] } {
    const { view, confirmed, receiver } = feed;
    const baselines: Baseline[] = [];
    if (!receiver.needsKey && !isReceiverTick(this.#tick, view.fastest)) return { message: undefined, baselines };
    const entries = collect(this.#tracks, (track) => {
      const tier = view.tiers[track.slot]!;
      if (!receiver.needsKey && !isSlotTick(this.#tick, track.slot, tier, view.fastest)) return undefined;
      const has = receiver.needsKey ? undefined : confirmed.baseline(track);
      if (has?.version === track.version) return undefined;
      // Few ticks are baselines, so that many receivers have the same one; of who stands still any is as good.
      if (receiver.needsKey || track.isStill || isBaselineTick(this.#tick, track.slot, view.fastest)) baselines.push({ track, tick: this.#tick, version: track.version });
      return track.against(this.#tick, has?.tick, tier);
    });
    const message = receiver.needsKey ? this.#message(entries, view, true, true) : this.#orNothing(entries, view, true);
    return { message, baselines };
  }

  /** Most receivers have a view of their own, so this is what a tick of a large session takes. */
  #nextEntries({ tiers, fastest }: View): DeltaEntry[] {
    const entries: DeltaEntry[] = [];
    if (!isReceiverTick(this.#tick, fastest)) return entries;
    const columns = (this.#columns[fastest] ??= Array.from({ length: MOST_TIERS }, () => new Array<DeltaEntry | null | undefined>(this.#tracks.length)));
    for (let index = 0; index < this.#tracks.length; index++) {
      const track = this.#tracks[index]!;
      const tier = tiers[track.slot]!;
      const column = columns[tier]!;
      let entry = column[index];
      if (entry === undefined) {
        entry = track.next(this.#tick, tier, fastest) ?? null;
        column[index] = entry;
      }
      if (entry !== null) entries.push(entry);
    }
    return entries;
  }

  /** For whose tiers have changed. Slots that come in their new tier are taken off those that are pending. */
  #personal({ view, pending, receiver }: Feed): TickMessage | undefined {
    const { needsKey } = receiver;
    const entries = collect(this.#tracks, (track) => {
      const { slot } = track;
      const tier = view.tiers[slot]!;
      if (!pending.has(slot)) return needsKey ? track.key(this.#tick, tier, view.fastest) : track.next(this.#tick, tier, view.fastest);
      if (!isSlotTick(this.#tick, slot, tier, view.fastest)) return undefined;
      pending.delete(slot);
      return track.key(this.#tick, tier, view.fastest);
    });
    return needsKey ? this.#message(entries, view, true) : this.#orNothing(entries, view);
  }

  #orNothing(entries: readonly DeltaEntry[], view: View, acknowledge = false): TickMessage | undefined {
    return entries.length === 0 ? undefined : this.#message(entries, view, false, acknowledge);
  }

  #message(entries: readonly DeltaEntry[], view: View, key: boolean, acknowledge = false): TickMessage {
    const tierBytes = new Array<number>(MOST_TIERS).fill(0);
    let keys = 0;
    for (const { slot, mode, blob } of entries) {
      tierBytes[view.tiers[slot]!]! += blob.length;
      if (mode === 'key') keys++;
    }
    const payload = encodeDeltaSnapshot({ tick: this.#tick, serverMs: this.#nowMs, key, acknowledge }, entries);
    return { framed: frameMessage(KIND.deltaSnapshot, payload), tierBytes, keys };
  }
}

function collect(tracks: readonly Track[], entryOf: (track: Track) => DeltaEntry | undefined): DeltaEntry[] {
  const entries: DeltaEntry[] = [];
  for (const track of tracks) {
    const entry = entryOf(track);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
