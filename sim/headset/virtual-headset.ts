/** A headset without a head: joins a session through the client SDK and plays its script, open loop. */
import type { Clock, Timer } from '../../core/clock.ts';
import { seededRandom, type Random } from '../../core/random.ts';
import { connect } from '../../client/connect.ts';
import type { CopresenceClient, SendResult } from '../../client/client.ts';
import { nextCaptureMs, type Pace } from '../../client/pace.ts';
import type { SocketFactory } from '../../client/socket.ts';
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { Consent } from '../../protocol/message/common.ts';
import { PICTURES_HZ } from '../source/pictures.ts';
import { shiftClock } from './device-clock.ts';
import type { HeadsetScript } from './script.ts';
import type { Beat, Ticker } from './ticker.ts';

export const POSE_HZ = 72;
export const VIDEO_HZ = PICTURES_HZ;

export type StreamKind = 'pose' | 'video' | 'chat';

/** What a headset tells of itself. Times are on the fleet's clock, not on the device's. */
export interface HeadsetWatcher {
  /** Before anything is sent, so that no event is missed. */
  connecting(client: CopresenceClient): void;
  /** One message left, or not. @param intendedMs - when it should have been sent: its capture time. @param missed - skipped before it. */
  sent(kind: StreamKind, intendedMs: number, outcome: { readonly result: SendResult; readonly missed: number }): void;
  /** The text to say in place of a line of the script, so that it can be followed. */
  label(text: string): string;
}

export interface HeadsetOptions {
  readonly url: string;
  readonly token: string;
  readonly session: string;
  readonly name: string;
  readonly script: HeadsetScript;
  /** Device clock minus the fleet's. */
  readonly deviceOffsetMs: number;
  /** Where in a pose's period this headset sends, 0..1: real ones do not send all at once. */
  readonly phase: number;
  readonly seed: number;
  readonly openSocket: SocketFactory;
  readonly consent: Consent;
  readonly watcher: HeadsetWatcher;
}

/** A stream of pictures, and what the server last said of it. */
interface Camera {
  readonly ticker: Ticker;
  readonly beat: Beat;
  pace: Pace | undefined;
}

/** One participant of a fleet. */
export class VirtualHeadset {
  readonly options: HeadsetOptions;
  readonly #clock: Clock;
  readonly #device: Clock;
  readonly #random: Random;
  readonly #sample: PoseSample = createPoseSample();
  readonly #stops: (() => void)[] = [];
  #client: CopresenceClient | undefined;
  #chatTimer: Timer | undefined;
  #camera: Camera | undefined;

  /** @param clock - the fleet's. */
  constructor(clock: Clock, options: HeadsetOptions) {
    this.options = options;
    this.#clock = clock;
    this.#device = shiftClock(clock, options.deviceOffsetMs);
    this.#random = seededRandom(options.seed);
  }

  get client(): CopresenceClient | undefined {
    return this.#client;
  }

  /** Resolves once in the session. @throws CopresenceError as `connect` does. */
  async join(): Promise<CopresenceClient> {
    const { url, token, session, name, consent, openSocket, watcher } = this.options;
    this.#client = await connect({
      url, token, session, name, consent, openSocket, clock: this.#device, random: this.#random, interpolate: false,
      listen: (client) => {
        watcher.connecting(client);
        client.on('pace', (pace) => {
          if (pace.stream === 'camera') this.#follow(pace);
        });
      },
    });
    return this.#client;
  }

  /** Starts sending. @param startMs - on the fleet's clock. */
  play(ticker: Ticker, startMs: number): void {
    const poseMs = 1000 / POSE_HZ;
    const poseStartMs = startMs + this.options.phase * poseMs;
    this.#stops.push(ticker.add({ startMs: poseStartMs, periodMs: poseMs, run: (intendedMs, missed) => this.#sendPose(startMs, intendedMs, missed) }));
    if (this.options.script.pictures !== undefined) this.#startCamera(ticker, startMs);
    this.#scheduleChat();
  }

  /** Stops sending; stays in the session. */
  rest(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#chatTimer?.cancel();
    this.#chatTimer = undefined;
  }

  async leave(): Promise<void> {
    this.rest();
    await this.#client?.leave();
  }

  #sendPose(startMs: number, intendedMs: number, missed: number): void {
    const sample = this.#sample;
    this.options.script.poseAt(intendedMs - startMs, sample);
    sample.captureMs = intendedMs + this.options.deviceOffsetMs;
    const result = this.#client?.sendPose(sample) ?? 'not-live';
    this.options.watcher.sent('pose', intendedMs, { result, missed });
  }

  #startCamera(ticker: Ticker, startMs: number): void {
    const periodMs = 1000 / VIDEO_HZ;
    const videoStartMs = startMs + this.options.phase * periodMs;
    const beat: Beat = {
      startMs: videoStartMs,
      periodMs,
      run: (intendedMs, missed) => this.#sendVideo(videoStartMs, intendedMs, missed),
      next: (intendedMs) => this.#nextPicture(intendedMs),
    };
    this.#camera = { ticker, beat, pace: this.#camera?.pace };
    this.#stops.push(ticker.add(beat));
  }

  /** Takes a pace on; a camera that rests, since its stream was refused, begins again. */
  #follow(pace: Pace): void {
    const camera = this.#camera;
    if (camera === undefined) return;
    const rested = camera.pace?.rateHz === 0;
    camera.pace = pace;
    if (rested && pace.rateHz > 0) camera.ticker.resume(camera.beat, this.#clock.nowMs());
  }

  /** On the fleet's clock, as everything here. */
  #nextPicture(intendedMs: number): number | undefined {
    const clockOffsetMs = (this.#client?.clockOffsetMs ?? 0) + this.options.deviceOffsetMs;
    return nextCaptureMs(this.#camera?.pace, intendedMs, { clockOffsetMs, ownRateHz: VIDEO_HZ });
  }

  #sendVideo(startMs: number, intendedMs: number, missed: number): void {
    const picture = this.options.script.pictures?.at(Math.round(((intendedMs - startMs) * VIDEO_HZ) / 1000));
    if (picture === undefined) return;
    const captureMs = intendedMs + this.options.deviceOffsetMs;
    const result = this.#client?.sendVideo({ captureMs, codec: 'jpeg', kind: 'key', ...picture }) ?? 'not-live';
    this.options.watcher.sent('video', intendedMs, { result, missed });
  }

  #scheduleChat(): void {
    const line = this.options.script.chat?.next();
    if (line === undefined) return;
    this.#chatTimer = this.#clock.schedule(line.afterMs, () => {
      const result = this.#client?.say(this.options.watcher.label(line.text)) ?? 'not-live';
      this.options.watcher.sent('chat', this.#clock.nowMs(), { result, missed: 0 });
      this.#scheduleChat();
    });
  }
}
