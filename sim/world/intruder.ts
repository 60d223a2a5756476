/** Whoever breaks the protocol: sends garbage, damaged packets and messages in any order, or tries stolen resume tokens. */
import { every } from '../../core/clock.ts';
import { randomInt, type Random } from '../../core/random.ts';
import type { ClientSocket, SocketFactory } from '../../client/socket.ts';
import { decodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { frameMessage, KIND, readContainer } from '../../protocol/codec/container.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { CAPABILITIES } from '../../protocol/version.ts';
import type { ProcessClock } from './process-clock.ts';
import { chance, pick } from './random-draws.ts';

export interface IntruderParts {
  readonly device: ProcessClock;
  readonly random: Random;
  readonly openSocket: SocketFactory;
  readonly sessions: readonly string[];
  /** A token that the server takes. */
  readonly token: string;
  /** Resume tokens that went over the wires of others. */
  readonly stolenTokens: () => readonly string[];
  readonly steals: boolean;
}

const SENDS_PER_S = 20;
const LONGEST_PACKET = 300;

export class Intruder {
  readonly #parts: IntruderParts;
  #socket: ClientSocket | undefined;
  #isOpen = false;
  #stopped = false;

  constructor(parts: IntruderParts) {
    this.#parts = parts;
  }

  start(): void {
    const { device, random } = this.#parts;
    this.#connect();
    every(device, 1000 / SENDS_PER_S, () => {
      if (this.#stopped) return;
      if (this.#socket === undefined) this.#connect();
      else if (this.#isOpen) this.#socket.send(this.#packet());
      if (chance(random, 0.005)) this.#socket?.close(1000, '');
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.close(1000, '');
    this.#parts.device.end();
  }

  #connect(): void {
    this.#socket = this.#parts.openSocket('', {
      onOpen: () => {
        this.#isOpen = true;
        if (chance(this.#parts.random, 0.8)) this.#greet();
      },
      onPacket: (packet) => this.#answerPings(packet),
      onClose: () => {
        this.#isOpen = false;
        this.#socket = undefined;
      },
    });
  }

  #greet(): void {
    const { random, steals } = this.#parts;
    this.#send({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [...CAPABILITIES], token: this.#parts.token, deviceMs: this.#parts.device.nowMs() });
    if (steals || chance(random, 0.7)) this.#send(this.#wayIn());
  }

  #wayIn(): UpMessage {
    const { random, steals, stolenTokens, sessions } = this.#parts;
    const stolen = stolenTokens();
    if (steals && stolen.length > 0) return { type: 'resume', resumeToken: pick(random, stolen) };
    return { type: 'join', session: pick(random, sessions), name: 'intruder', consent: { inference: chance(random, 0.5), recording: false, training: false } };
  }

  #send(message: UpMessage): void {
    this.#socket?.send(encodeUp(message));
  }

  #answerPings(packet: Uint8Array): void {
    readContainer(packet, (kind, payload) => {
      if (kind !== KIND.control || !this.#isOpen) return;
      const decoded = decodeDown(payload);
      if (decoded.kind === 'message' && decoded.message.type === 'ping') this.#send({ type: 'pong', serverMs: decoded.message.serverMs, deviceMs: this.#parts.device.nowMs() });
    });
  }

  #packet(): Uint8Array {
    const { random } = this.#parts;
    const kind = pick(random, [KIND.control, KIND.poseSample, KIND.videoChunk, KIND.snapshot]);
    const choice = random.next();
    if (choice < 0.35) return encodeUp(this.#oddMessage());
    if (choice < 0.75) return frameMessage(kind, randomBytes(random));
    if (choice < 0.95) return damaged(random, encodeUp(this.#oddMessage()));
    return randomBytes(random);
  }

  /** Well formed, and most likely out of place. */
  #oddMessage(): UpMessage {
    const { random, device } = this.#parts;
    const timeMs = pick(random, [device.nowMs(), 0, -1e14, 1e14, device.nowMs() + 1e6]);
    const consent = { inference: chance(random, 0.5), recording: chance(random, 0.5), training: chance(random, 0.5) };
    return pick<UpMessage>(random, [
      { type: 'leave' }, { type: 'say', text: 'x'.repeat(1 + randomInt(random, 500)), captureMs: timeMs }, { type: 'clock', deviceMs: timeMs }, { type: 'consent', consent },
      { type: 'pong', serverMs: timeMs, deviceMs: -timeMs }, { type: 'record', action: 'start' }, { type: 'resume', resumeToken: 'x' }, this.#wayIn(),
    ]);
  }
}

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: randomInt(random, LONGEST_PACKET) }, () => randomInt(random, 256));
}

/** With a few bytes changed, or its end cut off. */
function damaged(random: Random, packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  for (let change = randomInt(random, 4); change >= 0; change--) bytes[randomInt(random, bytes.length)] = randomInt(random, 256);
  return chance(random, 0.3) ? bytes.subarray(0, randomInt(random, bytes.length)) : bytes;
}
