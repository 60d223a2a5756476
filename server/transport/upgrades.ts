/** The upgrades of one HTTP server, each given to who takes it by its path. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Something that starts as an upgrade of an HTTP request. */
export interface UpgradeTaker {
  /** @param socket - from here on the taker's; its errors are heeded already. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** @param takers - by path, without the query; other paths are answered 404. */
export function takeUpgrades(http: Server, takers: ReadonlyMap<string, UpgradeTaker>): void {
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const taker = takers.get(path);
    if (taker === undefined) return refuseUpgrade(socket, 404);
    taker.upgrade(request, socket, head);
  });
}

/** Answers an upgrade with an HTTP status in its place. @param retryAfterS - for the header of this name. */
export function refuseUpgrade(socket: Duplex, status: number, retryAfterS?: number): void {
  const retryAfter = retryAfterS === undefined ? '' : `Retry-After: ${retryAfterS}\r\n`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${retryAfter}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
