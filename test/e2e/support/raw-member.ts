/** A member of a session over a bare WebSocket: it sends whatever bytes a test likes and takes down what comes. */
import type { Socket } from 'node:net';
import { decodeDown } from '../../../protocol/codec/control.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../../protocol/codec/snapshot.ts';
import { until } from '../../support/until.ts';
import { joinRaw, openRaw, send, type RawSocket } from './raw-socket.ts';
import { deviceClock } from './server.ts';

export class RawMember {
  readonly raw: RawSocket;
  readonly errors: string[] = [];
  readonly ticks: number[] = [];
  keySnapshots = 0;
  joined = false;
  readonly #scratch = createPoseSample();

  private constructor(raw: RawSocket) {
    this.raw = raw;
    raw.socket.on('message', (packet) => void readContainer(packet as Buffer, (kind, payload) => this.#take(kind, payload)));
  }

  /** @param url - of the server, as http. */
  static async join(url: string, token: string, session: string): Promise<RawMember> {
    const member = new RawMember(await openRaw(`${url.replace('http', 'ws')}/v1/connect`));
    joinRaw(member.raw, { token, session });
    await until(() => member.joined);
    return member;
  }

  /** The TCP socket below. */
  get tcp(): Socket {
    return (this.raw.socket as unknown as { readonly _socket: Socket })._socket;
  }

  /** Whether it has had every snapshot since its first: after one that it missed it would have had a second key snapshot. */
  get hasEverySnapshot(): boolean {
    return this.keySnapshots === 1 && this.ticks.every((tick, index) => index === 0 || tick > (this.ticks[index - 1] ?? 0));
  }

  send(packet: Uint8Array): void {
    this.raw.socket.send(packet);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === KIND.snapshot) {
      const header = decodeSnapshot(payload, deviceClock.nowMs(), this.#scratch, () => undefined);
      if (typeof header === 'string') throw new Error(header);
      this.ticks.push(header.tick);
      if (header.key) this.keySnapshots++;
      return;
    }
    const decoded = decodeDown(payload);
    if (decoded.kind === 'refused') return;
    if (decoded.message.type === 'joined') this.joined = true;
    if (decoded.message.type === 'ping') send(this.raw, { type: 'pong', serverMs: decoded.message.serverMs, deviceMs: deviceClock.nowMs() });
    if (decoded.message.type === 'error') this.errors.push(decoded.message.code);
  }
}
