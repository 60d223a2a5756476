/** What every transport over WebSocket agrees on: path, subprotocol, close codes, and how long things may take. */
import type { Clock } from '../../core/clock.ts';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import type { ConnectionListener } from '../flow.ts';
import type { Admission } from './admission.ts';

export const CONNECT_PATH = '/v1/connect';
/** Of Socket.IO clients, where the server takes them. */
export const SOCKET_IO_PATH = '/socket.io/';
export const SUBPROTOCOL = 'copresence.v1';
/** How often each transport looks for readers of whom no byte leaves. */
export const STALL_CHECK_MS = 500;

export interface WebSocketOptions {
  readonly clock: Clock;
  readonly listener: ConnectionListener;
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
  /** Of all transports that share the bound; this one's own when left out. */
  readonly countConnections?: () => number;
  /** Further bounds that all transports share; none where left out. */
  readonly admission?: Admission | undefined;
  /** Hears of each handshake that is refused at the door, by its HTTP status. */
  readonly onRefused?: (status: number) => void;
}

/** The close code of RFC 6455 section 7.4, or this protocol's own. */
export function closeNumber(code: ErrorCode | 'NORMAL'): number {
  if (code === 'NORMAL') return 1000;
  const entry = ERRORS[code];
  return 'closeCode' in entry ? entry.closeCode : 1011;
}
