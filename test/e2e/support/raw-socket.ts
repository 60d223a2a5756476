/** A connection that keeps to no rule: WebSocket frames and bytes as a test likes. */
import { connect as connectTcp, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { randomInt, type Random } from '../../../core/random.ts';
import { encodeUp } from '../../../protocol/codec/control.ts';
import type { UpMessage } from '../../../protocol/up.ts';
import { CAPABILITIES } from '../../../protocol/version.ts';
import { SUBPROTOCOL } from '../../../client/socket.ts';
import { deviceClock } from './server.ts';

/** A WebSocket that has opened, and how it will close. */
export interface RawSocket {
  readonly socket: WebSocket;
  /** Resolves with the close code that came. */
  readonly closed: Promise<number>;
}

export async function openRaw(url: string): Promise<RawSocket> {
  const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('close', (code) => reject(new Error(`closed with ${code} before it opened`)));
  });
  return { socket, closed };
}

/** Greets and joins, with a device's clock as a test likes. */
export function joinRaw({ socket }: RawSocket, { token, session, name = 'Raw', deviceMs = deviceClock.nowMs() }: { token: string; session: string; name?: string; deviceMs?: number }): void {
  send({ socket }, { type: 'hello', version: 1, oldestVersion: 1, capabilities: CAPABILITIES.filter((capability) => capability !== 'delta'), token, deviceMs });
  send({ socket }, { type: 'join', session, name, consent: { inference: true, recording: true, training: false } });
}

export function send({ socket }: Pick<RawSocket, 'socket'>, message: UpMessage): void {
  socket.send(encodeUp(message));
}

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomInt(random, 256));
}

/** A TCP connection that has sent `text` and no more. */
export async function openTcp(url: string, text: string): Promise<{ readonly socket: Socket; readonly ended: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  let received = '';
  socket.on('data', (bytes) => (received += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(received)));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(text, 'latin1');
  return { socket, ended };
}
