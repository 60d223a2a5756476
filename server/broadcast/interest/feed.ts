/** What the broadcast stage knows of one receiver of delta snapshots. */
import type { Connection, Receiver } from '../../flow.ts';
import type { SnapshotWish } from '../../snapshot-flow.ts';
import { Confirmed } from './confirmed.ts';
import type { Track } from './track.ts';
import type { View } from './view.ts';

export class Feed {
  readonly receiver: Receiver;
  connection: Connection | undefined;
  /** With which it was planned. */
  wish: SnapshotWish;
  view: View;
  /**
   * Slots whose tier has changed and that have not come in the new one yet. Until they do the receiver gets nothing of them: what the
   * slower tier sent last may be older than what the faster one did.
   */
  readonly pending = new Set<number>();
  /** On a connection without order: what has arrived. */
  readonly confirmed = new Confirmed();
  /** Octaves, of the plan before. */
  pressure = 0;
  /** Bytes a second that the connection bears. */
  allowance = Infinity;
  /** Bytes a second that the plan before was thought to take, and how many times that it took, lately: slow tiers have larger deltas. */
  plannedBytes = 0;
  excess = 1;
  /** Since the plan before. */
  sentBytes = 0;
  wasSuperseded = false;
  plannedMs: number;

  constructor(receiver: Receiver, view: View, nowMs: number) {
    this.receiver = receiver;
    this.wish = receiver.wish;
    this.view = view;
    this.plannedMs = nowMs;
  }

  /** The receiver has another connection, on which nothing has been sent. */
  restart(connection: Connection | undefined, nowMs: number): void {
    this.connection = connection;
    this.pending.clear();
    this.confirmed.clear();
    this.pressure = 0;
    this.allowance = Infinity;
    this.plannedBytes = 0;
    this.excess = 1;
    this.sentBytes = 0;
    this.wasSuperseded = false;
    this.plannedMs = nowMs;
  }

  /** Changes the view; from here on slots come in their new tiers. @param tracks - those who are there. */
  show(view: View, tracks: Iterable<Track>): void {
    const before = this.view;
    if (view === before) return;
    this.view = view;
    for (const { slot } of tracks) {
      if (view.tiers[slot] !== before.tiers[slot] || view.fastest !== before.fastest) this.pending.add(slot);
    }
  }
}
