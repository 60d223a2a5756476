/** What a participant streams: checked, kept as state, recorded, and turned into requests for the models. */
import type { ErrorCode } from '../../core/errors.ts';
import type { Task } from '../../core/tasks.ts';
import { HAND_BYTES } from '../../protocol/codec/hand.ts';
import { checkPoseSample, handOffset, readCaptureMs } from '../../protocol/codec/pose-sample.ts';
import { decodeVideoChunk, encodeVideoChunk, type VideoChunk } from '../../protocol/codec/video-chunk.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { InferenceRequest, Meter, RecordedItem } from '../flow.ts';
import type { PictureTag, VideoDecoding } from '../video-flow.ts';
import { CameraStreams } from './camera-streams.ts';
import type { Membership } from './directory.ts';
import type { Participant } from './participant.ts';
import type { Session } from './session.ts';

/** Which model answers a task, and how long it may take from arrival to result. */
export interface TaskRoute {
  readonly model: string;
  /** One that costs less and sees less, for when there is more to do than the devices can; used if it is served. */
  readonly lighter?: string;
  readonly deadlineMs: number;
  readonly priority: number;
}

export interface IngestOptions {
  readonly meter: Meter;
  readonly submit: (request: InferenceRequest) => void;
  /** A session has a pose that it has not sent yet. */
  readonly changed: (session: Session) => void;
  /** Gives up what waits for a model of one participant's. */
  readonly forget: (sessionId: string, slot: number) => void;
  /** A task without a route is not offered. */
  readonly routes: Readonly<Partial<Record<Task, TaskRoute>>>;
  /** How often a hand is looked at; its stream comes several times as fast as gestures change. */
  readonly gestureRateHz: number;
  /** Decodes pictures of other codecs than JPEG; none are taken where left out. */
  readonly video?: VideoDecoding | undefined;
  /** Tells one participant that a picture was refused after it was taken. */
  readonly refuse: (participant: Participant, code: ErrorCode, about: string) => void;
  /** The same where it is not their doing. */
  readonly notify: (participant: Participant, code: ErrorCode, about: string) => void;
}

/** When a picture was captured: on the device's clock, or so long before it arrived. */
type Capture = { readonly kind: 'device' } | { readonly kind: 'age'; readonly ageMs: number };

const HANDS = ['left', 'right'] as const;

