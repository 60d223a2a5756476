/** The way to another server while the link to the first one still delivers. */
import type { DownMessage, DownMessageOf } from '../protocol/down.ts';
import type { Emitter } from './emitter.ts';
import { endOfError, Link, type LinkEnd, type LinkListener, type LinkOptions } from './link.ts';
import { connectUrl } from './socket.ts';

export interface MoveListener {
  /** Says hello and resumes. */
  onOpen(link: Link): void;
  onPing(link: Link, serverMs: number): void;
  /** The participant is there. From now on the link is the listener's, which gives it one of its own. */
  onArrived(link: Link, welcome: DownMessageOf<'welcome'>, joined: DownMessageOf<'joined'>): void;
  /** They are not, and the link is gone. */
  onFailed(end: LinkEnd): void;
}

/** Opens a link to the other server and resumes on it; one of `onArrived` and `onFailed` follows, unless the link is closed. */
export function startMove(options: LinkOptions, listener: MoveListener): Link {
  let welcome: DownMessageOf<'welcome'> | undefined;
  const take = (message: DownMessage): void => {
    if (message.type === 'welcome') welcome = message;
    else if (message.type === 'ping') listener.onPing(link, message.serverMs);
    else if (message.type === 'joined' && welcome !== undefined) listener.onArrived(link, welcome, message);
    else if (message.type === 'error') link.close(endOfError(message));
  };
  const link: Link = new Link(options, {
    onOpen: () => listener.onOpen(link),
    onMessage: take,
    onSnapshot: () => undefined,
    onUnreadable: () => undefined,
    onEnd: (end) => listener.onFailed(end),
  });
  return link;
}

/**
 * Hears what is still said on a link that was left: chat and what models made of it.
 *
 * Poses and who is there come from the new server now; times on the old one's clock are off by as much as the clocks are.
 */
export function tailListener(emitter: Emitter, onEnd: () => void): LinkListener {
  return {
    onOpen: () => undefined,
    onMessage(message) {
      if (message.type === 'chat') emitter.emit('chat', message);
      if (message.type === 'result' && message.value.task === 'language') emitter.emit('result', message);
    },
    onSnapshot: () => undefined,
    onUnreadable: () => undefined,
    onEnd,
  };
}

/** Where a `move` leads; undefined for what is no server's URL, and for one that would be less safe than the link is. */
export function urlOfMove(from: string, to: string): string | undefined {
  try {
    const url = connectUrl(to);
    return from.startsWith('wss:') && !url.startsWith('wss:') ? undefined : url;
  } catch {
    return undefined;
  }
}
