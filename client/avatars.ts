/** Everybody in a session as they are to be drawn: samples, and how late each has to be. */
import type { PoseSample } from '../protocol/codec/pose-sample.ts';
import type { AvatarSource } from './client.ts';
import { SampleBuffer } from './interpolation.ts';
import { DelayEstimate } from './playout/delay-estimate.ts';
import { PlayoutClock } from './playout/playout-clock.ts';

/** Who was not heard of for this long does not hold the others' common moment back. */
const SILENT_MS = 1000;

interface Avatar {
  readonly samples: SampleBuffer;
  readonly delay: DelayEstimate;
  readonly playout: PlayoutClock;
  /** Server clock. */
  arrivedMs: number;
}

/** Now, on both clocks. */
export interface Now {
  readonly deviceMs: number;
  readonly serverMs: number;
}

export class Avatars {
  readonly #avatars = new Map<number, Avatar>();
  #common = new PlayoutClock();

  /** @param arrivedMs - server clock. */
  add(slot: number, sample: PoseSample, arrivedMs: number): void {
    let avatar = this.#avatars.get(slot);
    if (avatar === undefined) this.#avatars.set(slot, (avatar = { samples: new SampleBuffer(), delay: new DelayEstimate(), playout: new PlayoutClock(), arrivedMs }));
    if (!avatar.samples.add(sample)) return;
    avatar.delay.add(sample.captureMs, arrivedMs);
    avatar.arrivedMs = arrivedMs;
  }

  at(slot: number, serverMs: number, into: PoseSample): AvatarSource {
    return this.#avatars.get(slot)?.samples.sampleAt(serverMs, into) ?? 'none';
  }

  /** Somebody at the moment that suits their own link. */
  now(slot: number, { deviceMs, serverMs }: Now, into: PoseSample): AvatarSource {
    const avatar = this.#avatars.get(slot);
    return avatar?.samples.sampleAt(avatar.playout.at(deviceMs, serverMs, avatar.delay.wantedMs), into) ?? 'none';
  }

  /** How far behind the server one moment is that suits all who are heard, the latest of them too. */
  commonDelayMs({ deviceMs, serverMs }: Now): number {
    let wantedMs = 0;
    for (const { delay, arrivedMs } of this.#avatars.values()) {
      if (serverMs - arrivedMs < SILENT_MS) wantedMs = Math.max(wantedMs, delay.wantedMs);
    }
    return serverMs - this.#common.at(deviceMs, serverMs, wantedMs);
  }

  /** Forgets a participant who left, so that the next one on that slot does not start in the old place. */
  forget(slot: number): void {
    this.#avatars.delete(slot);
  }

  clear(): void {
    this.#avatars.clear();
    this.#common = new PlayoutClock();
  }
}
