/** The two formats in which Socket.IO clients speak the protocol: its own packets, or plain objects in their place. */
import type { Socket } from 'socket.io';
import type { Clock } from '../../../core/clock.ts';
import { CopresenceError, type ErrorCode } from '../../../core/errors.ts';
import { encodeUp } from '../../../protocol/codec/control.ts';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import type { UpMessage } from '../../../protocol/up.ts';
import { EventTexts } from './event-texts.ts';
import { encodePlainPose } from './plain-pose.ts';

/** How one client's events become packets, and packets its events. */
export interface Format {
  /** Messages become something else, one by one. */
  readonly translates: boolean;
  /** @returns a packet for the session stage, or what ends the connection. Never throws. */
  toPacket(event: unknown, args: readonly unknown[]): Uint8Array | ErrorCode;
  /** @param packet - one turn's messages. */
  send(socket: Socket, packet: Uint8Array): void;
}

/** What is refused here leaves as a message that the session stage refuses, so that it is answered and counted in one place. */
const UNKNOWN_EVENT = Uint8Array.from([0, 0]);
const NO_MESSAGE = frameMessage(KIND.control, new Uint8Array());
const NO_POSE = frameMessage(KIND.poseSample, new Uint8Array());

/** Packets as they are. */
export const BINARY: Format = {
  translates: false,
  toPacket: (event, args) => (event === 'packet' ? binaryOf(args) : UNKNOWN_EVENT),
  send: (socket, packet) => void socket.emit('packet', packet),
};

/** Makes the format of plain objects for each client; what goes to many of them is translated once. */
export class ObjectFormats {
  readonly #texts: EventTexts;

  constructor(clock: Clock) {
    this.#texts = new EventTexts(clock);
  }

  /** @param token - the handshake's, in the place of one that a hello leaves out. */
  create(token: unknown): Format {
    return {
      translates: true,
      toPacket(event, args) {
        if (event === 'message') return args.length === 1 ? encodeMessage(args[0], token) : NO_MESSAGE;
        if (event === 'pose') return args.length === 1 ? encodePose(args[0]) : NO_POSE;
        return BINARY.toPacket(event, args);
      },
      send: (socket, packet) => {
        // Written below Socket.IO's own encoder, which would make the same text again for every receiver.
        for (const text of this.#texts.of(packet)) socket.conn.write(text);
      },
    };
  }
}

function binaryOf(args: readonly unknown[]): Uint8Array | ErrorCode {
  const [packet] = args;
  if (typeof packet === 'string') return 'TEXT_NOT_SUPPORTED';
  return args.length === 1 && packet instanceof Uint8Array ? packet : 'PACKET_MALFORMED';
}

/** The session stage checks the message as it does everybody's; here it only has to become bytes. */
function encodeMessage(value: unknown, token: unknown): Uint8Array {
  if (typeof value !== 'object' || value === null) return NO_MESSAGE;
  const isHello = 'type' in value && value.type === 'hello' && !('token' in value) && typeof token === 'string';
  try {
    return encodeUp((isHello ? { ...value, token } : value) as UpMessage);
  } catch (error) {
    // Too large, or nested deeper than the encoder's stack.
    if (error instanceof CopresenceError || error instanceof RangeError) return NO_MESSAGE;
    throw error;
  }
}

function encodePose(value: unknown): Uint8Array {
  const sample = encodePlainPose(value);
  return sample === undefined ? NO_POSE : frameMessage(KIND.poseSample, sample);
}
