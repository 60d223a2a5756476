/**
 * Watches what the server says at its edge, at the moment at which it says it: who may hear what then.
 *
 * It keeps its own books from the packets alone, so that it does not believe the server about the server.
 */
import { decodeDown, decodeUp } from '../../protocol/codec/control.ts';
import { framedPayload, KIND, readContainer } from '../../protocol/codec/container.ts';
import type { DownMessage, DownMessageOf } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection, InferenceRequest, Lane, SendOutcome } from '../../server/flow.ts';
import type { Judge } from './judge.ts';
import type { Trace } from './trace.ts';

/** Who holds a slot, and whether their input may be shown. */
interface Holder {
  readonly joinedMs: number;
  /** Whoever breaks the protocol may have been refused the consent that they sent. */
  readonly isHonest: boolean;
  consents: boolean;
  withdrawnMs: number;
}

/** What the packets of one connection have said so far. */
interface EdgeState {
  readonly connection: Connection;
  session: string | undefined;
  slot: number | undefined;
  /** What a `join` asked for that is not answered yet. */
  joinConsent: boolean | undefined;
  /** Those that it asked to resume with. */
  readonly resumeTokens: Set<string>;
}

export interface EdgeCheckParts {
  readonly judge: Judge;
  readonly trace: Trace;
  /** The server's clock. */
  readonly nowMs: () => number;
  /** The request whose outcome is being told now. */
  readonly telling: () => InferenceRequest | undefined;
  readonly isHonest: (connectionId: string) => boolean;
}

export class EdgeCheck {
  readonly #parts: EdgeCheckParts;
  readonly #states = new Map<string, EdgeState>();
  readonly #holders = new Map<string, Holder>();
  readonly #spentTokens = new Set<string>();
  /** Every resume token, with who got it. */
  readonly #issuedTokens = new Map<string, string>();
  /** Of a session, the number of its last line of chat. */
  readonly #chatIds = new Map<string, number>();
  /** The same bytes go to a whole session, and are read once. */
  #last: { readonly framed: Uint8Array; readonly message: DownMessage } | undefined;

  constructor(parts: EdgeCheckParts) {
    this.#parts = parts;
  }

  get openConnections(): number {
    return this.#states.size;
  }

  /** Every resume token that was ever issued, spent ones among them. */
  get resumeTokens(): readonly string[] {
    return [...this.#issuedTokens.keys()];
  }

  lastChatId(session: string): number {
    return this.#chatIds.get(session) ?? 0;
  }

  /** A connection like the given one, all of whose messages are looked at. */
  around(connection: Connection): Connection {
    const state: EdgeState = { connection, session: undefined, slot: undefined, joinConsent: undefined, resumeTokens: new Set() };
    this.#states.set(connection.id, state);
    return {
      id: connection.id,
      remoteAddress: connection.remoteAddress,
      ordered: connection.ordered,
      get bufferedBytes() {
        return connection.bufferedBytes;
      },
      send: (message, lane) => {
        const before = connection.bufferedBytes;
        const outcome = connection.send(message, lane);
        if (outcome === 'sent') this.#sent(state, message, lane, before);
        return outcome satisfies SendOutcome;
      },
      close: (code, reason) => {
        this.#parts.trace.note(`${connection.id} is ended by the server: ${code}`);
        connection.close(code, reason);
      },
    };
  }

  isOpen(connection: Connection): boolean {
    return this.#states.has(connection.id);
  }

  closed(connection: Connection): void {
    this.#states.delete(connection.id);
  }

  /** A packet is about to reach the server. */
  arriving(connectionId: string, packet: Uint8Array): void {
    const state = this.#states.get(connectionId);
    if (state === undefined) return;
    readContainer(packet, (kind, payload) => {
      if (kind !== KIND.control) return;
      const decoded = decodeUp(payload);
      if (decoded.kind === 'refused') return;
      const { message } = decoded;
      if (message.type === 'join') state.joinConsent = message.consent.inference;
      if (message.type === 'resume') state.resumeTokens.add(message.resumeToken);
      if (message.type === 'consent') this.#consent(state, message.consent.inference);
    });
  }

  #consent(state: EdgeState, given: boolean): void {
    const holder = this.#holders.get(keyOf(state));
    if (holder === undefined) return;
    if (!given) holder.withdrawnMs = this.#parts.nowMs();
    holder.consents = given;
  }

