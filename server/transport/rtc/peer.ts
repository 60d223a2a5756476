/** One native peer connection, in the process that may crash with it. */
import type { DataChannel, PeerConnection, RtcConfig, Track } from 'node-datachannel';
import type { Clock } from '../../../core/clock.ts';
import type { ChannelName } from '../../../protocol/rtc/channel.ts';
import type { IceServer } from '../../../protocol/rtc/signal.ts';
import type { PeerEvent, PeerSettings } from './child-messages.ts';
import { CameraTrack } from './video/camera-track.ts';
import { answerVideo, pickVideo, type OfferedVideo } from './video/video-section.ts';

/** The constructor of the native package, which only its own process loads. */
export type CreatePeerConnection = new (name: string, config: RtcConfig) => PeerConnection;

/** The largest message that a client may send on either channel. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** How long what has left may take to arrive, with all that has to be sent again. */
const LAST_BYTES_MS = 2000;

export class Peer {
  readonly #clock: Clock;
  readonly #id: number;
  readonly #tell: (event: PeerEvent) => boolean;
  readonly #takesVideo: boolean;
  readonly #connection: PeerConnection;
  readonly #channels: Partial<Record<ChannelName, DataChannel>> = {};
  readonly #early: PeerEvent[] = [];
  #video: OfferedVideo | undefined;
  #camera: CameraTrack | undefined;
  #hasAnswered = false;
  #isOpen = false;
  #handedBytes = 0;
  #toldBytes = 0;
  #closing = false;
  #gone = false;

  constructor(clock: Clock, create: CreatePeerConnection, settings: PeerSettings, id: number, tell: (event: PeerEvent) => boolean) {
    this.#clock = clock;
    this.#id = id;
    this.#tell = tell;
    this.#takesVideo = settings.takesVideo === true;
    this.#connection = new create(`peer-${id}`, nativeConfig(settings));
    this.#connection.onLocalDescription((sdp) => this.#answer(sdp));
    this.#connection.onLocalCandidate((candidate, mid) => this.#candidate({ kind: 'candidate', peer: id, candidate, mid }));
    this.#connection.onStateChange((state) => {
      if (state === 'failed' || state === 'closed') this.end(`the peer connection ${state}`);
    });
    this.#connection.onDataChannel((channel) => this.#channel(channel));
    this.#connection.onTrack((track) => this.#track(track));
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Bytes that were handed over and have not left. */
  get waitingBytes(): number {
    return bufferedBytes(this.#channels.control) + bufferedBytes(this.#channels.state);
  }

  /** Takes an offer, and answers; a later one adds a camera. @throws what the native side makes of a bad one, and of one that restarts ICE. */
  offer(sdp: string): void {
    const offered = pickVideo(sdp, { takesVideo: this.#takesVideo });
    this.#video = offered.video;
    this.#connection.setRemoteDescription(offered.sdp, 'offer');
    this.#connection.setLocalDescription('answer');
  }

  candidate(candidate: string, mid: string): void {
    this.#connection.addRemoteCandidate(candidate, mid);
  }

  send(channel: ChannelName, bytes: Uint8Array): void {
    this.#handedBytes += bytes.length;
    if (this.#channels[channel]?.isOpen() === true) this.#channels[channel].sendMessageBinary(bytes);
  }

  requestKeyPicture(): void {
    this.#camera?.requestKey();
  }

  /** Ends when what was sent has left, which `poll` sees, or at once. */
  close(atOnce: boolean): void {
    this.#closing = true;
    if (atOnce) this.end('closed');
  }

  /** Tells how much has left since the last time, and goes on with a close. */
  poll(): void {
    if (this.#gone) return;
    const taken = this.#handedBytes - this.waitingBytes;
    if (taken !== this.#toldBytes) this.#emit({ kind: 'taken', peer: this.#id, bytes: taken });
    this.#toldBytes = taken;
    this.#camera?.poll(this.#clock.nowMs());
    if (this.#closing && bufferedBytes(this.#channels.control) === 0) this.#endGently();
  }

  /** Ends at once. */
  end(cause: string): void {
    if (this.#gone) return;
    this.#emit({ kind: 'gone', peer: this.#id, cause });
    this.#gone = true;
    this.#connection.close();
  }

  /** The channel ends behind its last message, which takes its way there: only then may the association go. */
  #endGently(): void {
    this.#emit({ kind: 'gone', peer: this.#id, cause: 'closed' });
    this.#gone = true;
    this.#channels.control?.close();
    this.#clock.schedule(LAST_BYTES_MS, () => this.#connection.close());
  }

  #answer(sdp: string): void {
    this.#hasAnswered = true;
    this.#emit({ kind: 'answer', peer: this.#id, sdp: this.#video === undefined ? sdp : answerVideo(sdp, this.#video.mid) });
    for (const candidate of this.#early.splice(0)) this.#emit(candidate);
  }

  /** Threads of the native side race: a candidate may come first, and a client could not use it before the answer. */
  #candidate(candidate: PeerEvent): void {
    if (this.#hasAnswered) this.#emit(candidate);
    else this.#early.push(candidate);
  }

  /** One camera at a time: a later one takes the place of the one before. */
  #track(track: Track): void {
    const video = this.#video;
    if (video === undefined || track.mid() !== video.mid) return;
    this.#camera = new CameraTrack(this.#clock, track, video, (chunk, ageMs) => this.#emit({ kind: 'picture', peer: this.#id, chunk, ageMs }));
  }

  #channel(channel: DataChannel): void {
    const name = channel.getLabel();
    if ((name !== 'control' && name !== 'state') || this.#channels[name] !== undefined) return this.end('an unknown data channel');
    this.#channels[name] = channel;
    channel.onMessage((message) => {
      if (typeof message === 'string') this.#emit({ kind: 'text', peer: this.#id });
      else this.#emit({ kind: 'message', peer: this.#id, channel: name, bytes: new Uint8Array(message) });
    });
    channel.onClosed(() => this.end(`the channel ${name} closed`));
    if (this.#isOpen || this.#channels.control === undefined || this.#channels.state === undefined) return;
    this.#isOpen = true;
    this.#emit({ kind: 'open', peer: this.#id });
  }

  #emit(event: PeerEvent): boolean {
    return !this.#gone && this.#tell(event);
  }
}

function bufferedBytes(channel: DataChannel | undefined): number {
  return channel?.isOpen() === true ? channel.bufferedAmount() : 0;
}

function nativeConfig({ iceServers, ports, bindAddress }: PeerSettings): RtcConfig {
  return {
    iceServers: iceServers.map(nativeUrl),
    disableAutoNegotiation: true,
    // Else a camera that a later offer adds would find no keys for its packets.
    forceMediaTransport: true,
    maxMessageSize: MAX_MESSAGE_BYTES,
    ...(ports === undefined ? {} : { portRangeBegin: ports.first, portRangeEnd: ports.last }),
    ...(bindAddress === undefined ? {} : { bindAddress }),
  };
}

/** The native side wants the credentials inside the URL. */
function nativeUrl({ urls, username, credential }: IceServer): string {
  if (username === undefined || credential === undefined) return urls;
  return urls.replace(/^(turns?:)/, `$1${encodeURIComponent(username)}:${encodeURIComponent(credential)}@`);
}
