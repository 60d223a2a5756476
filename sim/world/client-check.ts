/** Watches what one headset is told by its SDK: order, place and whose it is. */
import type { CopresenceClient } from '../../client/client.ts';
import type { ErrorEvent, JoinedEvent, PoseEvent, PresenceEvent } from '../../client/events.ts';
import type { ChatEvent } from '../../client/events.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { Judge } from './judge.ts';
import { describeSignature, sameSignature, signatureOfPose, signatureOfText, signatureOfValue, type Signature } from './signature.ts';
import type { Trace } from './trace.ts';

export interface ClientCheckParts {
  readonly judge: Judge;
  readonly trace: Trace;
  readonly signature: Signature;
  readonly nowMs: () => number;
}

/** What a well-behaved client may be refused: its links, the server's load, models that fail, not its own messages. */
const EXCUSED: ReadonlySet<string> = new Set([
  'MODEL_UNAVAILABLE', 'MODEL_FAILED', 'MODEL_OVERLOADED', 'VIDEO_INVALID', 'DEVICE_OUT_OF_MEMORY', 'CONSENT_MISSING', 'RATE_LIMITED', 'RESUME_REFUSED',
  'HEARTBEAT_TIMEOUT', 'HELLO_TIMEOUT', 'SLOW_CONSUMER', 'SESSION_FULL', 'SERVER_FULL', 'SERVER_DRAINING', 'CONNECTION_LOST', 'TOO_MANY_ERRORS',
]);
/** How a client may end without having asked for it. */
const EXCUSED_ENDS: ReadonlySet<string> = new Set(['NORMAL', 'CONNECTION_LOST', 'HEARTBEAT_TIMEOUT', 'HELLO_TIMEOUT', 'SLOW_CONSUMER', 'SERVER_FULL', 'SESSION_FULL', 'SERVER_DRAINING', 'TOO_MANY_ERRORS']);

export class ClientCheck {
  readonly #parts: ClientCheckParts;
  readonly #captures = new Map<number, number>();
  /** By slot, when a pose came last, on the world's clock. */
  readonly #posesMs = new Map<number, number>();
  readonly #slots = new Set<number>();
  readonly #chatTexts = new Map<number, Signature>();
  #names = new Map<number, string>();
  #lastTick = -1;
  #lastChatId: number | undefined;
  /** When the client last heard of each, on the world's clock. */
  lastSnapshotMs = -Infinity;
  lastResultMs = -Infinity;

  constructor(parts: ClientCheckParts) {
    this.#parts = parts;
  }

  /** When a pose of this slot came last, on the world's clock. */
  lastPoseMs(slot: number): number {
    return this.#posesMs.get(slot) ?? -Infinity;
  }

  get lastChatId(): number | undefined {
    return this.#lastChatId;
  }

