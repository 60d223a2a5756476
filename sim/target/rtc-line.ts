/**
 * A line over WebRTC: poses on the lane that may lose and overtake, the rest on the one that keeps its order.
 *
 * The native side runs threads of its own and may crash, so loads that use it run in processes of their own.
 */
import type * as NodeDataChannel from 'node-datachannel';
import type { DataChannel, PeerConnection } from 'node-datachannel';
import type { Clock } from '../../core/clock.ts';
import { CHANNELS, cutPacket, PacketJoiner, STATE_MESSAGE_BYTES, type ChannelName } from '../../protocol/rtc/channel.ts';
import { readDownSignal, RTC_PATH, type IceServer, type UpSignal } from '../../protocol/rtc/signal.ts';
import { CONNECT_PATH } from '../../client/socket.ts';
import { LeanSocket } from './lean-socket.ts';
import type { Line, LineFactory, LineHandlers } from './line.ts';
import { optionalPackage } from './optional-package.ts';
import { OPCODE } from './web-socket-frames.ts';

type Native = (typeof NodeDataChannel)['default'];

/** How long the last bytes of a connection may come behind its close code. */
const LAST_BYTES_MS = 1000;
/** A handshake that takes longer has lost too many of its packets. */
const OPEN_WAIT_MS = 15_000;
const LOST = 1006;

export interface RtcLines {
  /** Lines of one guest. @param token - what it says at the door, and again in its hello. */
  linesFor(token: () => Promise<string>): LineFactory;
  /** Ends the native side's threads, without which a process does not end. Every line is closed before. */
  close(): void;
}

/** @throws CopresenceError CONFIG_INVALID when the native package does not load here. */
export async function rtcLines(clock: Clock): Promise<RtcLines> {
  const { default: native } = await optionalPackage({ neededBy: 'transport rtc', install: 'node-datachannel@0.33' }, () => import('node-datachannel'));
  return {
    linesFor: (token) => (url, handlers) => new RtcLine({ native, clock, token }, url.replace(CONNECT_PATH, RTC_PATH), handlers),
    close: () => native.cleanup(),
  };
}

interface RtcParts {
  readonly native: Native;
  readonly clock: Clock;
  readonly token: () => Promise<string>;
}

let peers = 0;

class RtcLine implements Line {
  readonly #parts: RtcParts;
  readonly #handlers: LineHandlers;
  readonly #isLocal: boolean;
  readonly #socket: LeanSocket;
  readonly #joiner = new PacketJoiner();
  readonly #channels: Partial<Record<ChannelName, DataChannel>> = {};
  readonly #early: UpSignal[] = [];
  #peer: PeerConnection | undefined;
  #hasAnswer = false;
  #announced: { readonly code: number; readonly reason: string } | undefined;
  #phase: 'opening' | 'open' | 'ended' = 'opening';

