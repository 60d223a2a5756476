/** The SDK's socket over WebRTC in a browser: two data channels, and a WebSocket that carries their signalling and the close code. */
import type { Clock } from '../../core/clock.ts';
import { CHANNELS, cutPacket, PacketJoiner } from '../../protocol/rtc/channel.ts';
import { readDownSignal, RTC_PATH, type DownSignal, type UpSignal } from '../../protocol/rtc/signal.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import { CONNECT_PATH, SUBPROTOCOL, type ClientSocket, type SocketFactory, type SocketHandlers } from '../socket.ts';

/** How long the last bytes of a connection may come behind its close code. */
const LAST_BYTES_MS = 1000;
/** More than models look at. */
const MAX_RATE_HZ = 30;
/** What a lost link is called (RFC 6455 section 7.4). */
const LOST = 1006;

/** A camera to send as a video track. The first codec that the browser and the server can is taken. */
export interface RtcCamera {
  /** Still the caller's: not stopped with the connection, and sent again over the next. */
  readonly track: MediaStreamTrack;
  /** The codec that is wanted, where both can; else as the browser prefers. */
  readonly codec?: InterCodec;
}

/**
 * Connects over WebRTC instead of a WebSocket.
 *
 * @param token - the one that the hello will hold too.
 * @param camera - to send beside; a server that decodes nothing answers without it, which `videoCodecs` tells.
 */
export function rtcSocket(clock: Clock, token: string, camera?: RtcCamera): SocketFactory {
  return (url, handlers) => new RtcSocket(clock, { url: url.replace(CONNECT_PATH, RTC_PATH), token, camera }, handlers);
}

class RtcSocket implements ClientSocket {
  readonly #clock: Clock;
  readonly #handlers: SocketHandlers;
  readonly #socket: WebSocket;
  readonly #camera: RtcCamera | undefined;
  readonly #joiner = new PacketJoiner();
  #peer: RTCPeerConnection | undefined;
  #channels: { readonly control: RTCDataChannel; readonly state: RTCDataChannel } | undefined;
  #phase: 'opening' | 'open' | 'closed' = 'opening';

  constructor(clock: Clock, { url, token, camera }: { readonly url: string; readonly token: string; readonly camera: RtcCamera | undefined }, handlers: SocketHandlers) {
    this.#clock = clock;
    this.#camera = camera;
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.addEventListener('open', () => this.#say({ type: 'open', token }));
    this.#socket.addEventListener('message', (event: MessageEvent<unknown>) => this.#heard(event.data));
    this.#socket.addEventListener('close', ({ code, reason }) => this.#closing(code, reason));
  }

  get bufferedBytes(): number {
    return this.#channels === undefined ? 0 : this.#channels.control.bufferedAmount + this.#channels.state.bufferedAmount;
  }

  send(packet: Uint8Array): void {
    for (const chunk of cutPacket(packet)) this.#give(this.#channels?.control, chunk);
  }

  sendLatest(packet: Uint8Array): void {
    this.#give(this.#channels?.state, packet);
  }

  // A browser takes 1000 and 3000..4999 only.
  close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, 100));
  }

  #heard(data: unknown): void {
    const signal = typeof data === 'string' ? readDownSignal(data) : undefined;
    if (signal === undefined) return;
    this.#negotiate(signal).catch(() => this.#end(LOST, 'the peer connection could not be made'));
  }

  async #negotiate(signal: DownSignal): Promise<void> {
    if (signal.type === 'ready') return this.#offer(signal.iceServers.map(({ urls, username, credential }) => ({ urls, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) })));
    if (signal.type === 'answer') return this.#peer?.setRemoteDescription(signal);
    return this.#peer?.addIceCandidate({ candidate: signal.candidate.replace(/^a=/, ''), sdpMid: signal.mid });
  }

  async #offer(iceServers: RTCIceServer[]): Promise<void> {
    if (this.#phase !== 'opening') return;
    const peer = new RTCPeerConnection({ iceServers });
    this.#peer = peer;
    const channels = { control: peer.createDataChannel('control', CHANNELS.control), state: peer.createDataChannel('state', CHANNELS.state) };
    this.#channels = channels;
    for (const channel of [channels.control, channels.state]) {
      channel.binaryType = 'arraybuffer';
      channel.addEventListener('open', () => this.#opened());
      channel.addEventListener('message', (event: MessageEvent<unknown>) => this.#received(channel, event.data));
    }
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') this.#end(LOST, 'the peer connection failed');
    });
    if (this.#camera !== undefined) addCamera(peer, this.#camera);
    await peer.setLocalDescription();
    this.#say({ type: 'offer', sdp: peer.localDescription?.sdp ?? '' });
    this.#tellCandidates(peer);
  }

  /** An offer goes first; candidates that were found meanwhile are in it. */
  #tellCandidates(peer: RTCPeerConnection): void {
    peer.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null && candidate.candidate !== '') this.#say({ type: 'candidate', candidate: candidate.candidate, mid: candidate.sdpMid ?? '0' });
    });
  }

  #opened(): void {
    if (this.#phase !== 'opening' || this.#channels?.control.readyState !== 'open' || this.#channels.state.readyState !== 'open') return;
    this.#phase = 'open';
    this.#handlers.onOpen();
  }

  #received(channel: RTCDataChannel, data: unknown): void {
    if (this.#phase === 'closed' || !(data instanceof ArrayBuffer)) return;
    const bytes = new Uint8Array(data);
    const packet = channel === this.#channels?.state ? bytes : this.#joiner.add(bytes);
    if (typeof packet === 'string') this.#end(LOST, packet);
    else if (packet !== undefined) this.#handlers.onPacket(packet);
  }

  /** The close code travels apart from what was said before it. */
  #closing(code: number, reason: string): void {
    const control = this.#channels?.control;
    if (control?.readyState !== 'open' || code === LOST) return this.#end(code, reason);
    control.addEventListener('close', () => this.#end(code, reason));
    this.#clock.schedule(LAST_BYTES_MS, () => this.#end(code, reason));
  }

  #end(code: number, reason: string): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#peer?.close();
    this.#socket.close();
    this.#handlers.onClose(code, reason);
  }

  #say(signal: UpSignal): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(signal));
  }

  #give(channel: RTCDataChannel | undefined, bytes: Uint8Array): void {
    if (channel?.readyState === 'open') channel.send(bytes as Uint8Array<ArrayBuffer>);
  }
}

/** Beside the wanted codec only the others that a server may take, so that the offer stays short. */
function addCamera(peer: RTCPeerConnection, { track, codec = 'vp8' }: RtcCamera): void {
  const transceiver = peer.addTransceiver(track, { direction: 'sendonly', sendEncodings: [{ maxFramerate: MAX_RATE_HZ }] });
  const known = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const rank = ({ mimeType }: { readonly mimeType: string }): number => [`video/${codec}`, 'video/vp8', 'video/h264', 'video/rtx'].indexOf(mimeType.toLowerCase());
  const wanted = known.filter((entry) => rank(entry) >= 0).sort((one, other) => rank(one) - rank(other));
  if (wanted.length > 0) transceiver.setCodecPreferences(wanted);
}
