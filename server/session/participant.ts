/** One member of a session; outlives a connection. */
import type { Timer } from '../../core/clock.ts';
import type { VideoTask } from '../../core/tasks.ts';
import { MAX_POSE_SAMPLE_BYTES, writeCaptureMs } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Consent, ParticipantInfo } from '../../protocol/message/common.ts';
import type { Grant } from '../../protocol/roles.ts';
import type { Capability } from '../../protocol/version.ts';
import type { Acknowledgement } from '../../protocol/codec/acknowledgement.ts';
import type { Connection, Receiver, Source, TimedEntry } from '../flow.ts';
import type { SnapshotWish } from '../snapshot-flow.ts';
import type { ClockOffset } from './clock-offset.ts';
import { FloodWatch } from './flood-watch.ts';
import { HandMovement } from './hand-movement.ts';
import type { HeldMessages } from './held-messages.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { TokenClaims } from './token.ts';

/** Where a participant is. `away` ends with the timer, in leaving. */
export type Presence =
  | { readonly state: 'live'; readonly connection: Connection; readonly clock: ClockOffset; readonly capabilities: readonly Capability[] }
  /** `held`: of who comes from another server, what they are to hear when they have come. */
  | { readonly state: 'away'; readonly leaving: Timer; readonly held?: HeldMessages }
  | { readonly state: 'left' };

export interface ParticipantOptions {
  readonly participantId: string;
  readonly slot: number;
  readonly name: string;
  readonly claims: TokenClaims;
  readonly consent: Consent;
  /** What models look for in the pictures. */
  readonly video: readonly VideoTask[];
  readonly presence: Presence;
  readonly nowMs: number;
}

/** The state of one participant; `Session` changes it. */
export class Participant implements Receiver, Source {
  readonly participantId: string;
  readonly slot: number;
  readonly name: string;
  readonly claims: TokenClaims;
  /** Each once. */
  readonly video: ReadonlySet<VideoTask>;
  /** The same of poses and pictures: more than three times what is allowed, for long. */
  readonly floods: { readonly pose: FloodWatch; readonly video: FloodWatch };
  readonly limits: { readonly pose: RateLimit; readonly video: RateLimit; readonly chat: RateLimit; readonly notice: RateLimit; readonly acknowledgement: RateLimit };
  consent: Consent;
  needsKey = true;
  wish: SnapshotWish = {};
  /** When they last said something, server clock. */
  spokeMs = Number.NEGATIVE_INFINITY;
  /** When consent to inference was last withdrawn, server clock. */
  withdrawnMs = Number.NEGATIVE_INFINITY;
  /** When a hand was last handed to the gesture model, server clock. */
  gestureSampledMs = Number.NEGATIVE_INFINITY;
  readonly movements = { left: new HandMovement(), right: new HandMovement() };
  #presence: Presence;
  #readsDeltas: boolean;
  #acknowledged: Acknowledgement | undefined;
  readonly #buffer = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  #newest: TimedEntry | undefined;
  #newestCaptureMs = Number.NEGATIVE_INFINITY;
  #changed = false;

  constructor(options: ParticipantOptions) {
    this.participantId = options.participantId;
    this.slot = options.slot;
    this.name = options.name;
    this.claims = options.claims;
    this.video = new Set(options.video);
    this.consent = options.consent;
    this.#presence = options.presence;
    this.#readsDeltas = this.understands('delta');
    this.floods = { pose: new FloodWatch(LIMITS.poseHz, options.nowMs), video: new FloodWatch(LIMITS.videoHz, options.nowMs) };
    this.limits = {
      pose: new RateLimit(1.2 * LIMITS.poseHz, options.nowMs),
      video: new RateLimit(LIMITS.videoHz, options.nowMs),
      chat: new RateLimit(LIMITS.chatPerSecond, options.nowMs),
      notice: new RateLimit(1, options.nowMs),
      acknowledgement: new RateLimit(LIMITS.acknowledgementsPerSecond, options.nowMs),
    };
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Another connection has asked for nothing and acknowledged nothing. */
  set presence(presence: Presence) {
    this.#presence = presence;
    this.#readsDeltas = this.understands('delta');
    this.#acknowledged = undefined;
    this.wish = {};
  }

  get readsDeltas(): boolean {
    return this.#readsDeltas;
  }

  /** Where to send to: also what keeps messages for who is on the way. */
  get connection(): Connection | undefined {
    if (this.presence.state === 'away') return this.presence.held;
    return this.presence.state === 'live' ? this.presence.connection : undefined;
  }

  get newest(): TimedEntry | undefined {
    return this.#newest;
  }

  may(grant: Grant): boolean {
    return this.claims.grants.includes(grant);
  }

  /** Whether the connection that they have now named the capability. */
  understands(capability: Capability): boolean {
    return this.presence.state === 'live' && this.presence.capabilities.includes(capability);
  }

  info(): ParticipantInfo {
    const presence = this.presence.state === 'live' ? 'live' : 'away';
    return { slot: this.slot, participantId: this.participantId, name: this.name, role: this.claims.role, presence };
  }

  /**
   * Keeps a sample as the newest state.
   *
   * @param encoded - one checked sample; copied. @param captureMs - on the server's clock.
   * @returns `superseded` when a newer one is there, `replaced` when it takes the place of one that no tick has sent yet.
   */
  keepSample(encoded: Uint8Array, captureMs: number, arrivedMs: number): 'kept' | 'replaced' | 'superseded' {
    if (captureMs <= this.#newestCaptureMs) return 'superseded';
    this.#buffer.set(encoded);
    writeCaptureMs(this.#buffer, 0, captureMs);
    this.#newest = { slot: this.slot, sample: this.#buffer.subarray(0, encoded.length), arrivedMs };
    this.#newestCaptureMs = captureMs;
    const outcome = this.#changed ? 'replaced' : 'kept';
    this.#changed = true;
    return outcome;
  }

  /** The newest sample if it came since the last call. */
  takeChanged(): TimedEntry | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return this.#newest;
  }

  /** @param acknowledgement - takes the place of an earlier one, whose ticks it has too. */
  acknowledge(acknowledgement: Acknowledgement): void {
    this.#acknowledged = acknowledgement;
  }

  takeAcknowledgement(): Acknowledgement | undefined {
    const acknowledged = this.#acknowledged;
    this.#acknowledged = undefined;
    return acknowledged;
  }

  /** A resumed device may have a new clock, so its first sample counts as newer than all before. */
  forgetCaptureTime(): void {
    this.#newestCaptureMs = Number.NEGATIVE_INFINITY;
  }
}