  #sent(state: EdgeState, framed: Uint8Array, lane: Lane, bufferedBefore: number): void {
    const { judge } = this.#parts;
    const { id, bufferedBytes } = state.connection;
    judge.expect(bufferedBytes <= LIMITS.reliableBytes, 'bounds', () => `${bufferedBytes} bytes wait on ${id}`);
    judge.expect(lane === 'reliable' || bufferedBefore <= LIMITS.latestHighWaterBytes, 'bounds', () => `a message of the lane latest was queued behind ${bufferedBefore} bytes on ${id}`);
    if (framed[0] !== KIND.control) return;
    const message = this.#read(framed);
    if (message === undefined) return;
    if (message.type === 'joined') this.#joined(state, message);
    if (message.type === 'left') state.slot = undefined;
    if (message.type === 'result') this.#result(state, message);
    if (message.type === 'chat') this.#chatIds.set(state.session ?? '', message.chatId);
  }

  #read(framed: Uint8Array): DownMessage | undefined {
    if (this.#last?.framed === framed) return this.#last.message;
    const decoded = decodeDown(framedPayload(framed));
    if (decoded.kind === 'refused') {
      this.#parts.judge.violate('honest-accepted', `the server sends what its own schema refuses: ${decoded.detail}`);
      return undefined;
    }
    this.#last = { framed, message: decoded.message };
    return decoded.message;
  }

  #joined(state: EdgeState, message: DownMessageOf<'joined'>): void {
    const { judge, trace, nowMs, isHonest } = this.#parts;
    trace.note(`${state.connection.id} ${message.resumed ? 'resumed' : 'joined'} ${message.session} as ${message.slot}`);
    state.session = message.session;
    state.slot = message.slot;
    const slots = new Set(message.participants.map(({ slot }) => slot));
    const ids = new Set(message.participants.map(({ participantId }) => participantId));
    judge.expect(slots.size === message.participants.length && ids.size === slots.size, 'slots-unique', () => `a slot or an id twice in the roster of ${message.session}`);
    if (message.resumed) this.#resumed(state);
    judge.expect(!this.#issuedTokens.has(message.resumeToken), 'resume-once', () => `a resume token was issued twice, at last to ${state.connection.id}`);
    this.#issuedTokens.set(message.resumeToken, deviceOf(state));
    if (message.resumed) return;
    this.#holders.set(keyOf(state), { joinedMs: nowMs(), isHonest: isHonest(state.connection.id), consents: state.joinConsent ?? false, withdrawnMs: -Infinity });
  }

  #resumed(state: EdgeState): void {
    const { judge } = this.#parts;
    const own = [...state.resumeTokens].filter((token) => this.#issuedTokens.get(token) === deviceOf(state));
    const good = own.find((token) => !this.#spentTokens.has(token));
    judge.expect(own.length > 0, 'resume-once', () => `${state.connection.id} resumed with somebody else's token`);
    judge.expect(good !== undefined, 'resume-once', () => `${state.connection.id} resumed with a token that was spent`);
    if (good !== undefined) this.#spentTokens.add(good);
  }

  #result(state: EdgeState, message: DownMessageOf<'result'>): void {
    const { judge, telling, nowMs } = this.#parts;
    const request = telling();
    if (request === undefined) return judge.violate('right-answer', `a result for slot ${message.slot} that no request ended with`);
    const { origin, arrivedMs, deadlineMs } = request;
    judge.expect(origin.sessionId === state.session, 'isolation', () => `a result of ${origin.sessionId} went to ${state.session}`);
    judge.expect(origin.slot === message.slot, 'right-answer', () => `the result for slot ${origin.slot} is said to be of slot ${message.slot}`);
    judge.expect(nowMs() <= deadlineMs, 'late-result', () => `a result of ${request.task} was sent ${(nowMs() - deadlineMs).toFixed(1)} ms after its deadline`);
    const holder = this.#holders.get(`${origin.sessionId}/${origin.slot}`);
    if (holder === undefined || !holder.isHonest) return;
    judge.expect(arrivedMs >= holder.joinedMs, 'right-answer', () => `a result of what came before slot ${origin.slot} of ${origin.sessionId} was given to who has it now`);
    judge.expect(holder.consents && arrivedMs > holder.withdrawnMs, 'consent', () => `a result of slot ${origin.slot} of ${origin.sessionId} was sent without their consent`);
  }
}

/** Whose connection it is: its id without its number. */
function deviceOf({ connection }: EdgeState): string {
  return connection.id.split('-')[0] ?? '';
}

function keyOf({ session, slot }: EdgeState): string {
  return `${session}/${slot}`;
}
