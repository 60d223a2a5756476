/** Receives video tracks with @roamhq/wrtc, which decodes every picture to I420; in a process of its own, which has to be killed. */
import { createRequire } from 'node:module';
import { every, systemClock } from '../../core/clock.ts';
import type { FromWrtc, Signal } from './messages.ts';

/** What is used of the package, which has no types for its extensions. */
interface Wrtc {
  readonly RTCPeerConnection: new () => WrtcPeer;
  readonly nonstandard: { readonly RTCVideoSink: new (track: unknown) => { onframe: () => void } };
}
interface WrtcPeer {
  ontrack: (event: { readonly track: unknown }) => void;
  onicecandidate: (event: { readonly candidate: { readonly candidate: string; readonly sdpMid: string } | null }) => void;
  readonly localDescription: { readonly sdp: string };
  setRemoteDescription(description: { readonly type: 'offer'; readonly sdp: string }): Promise<void>;
  createAnswer(): Promise<{ readonly type: 'answer'; readonly sdp: string }>;
  setLocalDescription(description: { readonly type: 'answer'; readonly sdp: string }): Promise<void>;
  addIceCandidate(candidate: { readonly candidate: string; readonly sdpMid: string }): Promise<void>;
}

const wrtc = createRequire(import.meta.url)('@roamhq/wrtc') as Wrtc;
const peers = new Map<number, Promise<WrtcPeer>>();
/** Else they would be collected, and frames with them. */
const sinks: unknown[] = [];
let count = 0;

function tell(message: FromWrtc): void {
  process.send?.(message);
}

async function answer(id: number, sdp: string): Promise<WrtcPeer> {
  const peer = new wrtc.RTCPeerConnection();
  peer.ontrack = ({ track }) => {
    const sink = new wrtc.nonstandard.RTCVideoSink(track);
    sink.onframe = () => void count++;
    sinks.push(sink);
  };
  peer.onicecandidate = ({ candidate }) => void (candidate !== null && tell({ kind: 'candidate', peer: id, candidate: candidate.candidate, mid: candidate.sdpMid }));
  await peer.setRemoteDescription({ type: 'offer', sdp });
  await peer.setLocalDescription(await peer.createAnswer());
  tell({ kind: 'sdp', peer: id, sdp: peer.localDescription.sdp });
  return peer;
}

process.on('message', (message: Signal) => {
  if (message.kind === 'sdp') peers.set(message.peer, answer(message.peer, message.sdp));
  else void peers.get(message.peer)?.then((peer) => peer.addIceCandidate({ candidate: message.candidate.replace(/^a=/, ''), sdpMid: message.mid })).catch(() => undefined);
});
every(systemClock(), 100, () => tell({ kind: 'pictures', count }));
tell({ kind: 'ready' });
