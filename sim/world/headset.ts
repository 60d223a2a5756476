/** A simulated headset: the SDK on a simulated device, streaming, chatting, coming and going. */
import { every, type Repeating, type Timer } from '../../core/clock.ts';
import { randomInt, type Random } from '../../core/random.ts';
import { connect } from '../../client/connect.ts';
import type { CopresenceClient } from '../../client/client.ts';
import type { PaceEvent } from '../../client/events.ts';
import type { SocketFactory } from '../../client/socket.ts';
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { Role } from '../../protocol/roles.ts';
import { ClientCheck, sessionName } from './client-check.ts';
import type { Judge } from './judge.ts';
import type { WorldPlan } from './plan.ts';
import type { ProcessClock } from './process-clock.ts';
import type { RecordedMotion } from './recorded-motion.ts';
import { waitMs } from './random-draws.ts';
import { signedPicture, signPose, signText, type Signature } from './signature.ts';
import type { SimClock } from './sim-clock.ts';
import type { Trace } from './trace.ts';

export interface HeadsetParts {
  readonly clock: SimClock;
  readonly random: Random;
  readonly judge: Judge;
  readonly trace: Trace;
  readonly plan: WorldPlan;
  readonly signature: Signature;
  readonly role: Role;
  readonly consents: boolean;
  readonly followsPace: boolean;
  readonly token: string;
  /** Takes the place of poses that only carry the signature. */
  readonly motion?: RecordedMotion | undefined;
  /** A device that has just been switched on: its clock starts anew. */
  readonly switchOn: () => ProcessClock;
  /** The device ended without a word to the network. */
  readonly switchedOff: () => void;
  readonly openSocket: (device: ProcessClock) => SocketFactory;
}

const LONGEST_ABSENCE_MS = 5000;
const PAUSE_MS = 4000;

/** Wants to be in its session, but for the times at which it leaves or crashes. */
export class Headset {
  readonly #parts: HeadsetParts;
  readonly #sample: PoseSample = createPoseSample();
  readonly #streams: Repeating[] = [];
  check: ClientCheck;
  #camera: Repeating | undefined;
  #device: ProcessClock | undefined;
  #client: CopresenceClient | undefined;
  #consents: boolean;
  #steps = 0;
  #lines = 0;
  #return: Timer | undefined;
  #leftForGood = false;
  #restless = true;

  constructor(parts: HeadsetParts) {
    this.#parts = parts;
    this.#consents = parts.consents;
    this.check = new ClientCheck({ ...parts, nowMs: () => parts.clock.nowMs() });
  }

  get client(): CopresenceClient | undefined {
    return this.#client;
  }

  get device(): ProcessClock | undefined {
    return this.#device;
  }

  get signature(): Signature {
    return this.#parts.signature;
  }

  get consents(): boolean {
    return this.#consents;
  }

  get publishes(): boolean {
    return this.#parts.role !== 'spectator';
  }

  /** Whether every pose has a hand. */
  get showsHands(): boolean {
    return this.#parts.motion?.hasHands ?? this.#parts.plan.hands;
  }

  get isLive(): boolean {
    return this.#client?.state.state === 'live';
  }

