/** A client over WebRTC in a process of its own, which its parent may stop, kill and start again. */
import native, { type DataChannel, type PeerConnection } from 'node-datachannel';
import WebSocket from 'ws';
import { SUBPROTOCOL } from '../../client/socket.ts';
import { sleep, systemClock } from '../../core/clock.ts';
import { CHANNELS, cutPacket, PacketJoiner, type ChannelName } from '../../protocol/rtc/channel.ts';
import { readDownSignal, type UpSignal } from '../../protocol/rtc/signal.ts';

/** What the parent asks for. */
export type ToRtcClient =
  | { readonly kind: 'connect'; readonly url: string; readonly token: string; readonly origin: string | undefined; readonly relayPort: number | undefined }
  | { readonly kind: 'send'; readonly channel: ChannelName; readonly packet: Uint8Array }
  | { readonly kind: 'raw'; readonly channel: ChannelName; readonly message: Uint8Array | string }
  | { readonly kind: 'signal'; readonly text: string }
  | { readonly kind: 'leave' };

/** What it tells. */
export type FromRtcClient =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'packet'; readonly channel: ChannelName; readonly packet: Uint8Array }
  | { readonly kind: 'server-candidate'; readonly candidate: string }
  | { readonly kind: 'closed'; readonly code: number };

const LAST_BYTES_MS = 1000;
const clock = systemClock();
const channels: Partial<Record<ChannelName, DataChannel>> = {};
const early: UpSignal[] = [];
let hasAnswer = false;
let peer: PeerConnection | undefined;
let socket: WebSocket | undefined;

function tell(event: FromRtcClient): void {
  if (process.connected) process.send?.(event);
}

function say(signal: UpSignal): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(signal));
}

function connect({ url, token, origin, relayPort }: Extract<ToRtcClient, { kind: 'connect' }>): void {
  const opening = new WebSocket(url, SUBPROTOCOL, origin === undefined ? {} : { origin });
  socket = opening;
  opening.on('open', () => say({ type: 'open', token }));
  opening.on('error', (error) => tell({ kind: 'refused', message: error.message }));
  opening.on('close', (code) => void closed(code));
  opening.on('message', (text) => {
    const signal = readDownSignal((text as Buffer).toString());
    if (signal?.type === 'ready') negotiate(relayPort !== undefined);
    if (signal?.type === 'answer') answered(signal.sdp);
    if (signal?.type !== 'candidate') return;
    tell({ kind: 'server-candidate', candidate: signal.candidate });
    peer?.addRemoteCandidate(relayPort === undefined ? signal.candidate : signal.candidate.replace(/ 127\.0\.0\.1 \d+ typ/, ` 127.0.0.1 ${relayPort} typ`), signal.mid);
  });
}

/** @param isRelayed - the server must find no way around the relay. */
function negotiate(isRelayed: boolean): void {
  const connection = new native.PeerConnection('client', { iceServers: [], bindAddress: '127.0.0.1' });
  peer = connection;
  connection.onLocalDescription((sdp) => say({ type: 'offer', sdp: isRelayed ? sdp.replace(/a=candidate:.*\r\n/g, '') : sdp }));
  connection.onLocalCandidate((candidate, mid) => {
    if (isRelayed) return;
    if (hasAnswer) say({ type: 'candidate', candidate, mid });
    else early.push({ type: 'candidate', candidate, mid });
  });
  const joiner = new PacketJoiner();
  for (const name of ['control', 'state'] as const) {
    const { ordered, ...reliability } = CHANNELS[name];
    const channel = connection.createDataChannel(name, { unordered: !ordered, ...reliability });
    channel.onOpen(() => {
      channels[name] = channel;
      if (channels.control !== undefined && channels.state !== undefined) tell({ kind: 'open' });
    });
    channel.onMessage((message) => {
      const bytes = new Uint8Array(message as Buffer);
      const packet = name === 'state' ? bytes : joiner.add(bytes);
      if (packet instanceof Uint8Array) tell({ kind: 'packet', channel: name, packet });
    });
  }
}

/** The server hears of no candidate before: on one machine the handshake would be through before the native side knows the fingerprint. */
function answered(sdp: string): void {
  peer?.setRemoteDescription(sdp, 'answer');
  hasAnswer = true;
  for (const candidate of early.splice(0)) say(candidate);
}

/** The close code may overtake the last bytes on `control`. */
async function closed(code: number): Promise<void> {
  const endMs = clock.nowMs() + LAST_BYTES_MS;
  while (channels.control?.isOpen() === true && code !== 1006 && clock.nowMs() < endMs) await sleep(clock, 5);
  // What is read on one thread may reach this one behind the end of the channel.
  await sleep(clock, 100);
  tell({ kind: 'closed', code });
}

process.on('message', (message: ToRtcClient) => {
  if (message.kind === 'connect') connect(message);
  if (message.kind === 'signal') socket?.send(message.text);
  if (message.kind === 'leave') socket?.close(1000);
  if (message.kind === 'raw' && typeof message.message === 'string') channels[message.channel]?.sendMessage(message.message);
  if (message.kind === 'raw' && typeof message.message !== 'string') channels[message.channel]?.sendMessageBinary(message.message);
  if (message.kind !== 'send') return;
  const parts = message.channel === 'state' ? [message.packet] : cutPacket(message.packet);
  for (const part of parts) channels[message.channel]?.sendMessageBinary(part);
});
process.on('disconnect', () => {
  peer?.close();
  native.cleanup();
  process.exit(0);
});
