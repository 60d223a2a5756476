/** Ends sessions that are as old as they may become, and tells them of it ahead. */
import type { Clock, Timer } from '../../core/clock.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Session } from './session.ts';

/** @bound one timer for each session that has an end. */
export class SessionAges {
  readonly #clock: Clock;
  readonly #end: (session: Session) => void;
  readonly #timers = new Map<Session, Timer>();

  constructor(clock: Clock, end: (session: Session) => void) {
    this.#clock = clock;
    this.#end = end;
  }

  watch(session: Session): void {
    const { createdMs, maxAgeMs } = session.rules;
    if (maxAgeMs === undefined) return;
    const endsMs = createdMs + maxAgeMs;
    const noticeMs = endsMs - Math.min(LIMITS.endingNoticeMs, maxAgeMs / 2);
    this.#at(session, noticeMs, () => {
      session.rules.ending = true;
      session.announce();
      this.#at(session, endsMs, () => this.#end(session));
    });
  }

  forget(session: Session): void {
    this.#timers.get(session)?.cancel();
    this.#timers.delete(session);
  }

  #at(session: Session, timeMs: number, run: () => void): void {
    this.#timers.set(session, this.#clock.schedule(Math.max(0, timeMs - this.#clock.nowMs()), run));
  }
}
