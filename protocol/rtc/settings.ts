/** What `--ice-servers` and `--rtc-port-range` say. */
import type { IceServer } from './signal.ts';

/** UDP ports, both inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const ICE_SERVER = /^(stuns?|turns?):(?:([^:@\s]+):([^@\s]+)@)?([^@?\s]+(?:\?transport=(?:udp|tcp))?)$/;
const LOWEST_PORT = 1024;

/** Reads `stun:host:port` or `turn:user:password@host:port`, percent-encoded; undefined where it is neither, or a relay without credentials. */
export function readIceServer(text: string): IceServer | undefined {
  const [, scheme, user, password, place] = ICE_SERVER.exec(text) ?? [];
  if (scheme === undefined || place === undefined) return undefined;
  const urls = `${scheme}:${place}`;
  const username = decoded(user);
  const credential = decoded(password);
  if (scheme.startsWith('stun')) return username === undefined ? { urls } : undefined;
  return username === undefined || credential === undefined ? undefined : { urls, username, credential };
}

/** Reads `50000-50999`; undefined where that is no range of unprivileged ports. */
export function readPortRange(text: string): PortRange | undefined {
  const [, from, to] = /^(\d{4,5})-(\d{4,5})$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return first >= LOWEST_PORT && first <= last && last <= 65535 ? { first, last } : undefined;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