  constructor(parts: RtcParts, url: string, handlers: LineHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.#isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
    const text = new TextDecoder();
    this.#socket = new LeanSocket(url, {
      onOpen: () => void parts.token().then((token) => this.#say({ type: 'open', token })),
      onPacket: (packet) => this.#heard(text.decode(packet)),
      onClose: (code, reason) => this.#closing(code, reason),
    }, { text: true });
    parts.clock.schedule(OPEN_WAIT_MS, () => { if (this.#phase === 'opening') this.cut(); });
  }

  get bufferedBytes(): number {
    return bufferedBytes(this.#channels.control) + bufferedBytes(this.#channels.state);
  }

  send(packet: Uint8Array): void {
    for (const chunk of cutPacket(packet)) this.#give('control', chunk);
  }

  sendLatest(packet: Uint8Array): void {
    if (packet.length > STATE_MESSAGE_BYTES) this.send(packet);
    else this.#give('state', packet);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.cut();
    this.#end(LOST, 'cut');
  }

  #heard(text: string): void {
    const signal = readDownSignal(text);
    if (signal === undefined || this.#phase === 'ended') return;
    try {
      if (signal.type === 'ready') this.#offer(signal.iceServers);
      else if (signal.type === 'answer') this.#answered(signal.sdp);
      else this.#peer?.addRemoteCandidate(signal.candidate, signal.mid);
    } catch (error) {
      // The native side throws what it makes of a bad description.
      this.#end(LOST, error instanceof Error ? error.message : 'the peer connection could not be made');
    }
  }

  #offer(iceServers: readonly IceServer[]): void {
    const peer = new this.#parts.native.PeerConnection(`load-${++peers}`, { iceServers: iceServers.map(nativeUrl), ...(this.#isLocal ? { bindAddress: '127.0.0.1' } : {}) });
    this.#peer = peer;
    peer.onLocalDescription((sdp) => this.#say({ type: 'offer', sdp }));
    // The server hears of no candidate before its answer has come: on one machine the handshake would overtake the fingerprint.
    peer.onLocalCandidate((candidate, mid) => {
      if (this.#hasAnswer) this.#say({ type: 'candidate', candidate, mid });
      else this.#early.push({ type: 'candidate', candidate, mid });
    });
    peer.onStateChange((state) => { if (state === 'failed' || state === 'closed') this.#end(LOST, `the peer connection ${state}`); });
    for (const name of ['control', 'state'] as const) this.#listen(name, peer.createDataChannel(name, nativeOptions(name)));
  }

  #answered(sdp: string): void {
    this.#peer?.setRemoteDescription(sdp, 'answer');
    this.#hasAnswer = true;
    for (const candidate of this.#early.splice(0)) this.#say(candidate);
  }

  #listen(name: ChannelName, channel: DataChannel): void {
    channel.onOpen(() => {
      this.#channels[name] = channel;
      if (this.#phase !== 'opening' || this.#channels.control === undefined || this.#channels.state === undefined) return;
      this.#phase = 'open';
      this.#handlers.onOpen();
    });
    // A server that closes says why over the WebSocket, which may come later.
    channel.onClosed(() => this.#channelClosed(name));
    channel.onMessage((message) => {
      if (this.#phase !== 'open' || typeof message === 'string') return;
      const bytes = new Uint8Array(message);
      if (name === 'state') return (this.#handlers.onLatest ?? this.#handlers.onPacket)(bytes);
      const packet = this.#joiner.add(bytes);
      if (typeof packet === 'string') this.#end(LOST, packet);
      else if (packet !== undefined) this.#handlers.onPacket(packet);
    });
  }

  #channelClosed(name: ChannelName): void {
    if (this.#announced !== undefined) return this.#end(this.#announced.code, this.#announced.reason);
    this.#parts.clock.schedule(LAST_BYTES_MS, () => this.#end(this.#announced?.code ?? LOST, this.#announced?.reason ?? `the channel ${name} closed`));
  }

  /** The close code travels apart from what was said before it. */
  #closing(code: number, reason: string): void {
    const { control } = this.#channels;
    if (this.#phase !== 'open' || code === LOST || control?.isOpen() !== true) return this.#end(code, reason);
    this.#announced = { code, reason };
    this.#parts.clock.schedule(LAST_BYTES_MS, () => this.#end(code, reason));
  }

  #end(code: number, reason: string): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#socket.cut();
    this.#peer?.close();
    this.#handlers.onClose(code, reason);
  }

  #say(signal: UpSignal): void {
    if (this.#phase !== 'ended') this.#socket.sendFrame(OPCODE.text, new TextEncoder().encode(JSON.stringify(signal)));
  }

  #give(name: ChannelName, bytes: Uint8Array): void {
    const channel = this.#channels[name];
    if (this.#phase !== 'open' || channel?.isOpen() !== true) return;
    try {
      channel.sendMessageBinary(bytes);
    } catch {
      // The channel closed on the native side's thread since it was looked at; this thread will hear of it.
    }
  }
}

function nativeOptions(name: ChannelName): { unordered: boolean; maxRetransmits?: number } {
  const { ordered, ...reliability } = CHANNELS[name];
  return { unordered: !ordered, ...reliability };
}

function bufferedBytes(channel: DataChannel | undefined): number {
  try {
    return channel?.isOpen() === true ? channel.bufferedAmount() : 0;
  } catch {
    // Closed in between.
    return 0;
  }
}

/** The native side wants the credentials inside the URL. */
function nativeUrl({ urls, username, credential }: IceServer): string {
  if (username === undefined || credential === undefined) return urls;
  return urls.replace(/^(turns?:)/, `$1${encodeURIComponent(username)}:${encodeURIComponent(credential)}@`);
}
