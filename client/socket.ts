/** The socket that the SDK talks through: the one thing that differs between a browser, Node and a simulated link. */
import { CopresenceError } from '../core/errors.ts';

/** Where a server takes connections, and the WebSocket subprotocol that both sides name. */
export const CONNECT_PATH = '/v1/connect';
export const SUBPROTOCOL = 'copresence.v1';

/** An open or opening link to a server. */
export interface ClientSocket {
  /** Bytes that were given to `send` and that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Sends one binary packet; called only between `onOpen` and `onClose`. @param packet - moved to the socket. */
  send(packet: Uint8Array): void;
  /** Sends a packet that may be lost or overtaken, where there is a way that does not wait for those; as `send` otherwise. */
  readonly sendLatest?: (packet: Uint8Array) => void;
  /** Starts closing; `onClose` follows, or has been called already. Harmless a second time. */
  close(code: number, reason: string): void;
}

/** What a socket tells. None is called before the factory returns, and none after `onClose`. */
export interface SocketHandlers {
  onOpen(): void;
  /** @param packet - valid during the call; its owner may reuse it. */
  onPacket(packet: Uint8Array): void;
  /** The link is gone, or never came about. @param code - RFC 6455 close code; 1006 when there was none. */
  onClose(code: number, reason: string): void;
}

/** Starts a connection to `url` (ws: or wss:, with its path). Never throws: a bad URL is an `onClose`. */
export type SocketFactory = (url: string, handlers: SocketHandlers) => ClientSocket;

/**
 * The connection's URL for a server given as `ws:`, `wss:`, `http:` or `https:`, whatever its path.
 *
 * @throws CopresenceError CONFIG_INVALID when it is none of these.
 */
export function connectUrl(serverUrl: string): string {
  const parsed = /^(?:ws|http)(s?):\/\/([^/?#\s@]+)/i.exec(serverUrl);
  if (parsed === null) throw new CopresenceError('CONFIG_INVALID', `not a server's URL: ${serverUrl}`);
  return `ws${(parsed[1] ?? '').toLowerCase()}://${parsed[2] ?? ''}${CONNECT_PATH}`;
}