  /** Joins, and goes on joining until it is in. */
  enter(): void {
    this.#device ??= this.#parts.switchOn();
    const { signature, token, random, openSocket } = this.#parts;
    const device = this.#device;
    connect({
      url: 'ws://simulated', token, session: sessionName(signature), name: signText(signature), clock: device, openSocket: openSocket(device), random,
      consent: { inference: this.#consents, recording: false, training: false }, video: this.#parts.plan.videoTasks,
      listen: (client) => this.#listen(client),
    }).then(
      () => this.#stream(device),
      () => undefined,
    );
  }

  /** Does nothing of its own any more but stream. */
  calm(): void {
    this.#restless = false;
  }

  /** Leaves for good. */
  leave(): void {
    this.#leftForGood = true;
    void this.#client?.leave();
  }

  #listen(client: CopresenceClient): void {
    this.#client = client;
    this.check.listen(client);
    client.on('pace', (event) => this.#follow(event));
    client.on('state', ({ state }) => {
      if (state !== 'closed' || client !== this.#client) return;
      this.#stopStreams();
      this.#comeBack();
    });
  }

  // ── what it streams ───────────────────────────────────────────────────────

  #stream(device: ProcessClock): void {
    if (!this.publishes || device !== this.#device) return;
    const { motion, plan: { poseHz, videoHz } } = this.#parts;
    this.#stopStreams();
    this.#streams.push(motion === undefined ? every(device, 1000 / poseHz, () => this.#sendPose(device)) : this.#replay(device, motion));
    if (videoHz > 0) this.#film(device, videoHz);
  }

  /** Sends recorded poses, with the pauses that they were recorded with. */
  #replay(device: ProcessClock, motion: RecordedMotion): Repeating {
    const step = (): Timer => {
      const pauseMs = motion.take(this.#sample, this.#parts.signature);
      this.#sample.captureMs = device.nowMs();
      this.#client?.sendPose(this.#sample);
      return device.schedule(pauseMs, () => { timer = step(); });
    };
    let timer = step();
    return { stop: () => timer.cancel() };
  }

  #film(device: ProcessClock, rateHz: number): void {
    this.#camera?.stop();
    this.#camera = every(device, 1000 / rateHz, () => this.#sendPicture(device));
  }

  /** Captures at the rate and at the moments that the server suggests. */
  #follow({ stream, rateHz, captureMs }: PaceEvent): void {
    const { plan, followsPace } = this.#parts;
    const device = this.#device;
    const client = this.#client;
    if (stream !== 'camera' || !followsPace || device === undefined || client === undefined || this.#camera === undefined) return;
    this.#camera.stop();
    if (rateHz === 0) return;
    const hz = Math.min(rateHz, plan.videoHz);
    const periodMs = 1000 / hz;
    const untilMs = captureMs === undefined ? 0 : (((captureMs - client.serverNowMs()) % periodMs) + periodMs) % periodMs;
    const start = device.schedule(untilMs, () => this.#film(device, hz));
    this.#camera = { stop: () => start.cancel() };
  }

  #stopStreams(): void {
    for (const stream of this.#streams.splice(0)) stream.stop();
    this.#camera?.stop();
    this.#camera = undefined;
  }

  #sendPose(device: ProcessClock): void {
    signPose(this.#sample, this.#parts.signature, { hands: this.#parts.plan.hands, step: this.#steps++ });
    this.#sample.captureMs = device.nowMs();
    this.#client?.sendPose(this.#sample);
  }

  #sendPicture(device: ProcessClock): void {
    if (!this.#consents) return;
    const { signature, plan } = this.#parts;
    this.#client?.sendVideo({ captureMs: device.nowMs(), codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: signedPicture(signature, plan.pictureBytes) });
  }

  // ── what it does by chance ────────────────────────────────────────────────

  /** Begins its habits, each at its own times. */
  live(): void {
    const { habits } = this.#parts.plan;
    this.#nowAndThen(habits.chat, () => this.#say());
    this.#nowAndThen(habits.consent, () => this.#changeMind());
    this.#nowAndThen(habits.leave, () => this.#goAway());
    this.#nowAndThen(habits.crash, () => this.crash());
    this.#nowAndThen(habits.pause, () => this.#device?.stall(this.#parts.random.next() * PAUSE_MS));
  }

  #nowAndThen(perMinute: number, act: () => void): void {
    const delayMs = waitMs(this.#parts.random, perMinute);
    if (delayMs === Infinity) return;
    this.#parts.clock.schedule(delayMs, () => {
      if (!this.#restless) return;
      act();
      this.#nowAndThen(perMinute, act);
    });
  }

  #say(): void {
    if (this.publishes) this.#client?.say(signText(this.#parts.signature, String(++this.#lines)));
  }

  #changeMind(): void {
    this.#consents = !this.#consents;
    this.#parts.trace.note(`headset ${this.#parts.signature.headset} ${this.#consents ? 'consents' : 'withdraws'}`);
    this.#client?.setConsent({ inference: this.#consents, recording: false, training: false });
  }

  #goAway(): void {
    void this.#client?.leave();
  }

  /** The device ends in the middle of whatever it does, and is switched on again. */
  crash(): void {
    if (this.#device === undefined) return;
    this.#parts.trace.note(`headset ${this.#parts.signature.headset} crashes`);
    this.#stopStreams();
    this.#device.end();
    this.#parts.switchedOff();
    this.#device = undefined;
    this.#client = undefined;
    this.check = new ClientCheck({ ...this.#parts, nowMs: () => this.#parts.clock.nowMs() });
    this.#comeBack();
  }

  #comeBack(): void {
    this.#return?.cancel();
    this.#return = this.#parts.clock.schedule(randomInt(this.#parts.random, LONGEST_ABSENCE_MS), () => {
      if (!this.#leftForGood) this.enter();
    });
  }
}
