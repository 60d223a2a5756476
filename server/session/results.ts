/** What became of a request: a result goes to the whole session, a failure to whoever waits for it. */
import type { Clock } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { framedPayload } from '../../protocol/codec/container.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { DownMessageOf } from '../../protocol/down.ts';
import type { ResultValue } from '../../protocol/message/result.ts';
import type { InferenceRequest, Lane, Meter, RequestOutcome } from '../flow.ts';
import type { Participant } from './participant.ts';
import type { Session } from './session.ts';

export interface ResultsOptions {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly session: (id: string) => Session | undefined;
  /** Tells one participant that their input was refused, which counts against them. */
  readonly refuse: (participant: Participant, code: ErrorCode, about: string) => void;
  /** Tells one participant of something that is not their doing. */
  readonly notify: (participant: Participant, code: ErrorCode, about: string) => void;
}

/** A chat line is judged once and a movement told once; the next picture or hand replaces the one before. */
const LANES: Readonly<Record<InferenceRequest['task'], Lane>> = { 'body-pose': 'latest', 'body-3d': 'latest', hands: 'latest', gesture: 'latest', 'dynamic-gesture': 'reliable', language: 'reliable' };

export class Results {
  readonly #options: ResultsOptions;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /** Takes the one outcome of a request. Expired, superseded and shed requests are counted by the scheduler. */
  finish(request: InferenceRequest, outcome: RequestOutcome<ResultValue>): void {
    const session = this.#options.session(request.origin.sessionId);
    const participant = session?.participant(request.origin.slot);
    if (session === undefined || participant === undefined) return;
    // Consent may have been withdrawn while the model ran, and given again since.
    const allowed = participant.consent.inference && request.arrivedMs > participant.withdrawnMs;
    if (outcome.kind === 'done' && allowed && isToTell(participant, request, outcome.value)) this.#announce(session, participant, request, outcome);
    const quarantined = outcome.kind === 'shed' && outcome.reason === 'quarantine';
    if (quarantined && participant.limits.notice.take(this.#options.clock.nowMs())) this.#options.notify(participant, 'RATE_LIMITED', request.task);
    const overloaded = outcome.kind === 'shed' && outcome.reason === 'overload';
    if (overloaded && participant.limits.notice.take(this.#options.clock.nowMs())) this.#options.notify(participant, 'MODEL_OVERLOADED', request.task);
    const memory = outcome.kind === 'failed' && outcome.code === 'DEVICE_OUT_OF_MEMORY';
    const unavailable = outcome.kind === 'unavailable' || memory || (outcome.kind === 'failed' && outcome.code === 'MODEL_UNAVAILABLE');
    if (outcome.kind === 'failed' && !unavailable) this.#options.refuse(participant, outcome.code, request.task);
    // At headset rates one such line a second says it all.
    if (unavailable && participant.limits.notice.take(this.#options.clock.nowMs())) this.#options.notify(participant, memory ? outcome.code : 'MODEL_UNAVAILABLE', request.task);
  }

  #announce(session: Session, participant: Participant, request: InferenceRequest, outcome: RequestOutcome<ResultValue> & { kind: 'done' }): void {
    const { clock, meter } = this.#options;
    const nowMs = clock.nowMs();
    const { captureMs } = request;
    const result: DownMessageOf<'result'> = {
      type: 'result',
      slot: participant.slot,
      model: request.model,
      version: outcome.batch.modelVersion,
      batchId: outcome.batch.id,
      batchSize: outcome.batch.size,
      captureMs,
      ageMs: nowMs - captureMs,
      ...(request.task === 'language' ? { chatId: Number(request.origin.part) } : {}),
      value: outcome.value,
    };
    const framed = encodeDown(result);
    meter.result(request.task, { ageMs: nowMs - captureMs, ...deliver(session, result, framed) });
    if (session.recording.state !== 'on' || !participant.consent.recording) return;
    const times = { captureDeviceMs: captureMs, captureServerMs: captureMs, arrivedMs: nowMs };
    session.recording.tap.record({ kind: 'result', participantId: participant.participantId, slot: participant.slot, bytes: framedPayload(framed), ...times });
  }
}

/** A window of a movement says what is seen in it; a movement is told of once, when it has been seen for a while. */
function isToTell({ movements }: Participant, { captureMs }: InferenceRequest, value: ResultValue): boolean {
  return value.task !== 'dynamic-gesture' || movements[value.hand].isBegun(value.label, captureMs);
}

/** Clients that do not know `entities` or dynamic gestures would not read a result that has them; everybody else gets the same bytes. */
function deliver(session: Session, { value, ...result }: DownMessageOf<'result'>, framed: Uint8Array): { sent: number; superseded: number } {
  if (value.task === 'dynamic-gesture') return session.deliver(framed, LANES[value.task], (participant) => participant.understands('dynamic-gestures'));
  if (value.task !== 'language') return session.deliver(framed, LANES[value.task]);
  const { script, entities, ...plain } = value;
  const lane = LANES.language;
  if (script === undefined && entities === undefined) return session.deliver(framed, lane);
  const whole = session.deliver(framed, lane, (participant) => participant.understands('entities'));
  const others = session.deliver(encodeDown({ ...result, value: plain }), lane, (participant) => !participant.understands('entities'));
  return { sent: whole.sent + others.sent, superseded: whole.superseded + others.superseded };
}
