/** A WebSocket relay between one client and the real server that can change, hold back and invent what passes. */
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { frameMessage, KIND, readContainer, type MessageKind } from '../../../protocol/codec/container.ts';
import { decodeUp, encodeUp } from '../../../protocol/codec/control.ts';
import { decodeAcknowledgement, type Acknowledgement } from '../../../protocol/codec/acknowledgement.ts';

/** Offset and bit of a delta snapshot's flags that ask for acknowledgements [DLT1]. */
const FLAGS_AT = 8;
const ACKNOWLEDGE = 2;

interface Way {
  readonly near: WebSocket;
  readonly far: WebSocket;
  frozen: boolean;
}

export class Meddler {
  /** Where the next connection goes: `ws://host:port`; undefined refuses it. */
  target: string | undefined;
  /** Tells the server another version than the client's. */
  version: number | undefined;
  /** Asks the client to acknowledge, which no server does over a connection that keeps order; the server does not hear of it. */
  asksToAcknowledge = false;
  readonly acknowledgements: Acknowledgement[] = [];
  /** Types of control messages from the client. */
  readonly said: string[] = [];
  /** Ticks of snapshots on their way to the client, by kind. */
  readonly ticks: Record<'whole' | 'deltas', number[]> = { whole: [], deltas: [] };
  readonly #server: WebSocketServer;
  readonly #ways = new Set<Way>();

  private constructor(target: string) {
    this.target = target;
    this.#server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    this.#server.on('connection', (near, { url }) => this.#join(near, url ?? ''));
  }

  static async open(target: string): Promise<Meddler> {
    const meddler = new Meddler(target.replace(/^http/, 'ws'));
    await new Promise((resolve) => meddler.#server.once('listening', resolve));
    return meddler;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections without a word, as a network does. */
  cut(): void {
    for (const { near, far } of this.#ways) for (const socket of [near, far]) socket.terminate();
    this.#ways.clear();
  }

  /** Lets nothing through any more on the connections that there are, without ending them. */
  freeze(): void {
    for (const way of this.#ways) way.frozen = true;
  }

  /** Sends the client something that the server has not. */
  invent(packet: Uint8Array): void {
    for (const { near } of this.#ways) if (near.readyState === WebSocket.OPEN) near.send(packet);
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: WebSocket, path: string): void {
    if (this.target === undefined) return near.terminate();
    const far = new WebSocket(`${this.target}${path}`, 'copresence.v1', { perMessageDeflate: false });
    const way: Way = { near, far, frozen: false };
    this.#ways.add(way);
    const waiting: Uint8Array[] = [];
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('message', (packet: Buffer) => {
      const passed = this.#up(packet);
      if (way.frozen || passed.length === 0) return;
      if (far.readyState === WebSocket.OPEN) far.send(passed);
      else waiting.push(passed);
    });
    far.on('open', () => waiting.forEach((packet) => far.send(packet)));
    far.on('message', (packet: Buffer) => {
      if (!way.frozen && near.readyState === WebSocket.OPEN) near.send(this.#down(packet));
    });
    // Codes that say that there was none cannot be sent on.
    near.on('close', () => far.close());
    far.on('close', (code, reason) => {
      if (way.frozen) return;
      this.#ways.delete(way);
      if (code === 1005 || code === 1006) near.terminate();
      else near.close(code, reason);
    });
  }

  #up(packet: Uint8Array): Uint8Array {
    return rewritten(packet, (kind, payload) => {
      if (kind === KIND.acknowledgement) {
        const acknowledgement = decodeAcknowledgement(payload);
        if (typeof acknowledgement !== 'string') this.acknowledgements.push(acknowledgement);
        return undefined;
      }
      const decoded = kind === KIND.control ? decodeUp(payload) : undefined;
      if (decoded?.kind !== 'message') return frameMessage(kind, payload);
      this.said.push(decoded.message.type);
      if (decoded.message.type !== 'hello' || this.version === undefined) return frameMessage(kind, payload);
      return encodeUp({ ...decoded.message, version: this.version, oldestVersion: this.version });
    });
  }

  #down(packet: Uint8Array): Uint8Array {
    return rewritten(packet, (kind, payload) => {
      if (kind === KIND.snapshot || kind === KIND.deltaSnapshot) this.ticks[kind === KIND.snapshot ? 'whole' : 'deltas'].push(new DataView(payload.buffer, payload.byteOffset).getUint32(0, true));
      if (kind === KIND.deltaSnapshot && this.asksToAcknowledge) payload[FLAGS_AT] = (payload[FLAGS_AT] ?? 0) | ACKNOWLEDGE;
      return frameMessage(kind, payload);
    });
  }
}

/** @param change - gives a framed message in place of each; undefined leaves it out. */
function rewritten(packet: Uint8Array, change: (kind: MessageKind, payload: Uint8Array) => Uint8Array | undefined): Uint8Array {
  const messages: Uint8Array[] = [];
  readContainer(packet, (kind, payload) => messages.push(change(kind as MessageKind, payload.slice()) ?? new Uint8Array()));
  return Buffer.concat(messages);
}
