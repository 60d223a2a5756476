/**
 * A participant that speaks the protocol and no more: it joins, resumes, answers pings and sends bytes that were encoded
 * before, and of what it hears it reads only what is measured. The SDK's client costs several times as much.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { ClockFilter } from '../../client/clock-sync.ts';
import { endOfClose, endOfError, type LinkEnd } from '../../client/link.ts';
import { planReconnect } from '../../client/reconnect.ts';
import { connectUrl } from '../../client/socket.ts';
import { frameHeaderBytes, frameMessage, KIND, readContainer, writeFrameHeader } from '../../protocol/codec/container.ts';
import { decodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { poseSampleBytes, writeCaptureMs } from '../../protocol/codec/pose-sample.ts';
import { SNAPSHOT_ENTRY_BYTES, SNAPSHOT_HEADER_BYTES } from '../../protocol/codec/snapshot.ts';
import { readUint16 } from '../../protocol/codec/quantise.ts';
import { encodeVideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { DownMessage } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Picture } from '../source/pictures.ts';
import { peekType } from './control-peek.ts';
import { DeltaEars } from './delta-ears.ts';
import type { Line, LineFactory } from './line.ts';
import type { Guest, GuestListener, GuestPlace, Sent } from './target.ts';

export interface LightParts {
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly openLine: LineFactory;
  readonly token: (subject: string, session: string) => Promise<string>;
  /** Whether it reads snapshots that tell differences. */
  readonly deltas: boolean;
}

type Phase =
  | { readonly phase: 'out' }
  | { readonly phase: 'entering' | 'live'; readonly line: Line }
  /** The link is there and nothing is said on it. */
  | { readonly phase: 'silent'; readonly line: Line }
  | { readonly phase: 'waiting'; readonly timer: Timer }
  | { readonly phase: 'gone' };

/** Without the rest of the server's news, of which a light guest has no use; `delta` comes on top. */
const CAPABILITIES = ['pose', 'hands', 'video-jpeg', 'chat', 'results', 'resume'] as const;
const CONSENT = { inference: true, recording: false, training: false } as const;
const CLOCK_PERIOD_MS = 2000;
const ENTER_WAIT_MS = 15_000;
const LEAVE_WAIT_MS = 1000;

export class LightGuest implements Guest {
  readonly #parts: LightParts;
  readonly #place: GuestPlace;
  readonly #listener: GuestListener;
  readonly #serverClock = new ClockFilter();
  readonly #deltas: DeltaEars;
  #phase: Phase = { phase: 'out' };
  #slot = -1;
  #resume: { readonly token: string; readonly keptMs: number; untilMs: number | undefined } | undefined;
  #attempt = 0;
  /** What the next attempt waits for, where a fault says so. */
  #backMs: number | undefined;
  #closing: LinkEnd | undefined;
  #timer: Timer | undefined;
  #left: (() => void) | undefined;

  constructor(parts: LightParts, place: GuestPlace, listener: GuestListener) {
    this.#parts = parts;
    this.#place = place;
    this.#listener = listener;
    this.#deltas = new DeltaEars({
      clock: parts.clock,
      pose: (slot, bytes, entryBytes) => { if (slot !== this.#slot) listener.pose(bytes, 0, entryBytes); },
      acknowledge: (payload) => this.#acknowledge(payload),
      askAnew: () => void this.#tell({ type: 'snapshots' }),
      refused: (code) => listener.refused(code),
    });
  }

  get live(): boolean {
    return this.#phase.phase === 'live' && this.#left === undefined;
  }

