/** Which sessions there are, for whoever is not in one yet. */
import type { Clock } from '../core/clock.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Metadata, SessionRow } from '../protocol/message/session.ts';
import { helloOf } from './entry.ts';
import { endOfError, errorOf, Link, lostEnd, NORMAL_END } from './link.ts';
import { connectUrl, type SocketFactory } from './socket.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

export interface FindOptions {
  /** As in `ConnectOptions`. */
  readonly url: string;
  readonly token: string;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
  /** Only sessions whose metadata has all of this. */
  readonly filter?: Metadata;
  /** For all of it; 10 s when left out. */
  readonly timeoutMs?: number;
}

/**
 * Lists the sessions that the token admits to and that are listed, on a connection of its own that ends with the answer.
 *
 * @returns the oldest first; empty from servers that have no list.
 * @throws CopresenceError with the server's code when it refuses, CONNECTION_LOST, or REQUEST_EXPIRED.
 * @bound LIMITS.sessions rows, one message for each LIMITS.sessionsPerPage of them.
 */
export function findSessions(options: FindOptions): Promise<readonly SessionRow[]> {
  const { clock, openSocket, token, filter, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const rows: SessionRow[] = [];
  return new Promise((resolve, reject) => {
    const timeout = clock.schedule(timeoutMs, () => link.close(lostEnd('REQUEST_EXPIRED', `no answer in ${timeoutMs} ms`)));
    const ask = (after?: number): void => link.send({ type: 'list', ...(filter === undefined ? {} : { filter }), ...(after === undefined ? {} : { after }) });
    const link = new Link({ url: connectUrl(options.url), clock, openSocket, silenceMs: LIMITS.heartbeatTimeoutMs }, {
      onOpen: () => link.send(helloOf(token, clock.nowMs())),
      onMessage(message) {
        if (message.type === 'welcome' && !message.capabilities.includes('sessions')) link.close(NORMAL_END);
        else if (message.type === 'welcome') ask();
        else if (message.type === 'ping') link.send({ type: 'pong', serverMs: message.serverMs, deviceMs: clock.nowMs() });
        else if (message.type === 'error' && !message.closing) link.close(endOfError(message));
        if (message.type !== 'sessions') return;
        rows.push(...message.sessions);
        if (message.next === null || rows.length >= LIMITS.sessions) link.close(NORMAL_END);
        else ask(message.next);
      },
      onSnapshot: () => undefined,
      onUnreadable: (code, detail) => link.close(lostEnd(code, detail)),
      onEnd(end) {
        timeout.cancel();
        if (end.code === 'NORMAL') resolve(rows);
        else reject(errorOf(end));
      },
    });
  });
}
