/** A participant that is the client SDK, as applications use it: dearer than a light one, and the whole way is tested. */
import { CopresenceError } from '../../core/errors.ts';
import type { CopresenceClient } from '../../client/client.ts';
import { connect } from '../../client/connect.ts';
import type { PoseEvent } from '../../client/events.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import type { Picture } from '../source/pictures.ts';
import type { Line } from './line.ts';
import type { LightParts } from './light-guest.ts';
import type { Guest, GuestListener, GuestPlace, Sent } from './target.ts';

const CONSENT = { inference: true, recording: false, training: false } as const;

export class SdkGuest implements Guest {
  readonly #parts: LightParts;
  readonly #place: GuestPlace;
  readonly #listener: GuestListener;
  readonly #sample = createPoseSample();
  readonly #bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  #client: CopresenceClient | undefined;
  #line: Line | undefined;
  #leaving = false;
  #silent = false;

  constructor(parts: LightParts, place: GuestPlace, listener: GuestListener) {
    this.#parts = parts;
    this.#place = place;
    this.#listener = listener;
  }

  get live(): boolean {
    return this.#client?.state.state === 'live' && !this.#leaving;
  }

  enter(): void {
    this.#leaving = false;
    this.#join().catch((error: unknown) => {
      const code = error instanceof CopresenceError ? error.code : 'CONNECTION_LOST';
      this.#listener.lost({ code, detail: error instanceof Error ? error.message : '', final: true });
    });
  }

  sendPose(sample: Uint8Array, intendedMs: number): Sent {
    if (this.#silent) return 'sent';
    decodePoseSample(sample, 0, intendedMs, this.#sample);
    this.#sample.captureMs = intendedMs;
    return asSent(this.#client?.sendPose(this.#sample));
  }

  sendVideo({ width, height, bytes }: Picture, intendedMs: number): Sent {
    return asSent(this.#client?.sendVideo({ captureMs: intendedMs, codec: 'jpeg', kind: 'key', width, height, bytes }));
  }

  say(text: string): Sent {
    return asSent(this.#client?.say(text));
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#client?.leave();
    this.#client = undefined;
  }

  /** When it is back is the SDK's own decision. */
  cut(): boolean {
    if (this.#line === undefined || !this.live) return false;
    this.#silent = false;
    this.#line.cut();
    return true;
  }

  readSlowly(on: boolean): boolean {
    if (this.#line?.pause === undefined || !this.live) return false;
    if (on) this.#line.pause();
    else this.#line.resume?.();
    return true;
  }

  fallSilent(): boolean {
    if (!this.readSlowly(true)) return false;
    this.#silent = true;
    return true;
  }

  async #join(): Promise<void> {
    const { url, clock, random, openLine, token } = this.#parts;
    const { session, name } = this.#place;
    await connect({
      url, session, name, clock, random, consent: CONSENT, interpolate: false, token: await token(name, session),
      openSocket: (where, handlers) => {
        this.#line = openLine(where, {
          ...handlers,
          onPacket: (packet) => {
            this.#listener.received(packet.length);
            handlers.onPacket(packet);
          },
        });
        return this.#line;
      },
      listen: (client) => this.#listen(client),
    });
  }

  #listen(client: CopresenceClient): void {
    this.#client = client;
    client.on('joined', ({ resumed, slot }) => this.#listener.joined(resumed ? 'resumed' : 'new', slot));
    client.on('pose', (event) => this.#onPose(client, event));
    client.on('chat', ({ text }) => this.#listener.chat(text));
    client.on('error', ({ code }) => this.#listener.refused(code));
    if (this.#place.results) client.on('result', (message) => this.#listener.result(message, message.captureMs - client.clockOffsetMs));
    client.on('state', (state) => {
      this.#silent = false;
      if (this.#leaving || client !== this.#client) return;
      if (state.state === 'resuming') this.#listener.lost({ code: state.cause, detail: '', final: false });
      else if (state.state === 'joining' && state.anew) this.#listener.lost({ code: 'RESUME_REFUSED', detail: '', final: false });
      else if (state.state === 'closed') this.#listener.lost({ code: state.code, detail: state.detail, final: true });
    });
  }

  /** The bytes are made again: the codec rounds nothing that was rounded before. */
  #onPose(client: CopresenceClient, { slot, sample, sampleBytes }: PoseEvent): void {
    if (slot === client.self.slot) return;
    if (typeof encodePoseSample(sample, this.#bytes, 0) === 'number') this.#listener.pose(this.#bytes, 0, sampleBytes);
  }
}

function asSent(result: string | undefined): Sent {
  return result === 'sent' || result === 'superseded' ? result : 'not-live';
}
