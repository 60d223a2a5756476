/** What the session and broadcast stages say of delta snapshots. */

/** What a client asks of its snapshots, at most; within what the server gives. */
export interface SnapshotWish {
  readonly rateHz?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** What one tick's delta snapshots took. */
export interface DeltaWork {
  /** Bytes sent of participants in each tier, all receivers together. */
  readonly tierBytes: readonly number[];
  /** Blobs that were encoded. */
  readonly encodes: number;
  /** Parts of snapshots that stand by themselves. */
  readonly keys: number;
  /** By the plans made in this tick: how many a budget has made slower, and plans that pass their budget all the same. */
  readonly demoted: number;
  readonly exceeded: number;
  readonly plans: number;
}
