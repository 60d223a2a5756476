/** How one server goes down, and takes in what another one leaves behind. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { Config } from '../config.ts';
import type { Reception } from '../session/reception.ts';
import type { Revocations } from '../session/revocations.ts';
import { Drain, DRAIN_REST_MS, type DrainReport } from './drain.ts';
import { Giver } from './giver.ts';
import { importSession, type ImportParts } from './import-session.ts';
import type { ImportAnswer, SessionState } from './session-state.ts';

/** How the server is to be drained; the settings decide where it does not say. */
export interface DrainRequest {
  readonly spreadS?: number | undefined;
}

export interface DepartureParts extends Omit<ImportParts, 'isRevoked'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly reception: Reception;
  readonly revocations: Revocations;
  /** A session that was to move could not; it ends here. @param code - why. */
  readonly onKept: (session: string, code: string) => void;
}

export type DepartureConfig = Pick<Config, 'drain-s' | 'drain-to' | 'drain-token' | 'public-url'>;

export class Departure {
  readonly #config: DepartureConfig;
  readonly #parts: DepartureParts;
  #drained: Promise<DrainReport> | undefined;
  #begun = false;

  constructor(config: DepartureConfig, parts: DepartureParts) {
    this.#config = config;
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** Not ready any more, whether or not anybody is asked to go. */
  begin(): void {
    this.#begun = true;
  }

  /** Asks everybody to go; a second call joins the first. */
  drain({ spreadS = this.#config['drain-s'] }: DrainRequest = {}): Promise<DrainReport> {
    this.begin();
    const spreadMs = spreadS * 1000;
    const giver = this.#giver();
    this.#drained ??= new Drain({ ...this.#parts, give: giver && ((session) => giver.give(session)) }, { spreadMs, limitMs: spreadMs + DRAIN_REST_MS }).run();
    return this.#drained;
  }

  /** Goes on with another server's session. @throws CopresenceError SERVER_DRAINING, or what `importSession` throws. */
  async takeSession(state: SessionState): Promise<ImportAnswer> {
    if (this.#begun) throw new CopresenceError('SERVER_DRAINING', 'this server goes down too');
    const { revocations } = this.#parts;
    const { 'public-url': url } = this.#config;
    const taken = await importSession({ ...this.#parts, isRevoked: (claims) => revocations.isRevoked(claims) }, state);
    return { ...taken, ...(url === undefined ? {} : { url }) };
  }

  #giver(): Giver | undefined {
    const { 'drain-to': url, 'drain-token': token } = this.#config;
    return url === undefined || token === undefined ? undefined : new Giver(this.#parts, { url, token });
  }
}
