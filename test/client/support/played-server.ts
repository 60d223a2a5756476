/** The server's side of in-memory sockets, played by a test with the protocol's own encoders. */
import type { ClientSocket, SocketFactory, SocketHandlers } from '../../../client/socket.ts';
import { frameMessage, KIND, readContainer } from '../../../protocol/codec/container.ts';
import { decodeUp, encodeDown } from '../../../protocol/codec/control.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../../protocol/codec/snapshot.ts';
import type { DownMessage, DownMessageOf } from '../../../protocol/down.ts';
import type { UpMessage, UpMessageOf } from '../../../protocol/up.ts';

/** One connection, seen from the server. */
export class PlayedConnection implements ClientSocket {
  readonly url: string;
  /** Every packet that came, as its messages: control messages decoded, the others by kind. */
  readonly packets: (UpMessage | { type: 'binary'; kind: number; payload: Uint8Array })[][] = [];
  /** What the test says the network has not taken. */
  bufferedBytes = 0;
  closedWith: number | undefined;
  readonly #handlers: SocketHandlers;
  #ended = false;

  constructor(url: string, handlers: SocketHandlers) {
    this.url = url;
    this.#handlers = handlers;
  }

  send(packet: Uint8Array): void {
    const messages: (UpMessage | { type: 'binary'; kind: number; payload: Uint8Array })[] = [];
    const problem = readContainer(packet, (kind, payload) => {
      if (kind !== KIND.control) return void messages.push({ type: 'binary', kind, payload });
      const decoded = decodeUp(payload);
      if (decoded.kind === 'refused') throw new Error(`the client sent ${decoded.about}: ${decoded.detail}`);
      messages.push(decoded.message);
    });
    if (problem !== undefined) throw new Error(problem);
    this.packets.push(messages);
  }

  close(code: number): void {
    this.closedWith ??= code;
  }

  // ── what the test does ──────────────────────────────────────────────────

  open(): void {
    this.#handlers.onOpen();
  }

  down(...messages: DownMessage[]): void {
    this.packet(Buffer.concat(messages.map(encodeDown)));
  }

  packet(bytes: Uint8Array): void {
    this.#handlers.onPacket(bytes);
  }

  /** The network or the server ends the connection. */
  drop(code = 1006): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.onClose(code, '');
  }

  snapshot(header: { tick: number; serverMs: number; key: boolean }, poses: readonly { slot: number; sample: PoseSample }[]): void {
    const entries = poses.map(({ slot, sample }) => ({ slot, sample: encodedSample(sample) }));
    this.packet(frameMessage(KIND.snapshot, encodeSnapshot(header, entries)));
  }

  /** The messages of one type, in the order of their coming. */
  received<Type extends UpMessage['type']>(type: Type): UpMessageOf<Type>[] {
    return this.packets.flat().filter((message): message is UpMessageOf<Type> => message.type === type);
  }
}

/** Keeps the connections that a client opens, oldest first. */
export class PlayedServer {
  readonly connections: PlayedConnection[] = [];
  readonly openSocket: SocketFactory = (url, handlers) => {
    const connection = new PlayedConnection(url, handlers);
    this.connections.push(connection);
    return connection;
  };

  get newest(): PlayedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('no connection was opened');
    return connection;
  }
}

export const WELCOME: DownMessage = {
  type: 'welcome', version: 1, capabilities: [], server: 'played', connectionId: 'c1', serverMs: 5000, heartbeatMs: 1000,
};

export function joinedMessage(changes: Partial<DownMessageOf<'joined'>> = {}): DownMessageOf<'joined'> {
  return {
    type: 'joined', session: 'room', slot: 3, participantId: 'p3', role: 'participant', grants: ['publish-pose', 'chat'], resumed: false,
    resumeToken: 'token-1', resumeMs: 30_000, tickRateHz: 36, recording: false,
    participants: [{ slot: 3, participantId: 'p3', name: 'Ada', role: 'participant', presence: 'live' }],
    ...changes,
  };
}

/** A head at `x` metres, looking ahead. */
export function headAt(captureMs: number, x: number): PoseSample {
  const sample = createPoseSample();
  sample.captureMs = captureMs;
  sample.valid = 1;
  sample.tracked = 1;
  sample.rigid.set([x, 1.6, 0, 0, 0, 0, 1]);
  return sample;
}

function encodedSample(sample: PoseSample): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.slice(0, size);
}
