/** Keeps suspects of all models apart: tells the scheduler which queue a request belongs to, and on which device suspects run. */
import type { Batch, Device, DevicePool, InferenceRequest } from '../flow.ts';
import { DeviceIndex, type ModelDevices } from './device-index.ts';
import { Quarantine, senderOf, type Conviction, type SuspectGroup } from './quarantine.ts';

/** `open`: among everybody else; a group: among its suspects; `refused`: nowhere, for now. */
export type Place = 'open' | 'refused' | SuspectGroup;

/** A device that has been away for so long is not waited for. */
const PATIENCE_MS = 5000;

/**
 * With several devices suspects run on one at a time, and after a death of theirs wait for that one to come back: so a
 * search never has more than one device down, beside the one on which it began.
 */
export class QuarantineWard {
  readonly #pool: DevicePool;
  readonly #quarantines = new Map<string, Quarantine>();
  readonly #index: DeviceIndex;
  #device: Device | undefined;
  #awaySinceMs: number | undefined;

  constructor(pool: DevicePool) {
    this.#pool = pool;
    const ward = (): readonly Device[] => (this.#device === undefined ? [] : [this.#device]);
    this.#index = new DeviceIndex({ get devices() { return ward(); }, onChange: () => undefined });
  }

  /** @bound O(1) as long as no worker has died. */
  placeOf(request: InferenceRequest, nowMs: number): Place {
    const quarantine = this.#quarantines.get(request.model);
    if (quarantine === undefined) return 'open';
    const standing = quarantine.standingOf(senderOf(request), nowMs);
    if (standing.kind === 'suspect') return standing.group;
    return standing.kind === 'trusted' ? 'open' : 'refused';
  }

  /** @param group - whose batch it was, undefined for one of trusted senders. @returns who is refused from now on. */
  lost({ model, requests }: Batch, group: SuspectGroup | undefined, nowMs: number): readonly Conviction[] {
    let quarantine = this.#quarantines.get(model);
    if (quarantine === undefined) this.#quarantines.set(model, (quarantine = new Quarantine()));
    const convictions = quarantine.lost(sendersOf(requests), group, nowMs);
    this.#dismiss();
    return convictions;
  }

  /** @returns whether somebody is trusted again. */
  completed({ model, requests }: Batch, group: SuspectGroup, nowMs: number): boolean {
    const cleared = this.#quarantines.get(model)?.completed(sendersOf(requests), group, nowMs) ?? false;
    this.#dismiss();
    return cleared;
  }

  /** The one device that suspects may have. @param devices - those of everybody, from which it is taken. */
  viewFor(model: string, budgetMs: number, devices: ModelDevices, nowMs: number): ModelDevices {
    const isAway = this.#device?.state !== 'idle' && this.#device?.state !== 'busy';
    this.#awaySinceMs = isAway ? (this.#awaySinceMs ?? nowMs) : undefined;
    if (!this.#canKeep(model, nowMs)) {
      this.#device = devices.device ?? this.#pool.devices.find((device) => device.state === 'busy' && device.latency.has(model));
      this.#awaySinceMs = undefined;
    }
    this.#index.invalidate();
    return this.#index.viewFor(model, budgetMs);
  }

  #canKeep(model: string, nowMs: number): boolean {
    if (this.#device === undefined || !this.#pool.devices.includes(this.#device) || !this.#device.latency.has(model)) return false;
    return this.#awaySinceMs === undefined || nowMs - this.#awaySinceMs < PATIENCE_MS;
  }

  #dismiss(): void {
    if ([...this.#quarantines.values()].every(({ hasSuspects }) => !hasSuspects)) this.#device = undefined;
  }
}

function sendersOf(requests: readonly InferenceRequest[]): readonly string[] {
  return [...new Set(requests.map(senderOf))];
}
