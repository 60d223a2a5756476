/** What a light guest makes of snapshots that tell differences: the SDK's reader and acknowledgements, and of each sample its bytes alone. */
import type { Clock } from '../../core/clock.ts';
import { Acknowledger } from '../../client/acknowledger.ts';
import { writeAvatarState } from '../../protocol/codec/delta/avatar-state.ts';
import { DeltaSnapshotReader, readDeltaSnapshotHeader } from '../../protocol/codec/delta/delta-snapshot.ts';
import { MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';

export interface DeltaEarsParts {
  readonly clock: Clock;
  /** @param bytes - a whole sample, valid during the call. @param entryBytes - what it took on the wire. */
  readonly pose: (slot: number, bytes: Uint8Array, entryBytes: number) => void;
  /** @param payload - of kind `acknowledgement`. */
  readonly acknowledge: (payload: Uint8Array) => void;
  /** Something cannot be told without a key snapshot. */
  readonly askAnew: () => void;
  readonly refused: (code: string) => void;
}

/** Between two questions for a key snapshot. */
const ASK_PERIOD_MS = 1000;
/** Samples of each participant that later ones may be told by, where some are lost. */
const BASELINES = 64;

export class DeltaEars {
  readonly #parts: DeltaEarsParts;
  readonly #bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  readonly #acknowledger = new Acknowledger();
  /** Of this connection; undefined until a delta has come. */
  #reader: { readonly acknowledges: boolean; readonly deltas: DeltaSnapshotReader } | undefined;
  #tick: number | undefined;
  #askedMs = -Infinity;

  constructor(parts: DeltaEarsParts) {
    this.#parts = parts;
  }

  /** Another connection begins. */
  restart(): void {
    this.#reader = undefined;
    this.#tick = undefined;
    this.#askedMs = -Infinity;
    this.#acknowledger.restart();
  }

  /** @param payload - of kind `deltaSnapshot`. */
  take(payload: Uint8Array): void {
    const nowMs = this.#parts.clock.nowMs();
    const before = readDeltaSnapshotHeader(payload, nowMs);
    if (before === undefined) return this.#parts.refused('MESSAGE_INVALID');
    if (this.#tick !== undefined && ((before.tick - this.#tick) | 0) < 0) return;
    const { deltas } = this.#readerFor(before.acknowledge);
    const told = deltas.read(payload, nowMs, (slot, { state, bytes }) => {
      writeAvatarState(state, this.#bytes, 0);
      this.#parts.pose(slot, this.#bytes, bytes);
    });
    if (typeof told === 'string' || told.missing.length > 0) this.#askAnew(nowMs);
    if (typeof told === 'string') return this.#parts.refused(told);
    this.#tick = told.tick;
    // What is missing has not arrived; the server then tells it whole.
    const acknowledgement = before.acknowledge && told.missing.length === 0 ? this.#acknowledger.arrived(told.tick, nowMs) : undefined;
    if (acknowledgement !== undefined) this.#parts.acknowledge(acknowledgement);
  }

  #readerFor(acknowledges: boolean): { readonly deltas: DeltaSnapshotReader } {
    if (this.#reader?.acknowledges !== acknowledges) this.#reader = { acknowledges, deltas: new DeltaSnapshotReader({ baselines: acknowledges ? BASELINES : 0 }) };
    return this.#reader;
  }

  #askAnew(nowMs: number): void {
    if (nowMs - this.#askedMs < ASK_PERIOD_MS) return;
    this.#askedMs = nowMs;
    this.#parts.askAnew();
  }
}
