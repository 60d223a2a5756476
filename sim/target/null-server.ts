/**
 * A server that does as little as one can: it lets everybody in, checks nothing, and sends each session its newest poses at ticks.
 *
 * What a load generator reaches against it is the generator's own limit.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { every, type Clock } from '../../core/clock.ts';
import { frameMessage, KIND, readContainer } from '../../protocol/codec/container.ts';
import { decodeUp, encodeDown } from '../../protocol/codec/control.ts';
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import { SUBPROTOCOL } from '../../client/socket.ts';

interface Member {
  readonly socket: WebSocket;
  readonly slot: number;
  /** What came since the last tick. */
  sample: Uint8Array | undefined;
}

export interface NullServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startNullServer(clock: Clock, { port, tickHz }: { port: number; tickHz: number }): Promise<NullServer> {
  const http = createServer((_, response) => void response.writeHead(404).end());
  const sessions = new Map<string, Map<number, Member>>();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: LIMITS.packetBytes, handleProtocols: () => SUBPROTOCOL });
  sockets.on('connection', (socket) => new Visitor(socket, sessions, clock));
  let tick = 0;
  const ticks = every(clock, 1000 / tickHz, (nowMs) => {
    tick++;
    for (const members of sessions.values()) sendTick(members, tick, nowMs);
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close() {
      ticks.stop();
      for (const socket of sockets.clients) socket.terminate();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
}

function sendTick(members: ReadonlyMap<number, Member>, tick: number, nowMs: number): void {
  const entries = [...members.values()].flatMap(({ slot, sample }) => (sample === undefined ? [] : [{ slot, sample }]));
  if (entries.length === 0) return;
  const packet = frameMessage(KIND.snapshot, encodeSnapshot({ tick: tick % 2 ** 32, serverMs: nowMs, key: false }, entries));
  for (const member of members.values()) {
    member.sample = undefined;
    member.socket.send(packet);
  }
}

/** One connection. */
class Visitor {
  readonly #socket: WebSocket;
  readonly #sessions: Map<string, Map<number, Member>>;
  readonly #clock: Clock;
  #member: Member | undefined;
  #session = '';

  constructor(socket: WebSocket, sessions: Map<string, Map<number, Member>>, clock: Clock) {
    this.#socket = socket;
    this.#sessions = sessions;
    this.#clock = clock;
    socket.on('message', (packet: Buffer) => void readContainer(packet, (kind, payload) => this.#take(kind, payload)));
    socket.on('close', () => this.#leave());
    socket.on('error', () => undefined);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === KIND.poseSample) {
      if (this.#member !== undefined) this.#member.sample = payload;
      return;
    }
    if (kind !== KIND.control) return;
    const decoded = decodeUp(payload);
    if (decoded.kind === 'refused') return;
    const { message } = decoded;
    if (message.type === 'hello') this.#socket.send(encodeDown({ type: 'welcome', version: PROTOCOL_VERSION, capabilities: message.capabilities, server: 'null', connectionId: 'c', serverMs: this.#clock.nowMs(), heartbeatMs: 1000 }));
    else if (message.type === 'join') this.#join(message);
    else if (message.type === 'say') this.#pass(message);
    else if (message.type === 'leave') this.#socket.send(encodeDown({ type: 'left' }));
  }

  #join({ session, name }: UpMessageOf<'join'>): void {
    const members = this.#sessions.get(session) ?? new Map<number, Member>();
    this.#sessions.set(session, members);
    let slot = 0;
    while (members.has(slot)) slot++;
    this.#session = session;
    this.#member = { socket: this.#socket, slot, sample: undefined };
    members.set(slot, this.#member);
    const self = { slot, participantId: name, name, role: 'participant', presence: 'live' } as const;
    this.#socket.send(encodeDown({
      type: 'joined', session, slot, participantId: name, role: 'participant', grants: [], resumed: false, resumeToken: 'none', resumeMs: 0, tickRateHz: 72, recording: false, participants: [self],
    }));
  }

  #pass({ text, captureMs }: UpMessageOf<'say'>): void {
    const line = encodeDown({ type: 'chat', chatId: 0, slot: this.#member?.slot ?? 0, text, captureMs });
    for (const { socket } of this.#sessions.get(this.#session)?.values() ?? []) socket.send(line);
  }

  #leave(): void {
    const members = this.#sessions.get(this.#session);
    if (this.#member === undefined || members === undefined) return;
    members.delete(this.#member.slot);
    if (members.size === 0) this.#sessions.delete(this.#session);
  }
}
