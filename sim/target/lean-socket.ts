/**
 * A WebSocket client for load: binary frames over one `net.Socket`, one write a packet and one read buffer for all.
 *
 * The package `ws` costs the generator about twice the processor time for packets as small as these, and what the generator costs bounds how many headsets
 * one process can hold. It knows no extensions and no text, which the protocol does not have either.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { LIMITS } from '../../protocol/limits.ts';
import { SUBPROTOCOL, type SocketHandlers } from '../../client/socket.ts';
import type { Line } from './line.ts';
import { encodeFrame, FrameReader, OPCODE } from './web-socket-frames.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Of the server's answer to the handshake. */
const MAX_HEAD_BYTES = 16 * 1024;
const READ_BYTES = 256 * 1024;
/** Node calls back before it reads again, so all sockets of a process can share it. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

export interface LeanOptions {
  /** Named in the handshake; the protocol's own when left out, none when empty. */
  readonly subprotocol?: string | undefined;
  /** Text frames are given to `onPacket` too, which Socket.IO's own format needs. */
  readonly text?: boolean | undefined;
}

/** Opens a WebSocket; see `SocketFactory`. */
export function openLeanSocket(url: string, handlers: SocketHandlers, options: LeanOptions = {}): LeanSocket {
  return new LeanSocket(url, handlers, options);
}

export class LeanSocket implements Line {
  readonly #handlers: SocketHandlers;
  readonly #options: LeanOptions;
  readonly #socket: Socket;
  readonly #key = randomBytes(16).toString('base64');
  readonly #reader: FrameReader;
  #phase: 'opening' | 'open' | 'closing' | 'ended' = 'opening';
  #head = '';
  #closeCode = 1006;
  #closeReason = '';

  constructor(url: string, handlers: SocketHandlers, options: LeanOptions) {
    this.#handlers = handlers;
    this.#options = options;
    this.#reader = new FrameReader(LIMITS.packetBytes + 64, (opcode, payload) => this.#onFrame(opcode, payload));
    const { protocol, hostname, port, pathname, search, host } = new URL(url);
    const isSecure = protocol === 'wss:';
    const where = {
      host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      onread: { buffer: readBuffer, callback: (bytes: number, buffer: Uint8Array) => this.#onRead(buffer.subarray(0, bytes)) },
    };
    this.#socket = isSecure ? connectTls({ ...where, servername: hostname }) : connectTcp(where);
    this.#socket.setNoDelay(true);
    this.#socket.once(isSecure ? 'secureConnect' : 'connect', () => this.#socket.write(this.#request(host, pathname + search)));
    this.#socket.on('error', (error) => { this.#closeReason ||= error.message; });
    this.#socket.on('close', () => this.#end());
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(packet: Uint8Array): void {
    this.sendFrame(OPCODE.binary, packet);
  }

  /** Sends a frame of any kind. @param payload - copied. */
  sendFrame(opcode: number, payload: Uint8Array): void {
    if (this.#phase === 'open') this.#socket.write(encodeFrame(opcode, payload));
  }

  close(code: number, reason: string): void {
    if (this.#phase === 'opening') return this.cut();
    if (this.#phase !== 'open') return;
    const text = Buffer.from(reason.slice(0, 100));
    const body = Buffer.alloc(2 + text.length);
    body.writeUInt16BE(code, 0);
    text.copy(body, 2);
    this.sendFrame(OPCODE.close, body);
    this.#phase = 'closing';
    this.#socket.end();
  }

  cut(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #request(host: string, path: string): string {
    const subprotocol = this.#options.subprotocol ?? SUBPROTOCOL;
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${this.#key}`, 'Sec-WebSocket-Version: 13'];
    if (subprotocol !== '') lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
    return `${lines.join('\r\n')}\r\n\r\n`;
  }

  #onRead(bytes: Uint8Array): boolean {
    if (this.#phase === 'opening') this.#onHandshake(bytes);
    else if (this.#phase !== 'ended') this.#read(bytes);
    return true;
  }

  #onHandshake(bytes: Uint8Array): void {
    this.#head += Buffer.from(bytes).toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0 && this.#head.length <= MAX_HEAD_BYTES) return;
    const head = this.#head.slice(0, Math.max(0, end));
    const expected = createHash('sha1').update(this.#key + GUID).digest('base64');
    if (!/^HTTP\/1\.1 101 /.test(head) || !head.includes(expected)) {
      this.#closeReason = `the server answered ${head.split('\r\n', 1)[0]?.slice(0, 80) ?? ''}`;
      return void this.#socket.destroy();
    }
    const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
    this.#head = '';
    this.#phase = 'open';
    this.#handlers.onOpen();
    if (rest.length > 0) this.#read(rest);
  }

  #read(bytes: Uint8Array): void {
    if (this.#reader.read(bytes)) return;
    this.#closeReason = 'a frame that is none';
    this.#socket.destroy();
  }

  #onFrame(opcode: number, payload: Uint8Array): void {
    if (this.#phase === 'ended') return;
    if (opcode === OPCODE.binary || (opcode === OPCODE.text && this.#options.text === true)) return this.#handlers.onPacket(payload);
    if (opcode === OPCODE.ping) return this.sendFrame(OPCODE.pong, payload);
    if (opcode !== OPCODE.close) return;
    const body = Buffer.from(payload);
    this.#closeCode = body.length >= 2 ? body.readUInt16BE(0) : 1005;
    this.#closeReason = body.subarray(2).toString('utf8');
    if (this.#phase === 'open') this.sendFrame(OPCODE.close, body.subarray(0, 2));
    this.#phase = 'closing';
    this.#socket.end();
  }

  #end(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#handlers.onClose(this.#closeCode, this.#closeReason);
  }
}
