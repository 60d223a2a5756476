/** Says no on the wire: the code, what it is about, and whether trying again can help. */
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { Connection } from '../flow.ts';

/** When a `later` may be tried again, unless the code knows better. */
const RETRY_AFTER_MS = 1000;

/** Refuses one message; the connection stays. */
export function sendRefusal(connection: Connection, code: ErrorCode, detail: string, about: string): void {
  connection.send(encodeRefusal(code, detail, about, false), 'reliable');
}

/** Says why, then ends the connection. */
export function closeWith(connection: Connection, code: ErrorCode, detail: string, about: string): void {
  connection.send(encodeRefusal(code, detail, about, true), 'reliable');
  connection.close(code, ERRORS[code].summary);
}

function encodeRefusal(code: ErrorCode, detail: string, about: string, closing: boolean): Uint8Array {
  const { retry } = ERRORS[code];
  return encodeDown({ type: 'error', code, detail, about, retry, ...(retry === 'later' ? { retryAfterMs: RETRY_AFTER_MS } : {}), closing });
}