  listen(client: CopresenceClient): void {
    client.on('joined', (event) => this.#joined(event));
    client.on('presence', (event) => this.#presence(event));
    client.on('pose', (event) => this.#pose(event));
    client.on('snapshot', ({ tick }) => this.#snapshot(tick));
    client.on('chat', (event) => this.#chat(event));
    client.on('result', (event) => this.#result(event));
    client.on('error', (event) => this.#error(event));
    client.on('state', (state) => {
      this.#parts.trace.note(`${this.#who} is ${state.state}`);
      if (state.state === 'closed') this.#expect(EXCUSED_ENDS.has(state.code), 'honest-accepted', () => `was ended with ${state.code} ${state.detail}`);
    });
  }

  get #who(): string {
    return describeSignature(this.#parts.signature);
  }

  #expect(holds: boolean, rule: Parameters<Judge['expect']>[1], detail: () => string): void {
    this.#parts.judge.expect(holds, rule, () => `${this.#who} ${detail()}`);
  }

  #joined({ session, participants, slot, resumed }: JoinedEvent): void {
    this.#captures.clear();
    this.#slots.clear();
    this.#names = new Map(participants.map((participant) => [participant.slot, participant.name]));
    for (const participant of participants) this.#slots.add(participant.slot);
    this.#lastChatId = undefined;
    if (!resumed) this.#lastTick = -1;
    this.#expect(session === sessionName(this.#parts.signature), 'isolation', () => `joined ${session}`);
    this.#expect(this.#slots.has(slot), 'presence', () => `is not in the roster of its own session`);
  }

  #presence({ event, participant }: PresenceEvent): void {
    const { slot, name } = participant;
    const isKnown = this.#slots.has(slot);
    this.#parts.trace.note(`${this.#who} hears that ${slot} ${event}`);
    this.#expect(isKnown === (event !== 'joined'), 'presence', () => `hears that slot ${slot} ${event}, ${isKnown ? 'who is there' : 'who is not there'}`);
    const owner = signatureOfText(name);
    this.#expect(owner === undefined || owner.session === this.#parts.signature.session, 'isolation', () => `hears of ${describeSignature(owner)}`);
    if (event === 'left') this.#slots.delete(slot);
    else this.#slots.add(slot);
    this.#names.set(slot, name);
    // Whoever is back may have another clock; a new participant has another time line.
    if (event === 'joined' || event === 'back') this.#captures.delete(slot);
  }

  #pose({ slot, sample }: PoseEvent): void {
    const owner = this.#ownerOf(slot);
    this.#expect(this.#slots.has(slot), 'presence', () => `sees slot ${slot}, where nobody is`);
    if (owner !== undefined) this.#expect(sameSignature(signatureOfPose(sample), owner), 'isolation', () => `sees ${describeSignature(signatureOfPose(sample))} in slot ${slot} of ${describeSignature(owner)}`);
    const before = this.#captures.get(slot) ?? -Infinity;
    this.#expect(sample.captureMs >= before, 'capture-order', () => `sees slot ${slot} at ${sample.captureMs} after ${before}`);
    this.#captures.set(slot, sample.captureMs);
    this.#posesMs.set(slot, this.#parts.nowMs());
  }

  /** Each session counts its own ticks, over connections too. */
  #snapshot(tick: number): void {
    this.#expect(tick > this.#lastTick, 'snapshot-order', () => `gets tick ${tick} after ${this.#lastTick}`);
    this.#lastTick = tick;
    this.lastSnapshotMs = this.#parts.nowMs();
  }

  #chat({ chatId, slot, text }: ChatEvent): void {
    this.#parts.trace.note(`${this.#who} hears line ${chatId} of ${slot}`);
    const before = this.#lastChatId;
    this.#expect(before === undefined || chatId === before + 1, 'chat-order', () => `gets line ${chatId} after ${before}`);
    this.#lastChatId = chatId;
    const author = signatureOfText(text);
    const owner = this.#ownerOf(slot);
    if (author === undefined || owner === undefined) return;
    this.#expect(sameSignature(author, owner), 'isolation', () => `hears ${describeSignature(author)} from slot ${slot} of ${describeSignature(owner)}`);
    this.#chatTexts.set(chatId, author);
    this.#chatTexts.delete(chatId - 100);
  }

  #result({ slot, value, chatId }: ResultMessage): void {
    this.lastResultMs = this.#parts.nowMs();
    this.#parts.trace.note(`${this.#who} gets ${value.task} of ${slot}`);
    const owner = this.#ownerOf(slot);
    const about = signatureOfValue(value);
    if (owner !== undefined && about !== undefined) this.#expect(sameSignature(about, owner), 'isolation', () => `gets ${value.task} of ${describeSignature(about)} for slot ${slot} of ${describeSignature(owner)}`);
    const author = chatId === undefined ? undefined : this.#chatTexts.get(chatId);
    if (author !== undefined) this.#expect(sameSignature(about, author), 'right-answer', () => `gets a judgement of ${describeSignature(about)} for a line of ${describeSignature(author)}`);
  }

  #error({ code, detail, about, origin }: ErrorEvent): void {
    this.#parts.trace.note(`${this.#who} is refused ${about}: ${code}`);
    this.#expect(origin === 'server' && EXCUSED.has(code), 'honest-accepted', () => `is refused ${about} with ${code} (${detail})`);
  }

  /** Undefined for whoever does not sign. */
  #ownerOf(slot: number): Signature | undefined {
    return signatureOfText(this.#names.get(slot) ?? '');
  }
}

export function sessionName({ session }: { readonly session: number }): string {
  return `s${session}`;
}
