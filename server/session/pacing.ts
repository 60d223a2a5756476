/** Tells the sender of a stream when it is looked at: the message `pace`, to those who can follow. */
import type { Clock } from '../../core/clock.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { PaceMessage } from '../../protocol/message/pace.ts';
import type { Origin, PaceSuggestion } from '../flow.ts';
import type { Participant } from './participant.ts';
import type { Session } from './session.ts';

/** Between two messages about one stream: four a second are more than a camera can follow. */
const MIN_GAP_MS = 250;

export interface PacingOptions {
  readonly clock: Clock;
  readonly session: (id: string) => Session | undefined;
}

/**
 * What is suggested for one stream. Two sides speak of it: load control sets the rate, phase alignment the moment.
 * Neither may undo what the other said, since a message takes the place of the one before.
 */
interface StreamPace {
  /** Since a suggestion for `load` and until one for `recovered`. */
  load: PaceSuggestion | undefined;
  /** The newest moment that was suggested; undefined when any is as good. */
  phase: PaceSuggestion | undefined;
  newest: PaceSuggestion;
  /** What the connection has heard; undefined before the first message on it. */
  told: PaceMessage | undefined;
  toldMs: number;
  isDue: boolean;
}

/** @bound two streams for each participant, forgotten with them. */
export class Pacing {
  readonly #options: PacingOptions;
  readonly #paces = new WeakMap<Participant, Map<PaceSuggestion['stream'], StreamPace>>();

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /**
   * Suggests a pace to the sender of a stream: at once, or when `MIN_GAP_MS` have gone by since the last, in which case
   * only the newest is told. Kept while the sender is away, and told when they are back.
   */
  suggest(origin: Origin, suggestion: PaceSuggestion): void {
    const participant = this.#options.session(origin.sessionId)?.participant(origin.slot);
    if (participant === undefined) return;
    const pace = this.#paceOf(participant, suggestion);
    if (suggestion.reason === 'load') pace.load = suggestion;
    if (suggestion.reason === 'recovered') pace.load = undefined;
    if (suggestion.reason === 'phase') pace.phase = suggestion.captureMs === undefined ? undefined : suggestion;
    pace.newest = suggestion;
    this.#tell(participant, pace);
  }

  /** Tells a participant on a new connection what the old one had heard. */
  resumed(participant: Participant): void {
    for (const pace of this.#paces.get(participant)?.values() ?? []) {
      pace.told = undefined;
      pace.toldMs = Number.NEGATIVE_INFINITY;
      this.#tell(participant, pace);
    }
  }

  #paceOf(participant: Participant, suggestion: PaceSuggestion): StreamPace {
    const paces = this.#paces.get(participant) ?? new Map<PaceSuggestion['stream'], StreamPace>();
    this.#paces.set(participant, paces);
    const known = paces.get(suggestion.stream);
    if (known !== undefined) return known;
    const pace = { load: undefined, phase: undefined, newest: suggestion, told: undefined, toldMs: Number.NEGATIVE_INFINITY, isDue: false };
    paces.set(suggestion.stream, pace);
    return pace;
  }

  #tell(participant: Participant, pace: StreamPace): void {
    const { presence } = participant;
    if (pace.isDue || presence.state !== 'live' || !presence.capabilities.includes('pace')) return;
    const message = join(pace);
    if (isSame(message, pace.told)) return;
    const { clock } = this.#options;
    const waitMs = pace.toldMs + MIN_GAP_MS - clock.nowMs();
    if (waitMs > 0) {
      pace.isDue = true;
      clock.schedule(waitMs, () => {
        pace.isDue = false;
        this.#tell(participant, pace);
      });
      return;
    }
    pace.told = message;
    pace.toldMs = clock.nowMs();
    presence.connection.send(encodeDown(message), 'reliable');
  }
}

/** One message of what both sides said last: the rate that load allows, at the moments that suit. */
function join({ load, phase, newest }: StreamPace): PaceMessage {
  const { stream, rateHz } = load ?? newest;
  const captureMs = (load ?? newest).captureMs ?? phase?.captureMs;
  return {
    type: 'pace',
    stream,
    rateHz: Math.min(Math.max(rateHz, 0), LIMITS.poseHz),
    ...(captureMs === undefined ? {} : { captureMs }),
    reason: load === undefined ? newest.reason : 'load',
  };
}

function isSame(message: PaceMessage, other: PaceMessage | undefined): boolean {
  return message.rateHz === other?.rateHz && message.captureMs === other.captureMs && message.reason === other.reason;
}
