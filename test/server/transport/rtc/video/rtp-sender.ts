/** The sending half of a video track, for tests: pictures to RTP packets, and to packets that are sent again. */
import { eachUnit } from '../../../../../protocol/video/h264-header.ts';
import type { InterCodec } from '../../../../../protocol/video/picture.ts';

export const TRACK = { payloadType: 96, retransmissionType: 97, ssrc: 7000, retransmissionSsrc: 7001 } as const;
const PARAMETER_SETS = Buffer.from('000000016742c014da0507e8400000030040000007a3c50aa80000000168ce3c80', 'hex');

/** A picture with a true header, 320x240, and `length` more bytes that stand for what is coded. */
export function drawnPicture(codec: InterCodec, { key, length, fill }: { readonly key: boolean; readonly length: number; readonly fill: number }): Uint8Array {
  const body = Buffer.alloc(length, 1 + (fill % 250));
  if (codec === 'vp8') return Buffer.concat([Buffer.from(key ? '1000009d012a4001f000' : '110000', 'hex'), body]);
  return key ? Buffer.concat([PARAMETER_SETS, Buffer.from('0000000165', 'hex'), body]) : Buffer.concat([Buffer.from('0000000141', 'hex'), body]);
}

export function rtpPacket(fields: { readonly payloadType?: number; readonly sequence: number; readonly timestamp: number; readonly ssrc?: number; readonly marker: boolean; readonly payload: Uint8Array }): Buffer {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = (fields.marker ? 0x80 : 0) | (fields.payloadType ?? TRACK.payloadType);
  head.writeUInt16BE(fields.sequence & 0xffff, 2);
  head.writeUInt32BE(fields.timestamp >>> 0, 4);
  head.writeUInt32BE(fields.ssrc ?? TRACK.ssrc, 8);
  return Buffer.concat([head, fields.payload]);
}

/** Packets of one picture, from `sequence` on. */
export function packetise(codec: InterCodec, picture: Uint8Array, at: { readonly sequence: number; readonly timestamp: number; readonly payloadBytes?: number; readonly discardable?: boolean }): Buffer[] {
  const payloads = codec === 'vp8' ? vp8Payloads(picture, at.payloadBytes ?? 100, at.discardable === true) : h264Payloads(picture, at.payloadBytes ?? 100);
  return payloads.map((payload, index) => rtpPacket({ sequence: at.sequence + index, timestamp: at.timestamp, marker: index === payloads.length - 1, payload }));
}

/** A packet as the retransmission stream carries it (RFC 4588 section 4). */
export function sentAgain(packet: Buffer, sequence: number): Buffer {
  const payload = Buffer.concat([packet.subarray(2, 4), packet.subarray(12)]);
  return rtpPacket({ payloadType: TRACK.retransmissionType, ssrc: TRACK.retransmissionSsrc, sequence, timestamp: packet.readUInt32BE(4), marker: (packet[1]! & 0x80) !== 0, payload });
}

function vp8Payloads(picture: Uint8Array, payloadBytes: number, discardable: boolean): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at < picture.length; at += payloadBytes) {
    // The extension with a picture number of 15 bits, as browsers send it.
    const descriptor = [0x80 | (discardable ? 0x20 : 0) | (at === 0 ? 0x10 : 0), 0x80, 0x81, 0x23];
    payloads.push(Buffer.concat([Buffer.from(descriptor), picture.subarray(at, at + payloadBytes)]));
  }
  return payloads;
}

/** Small units together, large ones in fragments. */
function h264Payloads(picture: Uint8Array, payloadBytes: number): Buffer[] {
  const payloads: Buffer[] = [];
  const small: Uint8Array[] = [];
  eachUnit(picture, (unit) => {
    if (unit.length <= 40) return void small.push(unit);
    for (let at = 1; at < unit.length; at += payloadBytes) {
      const isLast = at + payloadBytes >= unit.length;
      const header = (at === 1 ? 0x80 : 0) | (isLast ? 0x40 : 0) | (unit[0]! & 0x1f);
      payloads.push(at === 1 && isLast ? Buffer.from(unit) : Buffer.concat([Buffer.from([(unit[0]! & 0xe0) | 28, header]), unit.subarray(at, at + payloadBytes)]));
    }
  });
  if (small.length === 1) payloads.unshift(Buffer.from(small[0]!));
  if (small.length > 1) payloads.unshift(Buffer.concat([Buffer.from([24]), ...small.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 255]), unit])]));
  return payloads;
}
