/** A client of a running server that speaks of media over a WebSocket. */
import WebSocket from 'ws';
import { CONNECT_PATH, SUBPROTOCOL } from '../../client/socket.ts';
import { systemClock } from '../../core/clock.ts';
import { decodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { KIND, readContainer } from '../../protocol/codec/container.ts';
import type { DownMessage, DownMessageOf } from '../../protocol/down.ts';
import type { MediaAsk } from '../../protocol/message/media.ts';
import { until } from './until.ts';

/** Of VP8. */
export const PAYLOAD_TYPE = 96;
const CONSENT = { inference: false, recording: false, training: false };

export class MediaClient {
  readonly heard: DownMessage[] = [];
  closed = false;
  readonly #socket: WebSocket;
  #request = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('close', () => void (this.closed = true));
    socket.on('message', (packet: Buffer) => readContainer(packet, (kind, payload) => this.#take(kind, payload)));
  }

  static async join(url: string, options: { token: string; session: string; capabilities?: string[] }): Promise<MediaClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${CONNECT_PATH}`, SUBPROTOCOL);
    const client = new MediaClient(socket);
    await new Promise((resolve) => socket.once('open', resolve));
    const { token, session, capabilities = ['media'] } = options;
    socket.send(encodeUp({ type: 'hello', version: 1, oldestVersion: 1, capabilities, token, deviceMs: systemClock().nowMs() }));
    socket.send(encodeUp({ type: 'join', session, name: 'media', consent: CONSENT }));
    await until(() => client.of('joined').length > 0);
    return client;
  }

  of<Type extends DownMessage['type']>(type: Type): DownMessageOf<Type>[] {
    return this.heard.filter((message): message is DownMessageOf<Type> => message.type === type);
  }

  events(): string[] {
    return this.of('media-event').map(({ event }) => event);
  }

  /** @returns what the reply says. */
  async ask(ask: MediaAsk): Promise<DownMessageOf<'media-reply'>> {
    const request = this.send(ask);
    const reply = (): DownMessageOf<'media-reply'> | undefined => this.of('media-reply').find((message) => message.request === request);
    await until(() => reply() !== undefined);
    return reply() as DownMessageOf<'media-reply'>;
  }

  /** @returns the value, of what must not be refused. */
  async value<Value>(ask: MediaAsk): Promise<Value> {
    const { value, refused } = await this.ask(ask);
    if (refused !== undefined) throw new Error(`${ask.do}: ${refused}`);
    return value as Value;
  }

  send(ask: MediaAsk): number {
    this.#socket.send(encodeUp({ type: 'media', request: ++this.#request, ask }));
    return this.#request;
  }

  leave(): void {
    this.#socket.send(encodeUp({ type: 'leave' }));
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind !== KIND.control) return;
    const decoded = decodeDown(payload);
    if (decoded.kind === 'refused') throw new Error(decoded.detail);
    this.heard.push(decoded.message);
    const { message } = decoded;
    if (message.type === 'ping') this.#socket.send(encodeUp({ type: 'pong', serverMs: message.serverMs, deviceMs: systemClock().nowMs() }));
  }
}

/** What `produce` takes for one video of one stream. */
export function vp8Parameters(ssrc: number): Record<string, unknown> {
  return { mid: '0', codecs: [{ mimeType: 'video/VP8', clockRate: 90_000, payloadType: PAYLOAD_TYPE, parameters: {}, rtcpFeedback: [] }], headerExtensions: [], encodings: [{ ssrc }], rtcp: { cname: 'test', reducedSize: true } };
}