/** Each method takes one input and returns why it was refused, or undefined. */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #cameras: CameraStreams;
  #requests = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#cameras = new CameraStreams({
      ...options,
      onPicture: (membership, { jpeg, width, height }, { captureDeviceMs, captureMs, arrivedMs }) => {
        const { participant } = membership;
        // Consent may have been withdrawn while it was decoded, and given again since.
        if (!participant.consent.inference || arrivedMs <= participant.withdrawnMs) return;
        const bytes = encodeVideoChunk({ captureMs: captureDeviceMs, codec: 'jpeg', kind: 'key', width, height, bytes: jpeg });
        this.#record(membership, { kind: 'video', bytes, captureDeviceMs, captureServerMs: captureMs, arrivedMs });
        for (const task of participant.video) this.#submit(membership, task, 'camera', jpeg, captureMs, arrivedMs);
      },
    });
  }

  /** @param payload - an encoded pose sample; valid during the call. */
  pose(membership: Membership, payload: Uint8Array, arrivedMs: number): ErrorCode | undefined {
    const { participant } = membership;
    const { meter } = this.#options;
    if (participant.floods.pose.add(arrivedMs)) return 'FLOODING';
    if (!participant.may('publish-pose')) return 'GRANT_MISSING';
    const size = checkPoseSample(payload, 0);
    if (typeof size === 'string') return size;
    if (size !== payload.length) return 'MESSAGE_INVALID';
    if (!participant.limits.pose.take(arrivedMs)) return void meter.message('pose', 'superseded');
    const offsetMs = offsetOf(membership);
    const captureDeviceMs = readCaptureMs(payload, 0, arrivedMs - offsetMs);
    const captureMs = onServerClock(membership, captureDeviceMs + offsetMs, arrivedMs);
    if (captureMs === undefined) return 'TIME_IN_FUTURE';
    const kept = participant.keepSample(payload, captureMs, arrivedMs);
    meter.message('pose', kept === 'superseded' ? 'superseded' : 'accepted');
    if (kept === 'superseded') return undefined;
    if (kept === 'replaced') meter.message('pose', 'superseded');
    else this.#options.changed(membership.session);
    this.#record(membership, { kind: 'pose', bytes: payload, captureDeviceMs, captureServerMs: captureMs, arrivedMs });
    this.#gestures(membership, payload, captureMs, arrivedMs);
    this.#movements(membership, payload, captureMs, arrivedMs);
    return undefined;
  }

  /** @param payload - an encoded video chunk; valid during the call. */
  video(membership: Membership, payload: Uint8Array, arrivedMs: number): ErrorCode | undefined {
    return this.#video(membership, payload, { kind: 'device' }, arrivedMs);
  }

  /** The same of a video track, whose pictures come with their age in place of a capture time. */
  trackPicture(membership: Membership, payload: Uint8Array, ageMs: number, arrivedMs: number): ErrorCode | undefined {
    return this.#video(membership, payload, { kind: 'age', ageMs }, arrivedMs);
  }

  /** A participant is gone for good. */
  left({ participant }: Membership): void {
    this.#cameras.close(participant);
  }

  #video(membership: Membership, payload: Uint8Array, capture: Capture, arrivedMs: number): ErrorCode | undefined {
    const { participant } = membership;
    const { meter } = this.#options;
    if (participant.floods.video.add(arrivedMs)) return 'FLOODING';
    if (!participant.may('publish-video')) return 'GRANT_MISSING';
    if (!participant.consent.inference) return 'CONSENT_MISSING';
    const offsetMs = offsetOf(membership);
    const chunk = decodeVideoChunk(payload, arrivedMs - offsetMs);
    if (typeof chunk === 'string') return chunk;
    if (chunk.codec === 'jpeg' && chunk.kind !== 'key') return 'VIDEO_INVALID';
    const captureDeviceMs = capture.kind === 'device' ? chunk.captureMs : arrivedMs - capture.ageMs - wayMs(membership) - offsetMs;
    const captureMs = onServerClock(membership, captureDeviceMs + offsetMs, arrivedMs);
    if (captureMs === undefined) return 'TIME_IN_FUTURE';
    const isInTime = participant.limits.video.take(arrivedMs);
    if (chunk.codec !== 'jpeg') return this.#encoded(membership, chunk, { captureDeviceMs, captureMs, arrivedMs }, isInTime);
    if (!isInTime) return void meter.message('video', 'superseded');
    meter.message('video', 'accepted');
    this.#record(membership, { kind: 'video', bytes: payload, captureDeviceMs, captureServerMs: captureMs, arrivedMs });
    const picture = Uint8Array.from(chunk.bytes);
    for (const task of participant.video) this.#submit(membership, task, 'camera', picture, captureMs, arrivedMs);
    return undefined;
  }

  /** What models look at comes back decoded, or not at all. */
  #encoded(membership: Membership, chunk: VideoChunk, tag: PictureTag, isInTime: boolean): ErrorCode | undefined {
    const outcome = isInTime ? this.#cameras.push(membership, chunk, tag) : this.#cameras.leaveOut(membership, chunk);
    if (outcome !== 'taken' && outcome !== 'superseded') return outcome;
    this.#options.meter.message('video', outcome === 'taken' ? 'accepted' : 'superseded');
    return undefined;
  }

  chat(membership: Membership, message: UpMessageOf<'say'>, arrivedMs: number): ErrorCode | undefined {
    const { session, participant } = membership;
    if (!participant.may('chat')) return 'GRANT_MISSING';
    if (!participant.limits.chat.take(arrivedMs)) return 'RATE_LIMITED';
    const captureMs = onServerClock(membership, message.captureMs + offsetOf(membership), arrivedMs);
    if (captureMs === undefined) return 'TIME_IN_FUTURE';
    const chatId = session.takeChatId();
    participant.spokeMs = arrivedMs;
    this.#options.meter.message('chat', 'accepted');
    session.tell({ type: 'chat', chatId, slot: participant.slot, text: message.text, captureMs });
    const text = Buffer.from(message.text, 'utf8');
    this.#record(membership, { kind: 'chat', bytes: text, captureDeviceMs: message.captureMs, captureServerMs: captureMs, arrivedMs });
    if (participant.consent.inference) {
      this.#submit(membership, 'language', String(chatId), text, captureMs, arrivedMs);
    }
    return undefined;
  }

  /** No model runs on what came until now, and what one is running on is not shown. */
  withdraw({ session, participant }: Membership, nowMs: number): void {
    participant.withdrawnMs = nowMs;
    for (const hand of HANDS) participant.movements[hand].forget();
    this.#cameras.close(participant);
    this.#options.forget(session.id, participant.slot);
  }

  /** Hands to the gesture model, at its own rate. */
  #gestures(membership: Membership, payload: Uint8Array, captureMs: number, arrivedMs: number): void {
    const { participant } = membership;
    const valid = payload[4] ?? 0;
    // A little less than the period, so that jitter on a stream of a multiple of the rate does not halve it.
    const periodMs = 900 / this.#options.gestureRateHz;
    if (!participant.consent.inference || arrivedMs - participant.gestureSampledMs < periodMs) return;
    for (const hand of HANDS) {
      const offset = handOffset(valid, hand);
      if (offset === undefined) continue;
      participant.gestureSampledMs = arrivedMs;
      this.#submit(membership, 'gesture', hand, payload.slice(offset, offset + HAND_BYTES), captureMs, arrivedMs);
    }
  }

  /** What each hand or controller has done lately, to the model of dynamic gestures. */
  #movements(membership: Membership, payload: Uint8Array, captureMs: number, arrivedMs: number): void {
    const { participant } = membership;
    if (!participant.consent.inference || this.#options.routes['dynamic-gesture'] === undefined) return;
    for (const hand of HANDS) {
      const window = participant.movements[hand].look(payload, hand, captureMs);
      if (window !== undefined) this.#submit(membership, 'dynamic-gesture', hand, window, captureMs, arrivedMs);
    }
  }

  /** @param payload - from here on the request's; nobody writes to it. */
  #submit({ session, participant }: Membership, task: Task, part: string, payload: Uint8Array, captureMs: number, arrivedMs: number): void {
    const route = this.#options.routes[task];
    if (route === undefined) return;
    this.#options.submit({
      id: ++this.#requests,
      task,
      model: route.model,
      // Every chat message matters, so each is a stream of its own; of hands and pictures only the newest does.
      streamId: `${session.id}/${participant.slot}/${task}/${part}`,
      origin: { sessionId: session.id, slot: participant.slot, part },
      payload,
      encoding: 'task',
      tenant: participant.claims.tenant,
      captureMs,
      arrivedMs,
      deadlineMs: arrivedMs + route.deadlineMs,
      priority: route.priority,
    });
  }

  #record({ session, participant }: Membership, item: Omit<RecordedItem, 'participantId' | 'slot'>): void {
    if (session.recording.state !== 'on' || !participant.consent.recording) return;
    session.recording.tap.record({ ...item, participantId: participant.participantId, slot: participant.slot });
  }
}

/** The capture time within LIMITS.pastMs before its arrival, where a wrong clock puts it outside; undefined when it is too far ahead. */
function onServerClock({ participant }: Membership, captureMs: number, arrivedMs: number): number | undefined {
  // An honest device seems ahead by as much as the offset is off: by seconds, when its hello was held up on the way.
  const errorMs = participant.presence.state === 'live' ? participant.presence.clock.errorMs : Infinity;
  return captureMs > arrivedMs + LIMITS.futureMs + errorMs ? undefined : Math.min(Math.max(captureMs, arrivedMs - LIMITS.pastMs), arrivedMs);
}

/** How long the shortest way of a packet takes, as far as pings tell: half a round trip. */
function wayMs({ participant }: Membership): number {
  const errorMs = participant.presence.state === 'live' ? participant.presence.clock.errorMs : Infinity;
  return Number.isFinite(errorMs) ? errorMs : 0;
}

/** Server minus device clock. */
function offsetOf({ participant }: Membership): number {
  return participant.presence.state === 'live' ? participant.presence.clock.offsetMs : 0;
}