  enter(): void {
    if (this.#phase.phase !== 'out' && this.#phase.phase !== 'gone') return;
    this.#resume = undefined;
    this.#attempt = 0;
    this.#open();
  }

  sendPose(sample: Uint8Array, intendedMs: number): Sent {
    if (this.#phase.phase === 'silent') return 'sent';
    if (this.#phase.phase !== 'live' || this.#left !== undefined) return 'not-live';
    const { line } = this.#phase;
    if (line.bufferedBytes > LIMITS.latestHighWaterBytes) return 'superseded';
    const packet = new Uint8Array(frameHeaderBytes(sample.length) + sample.length);
    const at = writeFrameHeader(KIND.poseSample, sample.length, packet, 0);
    packet.set(sample, at);
    writeCaptureMs(packet, at, intendedMs);
    sendLatest(line, packet);
    return 'sent';
  }

  sendVideo({ width, height, bytes }: Picture, intendedMs: number): Sent {
    if (this.#phase.phase !== 'live' || this.#left !== undefined) return 'not-live';
    const { line } = this.#phase;
    if (line.bufferedBytes > LIMITS.latestHighWaterBytes) return 'superseded';
    const chunk = encodeVideoChunk({ captureMs: intendedMs, codec: 'jpeg', kind: 'key', width, height, bytes });
    const packet = new Uint8Array(frameHeaderBytes(chunk.length) + chunk.length);
    packet.set(chunk, writeFrameHeader(KIND.videoChunk, chunk.length, packet, 0));
    line.send(packet);
    return 'sent';
  }

  say(text: string, intendedMs: number): Sent {
    return this.#tell({ type: 'say', text, captureMs: intendedMs });
  }

  leave(): Promise<void> {
    this.#timer?.cancel();
    const { phase } = this.#phase;
    if (phase === 'waiting') this.#phase.timer.cancel();
    if (phase !== 'live') {
      if (phase === 'entering' || phase === 'silent') this.#phase.line.cut();
      this.#phase = { phase: 'gone' };
      return Promise.resolve();
    }
    const { line } = this.#phase;
    this.#tell({ type: 'leave' });
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#timer = this.#parts.clock.schedule(LEAVE_WAIT_MS, () => line.cut());
    });
  }

  cut(backMs?: number): boolean {
    if (this.#phase.phase !== 'live' && this.#phase.phase !== 'silent') return false;
    this.#backMs = backMs;
    this.#phase.line.cut();
    return true;
  }

  readSlowly(on: boolean): boolean {
    if (this.#phase.phase !== 'live') return false;
    const { line } = this.#phase;
    if (line.pause === undefined || line.resume === undefined) return false;
    if (on) line.pause();
    else line.resume();
    return true;
  }

  fallSilent(): boolean {
    if (this.#phase.phase !== 'live' || this.#phase.line.pause === undefined) return false;
    const { line } = this.#phase;
    this.#phase = { phase: 'silent', line };
    this.#timer?.cancel();
    line.pause?.();
    return true;
  }

  // ── the link ──────────────────────────────────────────────────────────────

  #open(): void {
    this.#closing = undefined;
    this.#serverClock.restart();
    // Until the factory has returned none of these is called.
    const line: Line = this.#parts.openLine(connectUrl(this.#parts.url), {
      onOpen: () => void this.#hello(line),
      onPacket: (packet) => this.#onPacket(line, packet),
      onClose: (code, reason) => this.#onClose(line, code, reason),
    });
    this.#phase = { phase: 'entering', line };
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.schedule(ENTER_WAIT_MS, () => line.cut());
  }

  async #hello(line: Line): Promise<void> {
    const { session, name } = this.#place;
    const token = await this.#parts.token(name, session);
    if (!this.#holds(line)) return;
    const hello = encodeUp({
      type: 'hello', version: PROTOCOL_VERSION, oldestVersion: OLDEST_PROTOCOL_VERSION, capabilities: [...CAPABILITIES, ...(this.#parts.deltas ? (['delta'] as const) : [])], token,
      deviceMs: this.#parts.clock.nowMs(), client: 'copresence-sim',
    });
    const way: UpMessage = this.#resume === undefined ? { type: 'join', session, name, consent: CONSENT } : { type: 'resume', resumeToken: this.#resume.token };
    line.send(Buffer.concat([hello, encodeUp(way)]));
  }

  #onPacket(line: Line, packet: Uint8Array): void {
    if (!this.#holds(line)) return;
    this.#listener.received(packet.length);
    const problem = readContainer(packet, (kind, payload) => {
      if (kind === KIND.snapshot) this.#onSnapshot(payload);
      else if (kind === KIND.deltaSnapshot && this.#phase.phase === 'live') this.#deltas.take(payload);
      else if (kind === KIND.control) this.#onControl(line, payload);
    });
    if (problem !== undefined) this.#listener.refused(problem);
  }

  /** Without decoding: an entry's first bytes say how long it is. */
  #onSnapshot(payload: Uint8Array): void {
    if (this.#phase.phase !== 'live' || payload.length < SNAPSHOT_HEADER_BYTES) return;
    let at = SNAPSHOT_HEADER_BYTES;
    while (at + SNAPSHOT_ENTRY_BYTES + 6 <= payload.length) {
      const slot = readUint16(payload, at);
      const sampleAt = at + SNAPSHOT_ENTRY_BYTES;
      const size = poseSampleBytes(payload[sampleAt + 4]!);
      if (slot !== this.#slot && sampleAt + size <= payload.length) this.#listener.pose(payload, sampleAt, size);
      at = sampleAt + size;
    }
    if (at !== payload.length) this.#listener.refused('MESSAGE_INVALID');
  }

  #onControl(line: Line, payload: Uint8Array): void {
    const type = peekType(payload);
    if (!this.#place.results && (type === 'result' || type === 'clock-reply')) return;
    if (type === 'presence' || type === 'session-info') return;
    const decoded = decodeDown(payload);
    if (decoded.kind === 'refused') return this.#listener.refused(decoded.code);
    this.#onMessage(line, decoded.message);
  }

  #onMessage(line: Line, message: DownMessage): void {
    switch (message.type) {
      case 'welcome': return this.#serverClock.guess(message.serverMs, this.#parts.clock.nowMs());
      case 'joined': return this.#onJoined(line, message);
      case 'ping': return void this.#tell({ type: 'pong', serverMs: message.serverMs, deviceMs: this.#parts.clock.nowMs() });
      case 'clock-reply': return void this.#serverClock.add({ ...message, receivedMs: this.#parts.clock.nowMs() });
      case 'chat': return this.#listener.chat(message.text);
      case 'result': return this.#listener.result(message, message.captureMs - this.#serverClock.offsetMs);
      case 'left': return line.close(1000, 'left');
      case 'error':
        if (message.closing) this.#closing = endOfError(message);
        else if (this.#phase.phase === 'entering' && (message.about === 'join' || message.about === 'resume')) {
          this.#closing = endOfError(message);
          line.close(1000, message.code);
        }
        return this.#listener.refused(message.code);
      default: return;
    }
  }

  #onJoined(line: Line, message: Extract<DownMessage, { type: 'joined' }>): void {
    if (this.#phase.phase !== 'entering') return;
    this.#timer?.cancel();
    this.#phase = { phase: 'live', line };
    this.#slot = message.slot;
    this.#deltas.restart();
    this.#resume = { token: message.resumeToken, keptMs: message.resumeMs, untilMs: undefined };
    this.#attempt = 0;
    this.#listener.joined(message.resumed ? 'resumed' : 'new', message.slot);
    if (this.#place.results) this.#askTime();
  }

  #acknowledge(payload: Uint8Array): void {
    if (this.#phase.phase === 'live' && this.#left === undefined) sendLatest(this.#phase.line, frameMessage(KIND.acknowledgement, payload));
  }

  #askTime(): void {
    this.#tell({ type: 'clock', deviceMs: this.#parts.clock.nowMs() });
    this.#timer = this.#parts.clock.schedule(CLOCK_PERIOD_MS, () => this.#askTime());
  }

  #onClose(line: Line, code: number, reason: string): void {
    if (!this.#holds(line)) return;
    this.#timer?.cancel();
    if (this.#left !== undefined) {
      const left = this.#left;
      this.#left = undefined;
      this.#phase = { phase: 'gone' };
      return left();
    }
    const { clock, random } = this.#parts;
    const end = this.#closing ?? endOfClose(code, reason);
    const nowMs = clock.nowMs();
    if (this.#resume !== undefined) this.#resume.untilMs ??= nowMs + this.#resume.keptMs;
    const plan = planReconnect({ end, nowMs, attempt: this.#attempt++, resumeUntilMs: this.#resume?.untilMs, joinAnew: true }, random);
    if (plan.kind === 'end') {
      this.#phase = { phase: 'gone' };
      return this.#listener.lost({ ...end, final: true });
    }
    if (plan.kind === 'join') this.#resume = undefined;
    const delayMs = this.#backMs ?? plan.delayMs;
    this.#backMs = undefined;
    this.#phase = { phase: 'waiting', timer: clock.schedule(delayMs, () => this.#open()) };
    this.#listener.lost({ ...end, final: false });
  }

  #holds(line: Line): boolean {
    return 'line' in this.#phase && this.#phase.line === line;
  }

  #tell(message: UpMessage): Sent {
    if (this.#phase.phase !== 'live' || this.#left !== undefined) return 'not-live';
    this.#phase.line.send(encodeUp(message));
    return 'sent';
  }
}

/** On the lane that may lose, where there is one. */
function sendLatest(line: Line, packet: Uint8Array): void {
  if (line.sendLatest === undefined) line.send(packet);
  else line.sendLatest(packet);
}
