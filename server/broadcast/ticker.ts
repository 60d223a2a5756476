/**
 * When each session's snapshots are sent: at a fixed rate, or as soon as a pose has come.
 *
 * At a fixed rate the sessions are spread over the period. A send takes longer than anything else here, so one tick for
 * all of them would keep the loop from reading for as long as all their sends take.
 */
import type { Clock } from '../../core/clock.ts';

/** Sends what a session has to send. @param tick - counts up by one for each call of one session. */
export type SendTick<Session> = (session: Session, tick: number, nowMs: number) => void;

export interface TickingParts<Session> {
  readonly clock: Clock;
  readonly send: SendTick<Session>;
  /** Called after each run of `send`s: nothing more comes in this turn. */
  readonly endTurn: () => void;
}

/** Decides when each session is sent. */
export interface Ticking<Session> {
  /** Something of this session has changed. */
  changed(session: Session): void;
  stop(): void;
}

/** Timers are no finer than a millisecond. */
const SHORTEST_STEP_MS = 1.5;
const MOST_STEPS = 16;

/**
 * Sends every session `rateHz` times a second. A session's first tick comes within two periods, and those that the
 * machine was too busy for are skipped.
 *
 * @param sessions - asked once a period.
 */
export function startTicking<Session extends object>({ clock, send, endTurn }: TickingParts<Session>, rateHz: number, sessions: () => Iterable<Session>): Ticking<Session> {
  const periodMs = 1000 / rateHz;
  const steps = Math.max(1, Math.min(MOST_STEPS, Math.floor(periodMs / SHORTEST_STEP_MS)));
  const stepMs = periodMs / steps;
  const places = new Places<Session>(steps);
  const startMs = clock.nowMs();
  let done = 0;
  let timer = clock.schedule(periodMs, run);
  function run(): void {
    const nowMs = clock.nowMs();
    // A timer may fire up to a millisecond early.
    const due = Math.max(done + 1, Math.floor((nowMs - startMs) / stepMs + 1e-6) - steps + 1);
    for (let step = Math.max(done, due - steps); step < due; step++) {
      if (step % steps === 0) places.refresh(sessions());
      for (const session of places.at(step % steps)) send(session, places.nextTick(session), nowMs);
    }
    done = due;
    endTurn();
    timer = clock.schedule(startMs + (done + steps) * stepMs - clock.nowMs(), run);
  }
  return { changed: () => undefined, stop: () => timer.cancel() };
}

/** Sends each session whose poses a turn has brought, at the end of that turn: more load makes longer turns, and fewer sends. */
export function startRelaying<Session extends object>({ clock, send, endTurn }: TickingParts<Session>): Ticking<Session> {
  const waiting = new Set<Session>();
  const ticks = new WeakMap<Session, number>();
  let stopped = false;
  function run(): void {
    if (stopped) return;
    const nowMs = clock.nowMs();
    for (const session of waiting) {
      const tick = ((ticks.get(session) ?? 0) + 1) >>> 0;
      ticks.set(session, tick);
      send(session, tick, nowMs);
    }
    waiting.clear();
    endTurn();
  }
  return {
    changed(session) {
      if (waiting.size === 0) clock.defer(run);
      waiting.add(session);
    },
    stop() {
      stopped = true;
    },
  };
}

/** Which step of the period each session has, evenly, and how many ticks it has had. */
class Places<Session extends object> {
  readonly #places = new WeakMap<Session, { readonly step: number; tick: number }>();
  readonly #steps: Session[][];
  #loads: number[];

  constructor(steps: number) {
    this.#steps = Array.from({ length: steps }, () => []);
    this.#loads = this.#steps.map(() => 0);
  }

  at(step: number): readonly Session[] {
    return this.#steps[step] ?? [];
  }

  nextTick(session: Session): number {
    const place = this.#places.get(session);
    if (place === undefined) return 0;
    place.tick = (place.tick + 1) >>> 0;
    return place.tick;
  }

  /** New sessions get the step with the fewest. */
  refresh(sessions: Iterable<Session>): void {
    for (const step of this.#steps) step.length = 0;
    const newcomers: Session[] = [];
    for (const session of sessions) {
      const place = this.#places.get(session);
      if (place === undefined) newcomers.push(session);
      else this.#steps[place.step]?.push(session);
    }
    this.#loads = this.#steps.map(({ length }) => length);
    for (const session of newcomers) {
      const step = this.#loads.indexOf(Math.min(...this.#loads));
      this.#loads[step] = (this.#loads[step] ?? 0) + 1;
      this.#places.set(session, { step, tick: 0 });
      this.#steps[step]?.push(session);
    }
  }
}
