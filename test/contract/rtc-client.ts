/** A client of the contract suite over WebRTC: the native code runs in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { ChannelName } from '../../protocol/rtc/channel.ts';
import { RTC_PATH } from '../../protocol/rtc/signal.ts';
import type { FromRtcClient, ToRtcClient } from './rtc-client-process.ts';
import type { ContractClient } from './transport-contract.ts';

/** What a client over WebRTC can besides. */
export interface RtcClient extends ContractClient {
  /** Packets that came on one channel. */
  receivedOn(channel: ChannelName): readonly Uint8Array[];
  /** Of the server, as the signalling told them. */
  readonly candidates: readonly string[];
  sendOn(channel: ChannelName, packet: Uint8Array): void;
  /** One message as it is, without being cut. */
  sendRaw(channel: ChannelName, message: Uint8Array): void;
  signal(text: string): void;
}

export interface RtcConnectOptions {
  readonly port: number;
  readonly token?: string;
  readonly origin?: string | undefined;
  readonly path?: string | undefined;
  /** A UDP port of 127.0.0.1 that stands for the server's. */
  readonly relayPort?: number;
  /** Hears of the server's candidates as they come. */
  readonly onCandidate?: (candidate: string) => void;
}

/** Processes that this file has started and nobody has ended. */
const running = new Set<ChildProcess>();

/** Starts a client that is on its way: `opened` settles when both channels are open. */
export function startRtcClient({ port, token = 'good', origin, path = RTC_PATH, relayPort, onCandidate }: RtcConnectOptions): RtcClient & { readonly opened: Promise<void> } {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = fork(new URL('./rtc-client-process.ts', import.meta.url), { execArgv: ['--import', tsx], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  running.add(child);
  const received: Uint8Array[] = [];
  const byChannel: Record<ChannelName, Uint8Array[]> = { control: [], state: [] };
  const candidates: string[] = [];
  const ask = (message: ToRtcClient): void => void (child.connected && child.send(message, () => undefined));
  let settleClosed: (code: number) => void;
  const closed = new Promise<number>((resolve) => (settleClosed = resolve));
  const opened = new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the process ended')));
    child.on('message', (event: FromRtcClient) => {
      if (event.kind === 'open') resolve();
      if (event.kind === 'refused') reject(new Error(event.message));
      if (event.kind === 'closed') settleClosed(event.code);
      if (event.kind === 'closed') reject(new Error(`closed with ${event.code} before it was open`));
      if (event.kind === 'server-candidate') {
        candidates.push(event.candidate);
        onCandidate?.(event.candidate);
      }
      if (event.kind !== 'packet') return;
      received.push(event.packet);
      byChannel[event.channel].push(event.packet);
    });
  });
  opened.catch(() => undefined);
  ask({ kind: 'connect', url: `ws://127.0.0.1:${port}${path}`, token, origin, relayPort });
  return {
    opened,
    received,
    closed,
    candidates,
    receivedOn: (channel) => byChannel[channel],
    send: (packet) => ask({ kind: 'send', channel: 'control', packet }),
    sendOn: (channel, packet) => ask({ kind: 'send', channel, packet }),
    sendRaw: (channel, message) => ask({ kind: 'raw', channel, message }),
    sendText: (text) => ask({ kind: 'raw', channel: 'control', message: text }),
    signal: (text) => ask({ kind: 'signal', text }),
    setReading: (reading) => void child.kill(reading ? 'SIGCONT' : 'SIGSTOP'),
    cut: () => void child.kill('SIGKILL'),
  };
}

/** Starts one and waits until it is open. @throws an error with the HTTP status in its message, when it is refused. */
export async function connectRtc(options: RtcConnectOptions): Promise<RtcClient> {
  const client = startRtcClient(options);
  await client.opened;
  return client;
}

/** Ends every process that was started here. */
export async function endRtcClients(): Promise<void> {
  await Promise.all(
    [...running].map((child) => {
      running.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return exited;
    }),
  );
}
