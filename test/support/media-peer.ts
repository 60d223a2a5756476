/** WebRTC peers by the package werift, which send and receive RTP packets that a test makes up: nothing decodes them. */
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RTCSessionDescription, RtpHeader, RtpPacket } from 'werift';
import type { MediaAsk } from '../../protocol/message/media.ts';
import { PAYLOAD_TYPE, vp8Parameters, type MediaClient } from './media-client.ts';
import { until } from './until.ts';

/** Of mediasoup's answer to `open`. */
interface Opened {
  readonly transportId: string;
  readonly iceParameters: { readonly usernameFragment: string; readonly password: string };
  readonly iceCandidates: readonly { readonly foundation: string; readonly priority: number; readonly address: string; readonly protocol: string; readonly port: number; readonly type: string }[];
  readonly dtlsParameters: { readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[] };
}

/** Offers VP8, and asks no server on the internet for its address. */
function newPeer(): RTCPeerConnection {
  const vp8 = new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90_000, payloadType: PAYLOAD_TYPE, rtcpFeedback: [] });
  return new RTCPeerConnection({ codecs: { audio: [], video: [vp8] }, iceServers: [{ urls: 'none:' }], iceAdditionalHostAddresses: ['127.0.0.1'] });
}

/** Publishes one video. */
export async function publishVideo(client: MediaClient): Promise<{ producerId: string; send: (payload: Buffer) => void; close: () => Promise<void> }> {
  const opened = await client.value<Opened>({ do: 'open', direction: 'send' });
  const peer = newPeer();
  const track = new MediaStreamTrack({ kind: 'video' });
  peer.addTransceiver(track, { direction: 'sendonly' });
  await peer.setLocalDescription(await peer.createOffer());
  const { ssrc, dtlsParameters } = localParameters(peer);
  await client.value({ do: 'connect', transportId: opened.transportId, dtlsParameters });
  await peer.setRemoteDescription(new RTCSessionDescription(remoteSdp(opened, ['a=recvonly', 'a=setup:passive']), 'answer'));
  const { producerId } = await client.value<{ producerId: string }>({ do: 'produce', transportId: opened.transportId, kind: 'video', rtpParameters: vp8Parameters(ssrc) });
  await until(() => peer.connectionState === 'connected');
  let sequenceNumber = 0;
  const send = (payload: Buffer): void => {
    sequenceNumber++;
    track.writeRtp(new RtpPacket(new RtpHeader({ payloadType: PAYLOAD_TYPE, sequenceNumber, timestamp: sequenceNumber * 3000, ssrc, marker: true }), payload));
  };
  return { producerId, send, close: () => peer.close() };
}

/** @param onPayload - gets what each packet of the video carries. */
export async function watchVideo(client: MediaClient, producerId: string, onPayload: (payload: Buffer) => void): Promise<{ consumerId: string; close: () => Promise<void> }> {
  const opened = await client.value<Opened>({ do: 'open', direction: 'receive' });
  const { rtpCapabilities } = await client.value<{ rtpCapabilities: Record<string, unknown> }>({ do: 'capabilities' });
  const consumed = await client.value<{ consumerId: string; rtpParameters: { encodings: { ssrc: number }[]; codecs: { payloadType: number }[] } }>({ do: 'consume', transportId: opened.transportId, producerId, rtpCapabilities });
  const peer = newPeer();
  peer.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((packet) => onPayload(packet.payload)));
  const [encoding] = consumed.rtpParameters.encodings;
  const payloadType = consumed.rtpParameters.codecs[0]?.payloadType ?? PAYLOAD_TYPE;
  await peer.setRemoteDescription(new RTCSessionDescription(remoteSdp(opened, ['a=sendonly', 'a=setup:actpass', `a=ssrc:${encoding?.ssrc ?? 0} cname:test`], payloadType), 'offer'));
  await peer.setLocalDescription(await peer.createAnswer());
  await client.value({ do: 'connect', transportId: opened.transportId, dtlsParameters: localParameters(peer).dtlsParameters });
  await until(() => peer.connectionState === 'connected');
  await client.value({ do: 'resume', consumerId: consumed.consumerId });
  return { consumerId: consumed.consumerId, close: () => peer.close() };
}

function localParameters(peer: RTCPeerConnection): { ssrc: number; dtlsParameters: Extract<MediaAsk, { do: 'connect' }>['dtlsParameters'] } {
  const sdp = peer.localDescription?.sdp ?? '';
  const value = /a=fingerprint:sha-256 (\S+)/.exec(sdp)?.[1] ?? '';
  return { ssrc: Number(/a=ssrc:(\d+)/.exec(sdp)?.[1] ?? 0), dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value }] } };
}

function remoteSdp({ iceParameters, iceCandidates, dtlsParameters }: Opened, lines: readonly string[], payloadType = PAYLOAD_TYPE): string {
  const candidates = iceCandidates.filter(({ protocol }) => protocol === 'udp').map((candidate) => `a=candidate:${candidate.foundation} 1 udp ${candidate.priority} ${candidate.address} ${candidate.port} typ ${candidate.type}`);
  const fingerprint = dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256')?.value ?? '';
  return [
    'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-lite', 'a=group:BUNDLE 0', 'a=msid-semantic:WMS *',
    `m=video 7 UDP/TLS/RTP/SAVPF ${payloadType}`, 'c=IN IP4 127.0.0.1', 'a=mid:0', 'a=rtcp-mux', `a=rtpmap:${payloadType} VP8/90000`,
    `a=ice-ufrag:${iceParameters.usernameFragment}`, `a=ice-pwd:${iceParameters.password}`, ...candidates, 'a=end-of-candidates',
    `a=fingerprint:sha-256 ${fingerprint}`, ...lines, '',
  ].join('\r\n');
}
