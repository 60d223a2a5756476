/** Opens every transport that the settings name, for one reception; all of them share the bound of connections. */
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { Config } from './config.ts';
import type { ConnectionListener } from './flow.ts';
import { Admission } from './transport/admission.ts';
import { countAddresses } from './transport/door.ts';
import type { PeerSettings } from './transport/rtc/child-messages.ts';
import { RtcTransport } from './transport/rtc/rtc-transport.ts';
import { takeUpgrades, type UpgradeTaker } from './transport/upgrades.ts';
import { openUws } from './transport/uws-transport.ts';
import { CONNECT_PATH, SOCKET_IO_PATH, type WebSocketOptions } from './transport/web-socket.ts';
import { WsTransport } from './transport/ws-transport.ts';

export type TransportConfig = Pick<Config, 'host' | 'uws-port' | 'accepts-per-second' | 'connections-per-address' | 'allowed-origins' | 'max-connections' | 'socket-io' | 'rtc' | 'ice-servers' | 'rtc-port-range'>;

export interface TransportParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly listener: ConnectionListener;
  /** Whose upgrades the transports take. */
  readonly http: Server;
  /** Hears of each handshake that is refused at the door, by its HTTP status. */
  readonly onRefused: (status: number) => void;
  /** Rejects a token with which nothing can be joined. */
  readonly admit: (token: string) => Promise<unknown>;
  /** Whether cameras can be taken as video tracks. */
  readonly takesVideo?: () => boolean;
}

/** One way to connect. */
interface Transport {
  readonly connectionCount: number;
  close(code: ErrorCode, reason: string): void | Promise<void>;
}

/** Of a transport with a port of its own. */
export interface TransportAddress {
  readonly transport: 'uws';
  readonly url: string;
  /** The package that it runs on. */
  readonly packageName: string;
}

export interface Transports extends Transport {
  readonly addresses: readonly TransportAddress[];
  /** Resolves when what has processes of its own has ended them. */
  close(code: ErrorCode, reason: string): Promise<void>;
}

/** @throws CopresenceError CONFIG_INVALID when a transport's library or its port cannot be had. */
export async function openTransports(config: TransportConfig, { clock, random, listener, http, onRefused, admit, takesVideo }: TransportParts): Promise<Transports> {
  const all: Transport[] = [];
  const addresses: TransportAddress[] = [];
  const countConnections = (): number => all.reduce((sum, { connectionCount }) => sum + connectionCount, 0);
  const admission = new Admission({ connectionsPerAddress: config['connections-per-address'], acceptsPerSecond: config['accepts-per-second'] }, random, clock.nowMs());
  const shared: WebSocketOptions = { clock, admission, onRefused, listener: countAddresses(admission, listener), allowedOrigins: config['allowed-origins'], maxConnections: config['max-connections'], countConnections };
  const upgrades = new Map<string, UpgradeTaker>();
  const ws = new WsTransport(shared);
  all.push(ws);
  upgrades.set(CONNECT_PATH, ws);
  if (config['socket-io']) {
    // Loaded only for who wants it.
    const { SocketIoTransport } = await import('./transport/socket-io-transport.ts');
    const socketIo = new SocketIoTransport(shared);
    all.push(socketIo);
    upgrades.set(SOCKET_IO_PATH, socketIo);
  }
  if (config['uws-port'] !== undefined) {
    const uws = await openUws({ ...shared, host: config.host, port: config['uws-port'] });
    all.push(uws);
    addresses.push({ transport: 'uws', url: uws.url, packageName: uws.packageName });
  }
  if (config.rtc) {
    const rtc = await RtcTransport.start({ ...shared, admit, peers: { ...peerSettings(config), takesVideo: takesVideo?.() === true } });
    all.push(rtc);
    upgrades.set(RtcTransport.path, rtc);
  }
  takeUpgrades(http, upgrades);
  return {
    addresses,
    get connectionCount() {
      return countConnections();
    },
    async close(code, reason) {
      await Promise.all(all.map((transport) => transport.close(code, reason)));
    },
  };
}

/** Peer connections listen where the server does. */
function peerSettings(config: TransportConfig): PeerSettings {
  const { host, 'ice-servers': iceServers, 'rtc-port-range': ports } = config;
  return { iceServers, ...(ports === undefined ? {} : { ports }), ...(isIP(host) === 0 || EVERYWHERE.has(host) ? {} : { bindAddress: host }) };
}

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
