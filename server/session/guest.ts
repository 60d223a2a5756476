/** One connection as the session stage sees it: from greeting to membership. */
import type { Timer } from '../../core/clock.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { UpMessage } from '../../protocol/up.ts';
import type { Capability } from '../../protocol/version.ts';
import type { Connection } from '../flow.ts';
import type { ClockOffset } from './clock-offset.ts';
import type { Membership } from './directory.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { TokenClaims } from './token.ts';

/** How far a connection has come. */
export type Phase =
  | { readonly state: 'greeting'; readonly timeout: Timer }
  | { readonly state: 'verifying'; readonly backlog: UpMessage[] }
  | { readonly state: 'lobby'; readonly claims: TokenClaims; readonly clock: ClockOffset }
  | { readonly state: 'member'; readonly claims: TokenClaims; readonly clock: ClockOffset; readonly membership: Membership }
  | { readonly state: 'closed' };

/** Refusals are forgiven after this long. */
const REFUSAL_WINDOW_MS = 10_000;

export class Guest {
  readonly connection: Connection;
  readonly controlLimit: RateLimit;
  phase: Phase;
  /** What this server and the client both know; none before the welcome. */
  capabilities: readonly Capability[] = [];
  lastHeardMs: number;
  /** What still comes is not looked at. */
  closing = false;
  #refusals = 0;
  #refusalsSinceMs: number;

  constructor(connection: Connection, phase: Phase, nowMs: number) {
    this.connection = connection;
    this.phase = phase;
    this.controlLimit = new RateLimit(LIMITS.controlPerSecond, nowMs);
    this.lastHeardMs = nowMs;
    this.#refusalsSinceMs = nowMs;
  }

  get clock(): ClockOffset | undefined {
    return 'clock' in this.phase ? this.phase.clock : undefined;
  }

  get claims(): TokenClaims | undefined {
    return 'claims' in this.phase ? this.phase.claims : undefined;
  }

  get membership(): Membership | undefined {
    return this.phase.state === 'member' ? this.phase.membership : undefined;
  }

  /** Counts a refusal; true when there have been too many. */
  countRefusal(nowMs: number): boolean {
    if (nowMs - this.#refusalsSinceMs > REFUSAL_WINDOW_MS) {
      this.#refusals = 0;
      this.#refusalsSinceMs = nowMs;
    }
    return ++this.#refusals > LIMITS.refusalsPer10s;
  }
}
