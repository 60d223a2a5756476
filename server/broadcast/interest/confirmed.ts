/** Which samples a receiver is known to have, on a connection that may lose some. */
import { acknowledges, type Acknowledgement } from '../../../protocol/codec/acknowledgement.ts';
import type { Track } from './track.ts';

/** A sample that a receiver has: it can be told what differs from it. */
export interface Baseline {
  readonly track: Track;
  /** The tick in which it was sent. */
  readonly tick: number;
  /** Of the sample. */
  readonly version: number;
}

/** Ticks whose baselines are remembered until they are confirmed: more than a round trip and an acknowledgement that is lost. */
const REMEMBERED = 64;

/** @bound one baseline for each participant, and those of REMEMBERED snapshots. */
export class Confirmed {
  readonly #baselines = new Map<number, Baseline>();
  readonly #sent: { readonly tick: number; readonly baselines: readonly Baseline[] }[] = [];

  baseline(track: Track): Baseline | undefined {
    const baseline = this.#baselines.get(track.slot);
    return baseline?.track === track ? baseline : undefined;
  }

  /** A snapshot has left that holds these. */
  sent(tick: number, baselines: readonly Baseline[]): void {
    if (baselines.length === 0) return;
    if (this.#sent.length === REMEMBERED) this.#sent.shift();
    this.#sent.push({ tick, baselines });
  }

  take(acknowledgement: Acknowledgement): void {
    let kept = 0;
    for (const snapshot of this.#sent) {
      if (!acknowledges(acknowledgement, snapshot.tick)) this.#sent[kept++] = snapshot;
      else for (const baseline of snapshot.baselines) this.#confirm(baseline);
    }
    this.#sent.length = kept;
  }

  clear(): void {
    this.#baselines.clear();
    this.#sent.length = 0;
  }

  /** An acknowledgement may be overtaken by a later one. */
  #confirm(baseline: Baseline): void {
    const known = this.#baselines.get(baseline.track.slot);
    if (known?.track !== baseline.track || ((baseline.tick - known.tick) | 0) > 0) this.#baselines.set(baseline.track.slot, baseline);
  }
}
