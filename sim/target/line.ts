/** A socket of the SDK's kind that can also be mistreated: what load tests do to links. */
import type { ClientSocket, SocketFactory, SocketHandlers } from '../../client/socket.ts';

export interface Line extends ClientSocket {
  /** Ends the link at once and without a close, as a lost radio does; `onClose` follows with 1006. */
  cut(): void;
  /** Reads nothing until `resume`, so that the peer's bytes wait in the network. Undefined where the transport cannot. */
  readonly pause?: (() => void) | undefined;
  readonly resume?: (() => void) | undefined;
}

/** What a line tells. */
export interface LineHandlers extends SocketHandlers {
  /** A packet came that may have been overtaken; told by `onPacket` where left out. Never told by a line that keeps the order. */
  readonly onLatest?: ((packet: Uint8Array) => void) | undefined;
}

/** As `SocketFactory`, for lines. */
export type LineFactory = (url: string, handlers: LineHandlers) => Line;

/** Makes a line of any socket; what cannot be cut is closed, and its handlers hear nothing more. */
export function asLine(open: SocketFactory): LineFactory {
  return (url, handlers) => {
    let ended = false;
    const socket = open(url, {
      onOpen: () => { if (!ended) handlers.onOpen(); },
      onPacket: (packet) => { if (!ended) handlers.onPacket(packet); },
      onClose(code, reason) {
        if (ended) return;
        ended = true;
        handlers.onClose(code, reason);
      },
    });
    const { sendLatest } = socket;
    return {
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      send: (packet) => socket.send(packet),
      ...(sendLatest === undefined ? {} : { sendLatest: (packet: Uint8Array) => sendLatest(packet) }),
      close: (code, reason) => socket.close(code, reason),
      cut() {
        if (ended) return;
        ended = true;
        socket.close(4000, 'cut');
        handlers.onClose(1006, 'cut');
      },
    };
  };
}
