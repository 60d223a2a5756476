/** The door of every transport: which pages may connect, and the bounds that all connections share. */
import type { IncomingMessage } from 'node:http';
import type { ConnectionListener } from '../flow.ts';
import type { Admission, Refusal } from './admission.ts';
import { isAllowedOrigin } from './origin.ts';
import type { WebSocketOptions } from './web-socket.ts';

/** What a handshake says of who it comes from. */
export interface Caller {
  readonly address: string;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** Of an upgrade of Node's HTTP server. */
export function callerOf(request: IncomingMessage): Caller {
  return { address: request.socket.remoteAddress ?? '', origin: request.headers.origin, host: request.headers.host };
}

/**
 * Why a handshake is refused in place of its upgrade; asked once for each.
 *
 * @param ownCount - connections of this transport, which count where the options do not count those of all.
 */
export function refuseCaller(options: WebSocketOptions, caller: Caller, ownCount: number): Refusal | undefined {
  const refusal = refusalOf(options, caller, ownCount);
  if (refusal !== undefined) options.onRefused?.(refusal.status);
  return refusal;
}

function refusalOf({ clock, allowedOrigins, maxConnections, countConnections, admission }: WebSocketOptions, { address, origin, host }: Caller, ownCount: number): Refusal | undefined {
  if (!isAllowedOrigin(origin, host, allowedOrigins)) return { status: 403 };
  const isFull = (countConnections?.() ?? ownCount) >= maxConnections;
  if (admission === undefined) return isFull ? { status: 503 } : undefined;
  return admission.admit(address, { isFull, nowMs: clock.nowMs() });
}

/** Counts the connections of each address on their way to a listener. */
export function countAddresses(admission: Admission, listener: ConnectionListener): ConnectionListener {
  return {
    onOpen(connection) {
      admission.opened(connection.remoteAddress);
      listener.onOpen(connection);
    },
    onPacket: (connection, packet, arrivedMs) => listener.onPacket(connection, packet, arrivedMs),
    onTrackPicture: (connection, chunk, ageMs, arrivedMs) => listener.onTrackPicture?.(connection, chunk, ageMs, arrivedMs),
    onClose(connection, code) {
      admission.closed(connection.remoteAddress);
      listener.onClose(connection, code);
    },
  };
}
