/** Sends encoded streams as video tracks, many from one process, as browsers would. */
import native, { type DataChannel } from 'node-datachannel';
import { every, systemClock } from '../../core/clock.ts';
import { eachUnit } from '../../protocol/video/h264-header.ts';
import type { FromSender, StreamPlan, ToSender } from './messages.ts';

const PAYLOAD_TYPE = 96;
const PAYLOAD_BYTES = 1100;
const clock = systemClock();
/** Held, since one that is collected closes. */
const channels: DataChannel[] = [];
const peers = new Map<number, InstanceType<typeof native.PeerConnection>>();

function tell(message: FromSender): void {
  process.send?.(message);
}

function start(plan: StreamPlan): void {
  for (let peer = 0; peer < plan.streams; peer++) open(peer, plan);
}

function open(peer: number, plan: StreamPlan): void {
  const connection = new native.PeerConnection(`sender-${peer}`, { iceServers: [], disableAutoNegotiation: true, bindAddress: '127.0.0.1' });
  peers.set(peer, connection);
  connection.onLocalDescription((sdp) => tell({ kind: 'sdp', peer, sdp }));
  connection.onLocalCandidate((candidate, mid) => tell({ kind: 'candidate', peer, candidate, mid }));
  for (const [label, options] of [['control', {}], ['state', { unordered: true, maxRetransmits: 0 }]] as const) channels.push(connection.createDataChannel(label, options));
  const video = new native.Video('video', 'SendOnly');
  if (plan.codec === 'vp8') video.addVP8Codec(PAYLOAD_TYPE);
  else video.addH264Codec(PAYLOAD_TYPE);
  const ssrc = 1000 + peer;
  video.addSSRC(ssrc, 'bench', 'bench', 'bench');
  const track = connection.addTrack(video);
  track.onOpen(() => {
    const periodMs = 1000 / plan.rateHz;
    let count = 0, next = 0, sequence = 0;
    // A picture loss indication (RFC 4585): the first is the only one that stands alone.
    track.onMessage((bytes) => {
      if (bytes[1] === 206 && (bytes[0]! & 31) === 1) next = 0;
    });
    // Spread over the period, as cameras are.
    clock.schedule((peer * periodMs) / plan.streams, () => {
      tell({ kind: 'sending', peer, firstMs: clock.wallMs() + periodMs });
      every(clock, periodMs, () => {
        const packets = packetise(plan, plan.pictures[next++ % plan.pictures.length]!, { ssrc, sequence, timestamp: Math.round((count * 90_000) / plan.rateHz) });
        for (const packet of packets) if (track.isOpen()) track.sendMessageBinary(packet);
        sequence += packets.length;
        count++;
      });
    });
  });
  connection.setLocalDescription('offer');
}

function packetise({ codec }: StreamPlan, picture: Uint8Array, at: { readonly ssrc: number; readonly sequence: number; readonly timestamp: number }): Buffer[] {
  const payloads = codec === 'vp8' ? vp8Payloads(picture) : h264Payloads(picture);
  return payloads.map((payload, index) => {
    const head = Buffer.alloc(12);
    head[0] = 0x80;
    head[1] = PAYLOAD_TYPE | (index === payloads.length - 1 ? 0x80 : 0);
    head.writeUInt16BE((at.sequence + index) & 0xffff, 2);
    head.writeUInt32BE(at.timestamp >>> 0, 4);
    head.writeUInt32BE(at.ssrc, 8);
    return Buffer.concat([head, payload]);
  });
}

function vp8Payloads(picture: Uint8Array): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at < picture.length; at += PAYLOAD_BYTES) payloads.push(Buffer.concat([Buffer.from([at === 0 ? 0x10 : 0]), picture.subarray(at, at + PAYLOAD_BYTES)]));
  return payloads;
}

function h264Payloads(picture: Uint8Array): Buffer[] {
  const payloads: Buffer[] = [];
  eachUnit(picture, (unit) => {
    if (unit.length <= PAYLOAD_BYTES) return void payloads.push(Buffer.from(unit));
    for (let at = 1; at < unit.length; at += PAYLOAD_BYTES) {
      const bits = (at === 1 ? 0x80 : 0) | (at + PAYLOAD_BYTES >= unit.length ? 0x40 : 0);
      payloads.push(Buffer.concat([Buffer.from([(unit[0]! & 0xe0) | 28, bits | (unit[0]! & 0x1f)]), unit.subarray(at, at + PAYLOAD_BYTES)]));
    }
  });
  return payloads;
}

/** Of peers whose answer has not come: a candidate may overtake it. */
const early = new Map<number, (() => void)[]>();
const answered = new Set<number>();

process.on('message', (message: ToSender) => {
  if (message.kind === 'plan') return start(message.plan);
  const peer = peers.get(message.peer);
  if (message.kind === 'sdp') {
    peer?.setRemoteDescription(message.sdp, 'answer');
    answered.add(message.peer);
    for (const add of early.get(message.peer) ?? []) add();
    early.delete(message.peer);
    return;
  }
  const add = (): void => void peer?.addRemoteCandidate(message.candidate, message.mid);
  if (answered.has(message.peer)) add();
  else early.set(message.peer, [...(early.get(message.peer) ?? []), add]);
});
process.on('disconnect', () => {
  for (const connection of peers.values()) connection.close();
  native.cleanup();
  process.exit(0);
});
