import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../../protocol/limits.ts';
import type { InterCodec } from '../../../../../protocol/video/picture.ts';
import { MAX_WAIT_MS } from '../../../../../server/transport/rtc/video/reorder-buffer.ts';
import { VideoReceiver, type TrackPicture } from '../../../../../server/transport/rtc/video/video-receiver.ts';
import { drawnPicture, packetise, rtpPacket, sentAgain, TRACK } from './rtp-sender.ts';

const CODECS: readonly InterCodec[] = ['vp8', 'h264'];
const FRAME_TICKS = 6000;

interface Sent {
  readonly pictures: readonly Uint8Array[];
  readonly packets: readonly Buffer[];
  /** By packet, its picture. */
  readonly pictureOf: readonly number[];
}

/** A stream of pictures, the first and each `keyEvery`th a key, across the end of the sequence numbers. */
function send(codec: InterCodec, lengths: readonly number[], keyEvery = 1000): Sent {
  const pictures = lengths.map((length, index) => drawnPicture(codec, { key: index % keyEvery === 0, length, fill: index }));
  const packets: Buffer[] = [];
  const pictureOf: number[] = [];
  pictures.forEach((picture, index) => {
    const next = packetise(codec, picture, { sequence: 65_500 + packets.length, timestamp: 0xffff_0000 + index * FRAME_TICKS });
    packets.push(...next);
    pictureOf.push(...next.map(() => index));
  });
  return { pictures, packets, pictureOf };
}

function receiver(codec: InterCodec): VideoReceiver {
  return new VideoReceiver({ codec, payloadType: TRACK.payloadType, retransmissionType: TRACK.retransmissionType });
}

/** Gives packets one millisecond apart, and then time enough that nothing is waited for any more. */
function receiveAll(to: VideoReceiver, packets: readonly Buffer[]): TrackPicture[] {
  const pictures = packets.flatMap((packet, index) => [...to.receive(packet, index), ...to.poll(index).pictures]);
  return [...pictures, ...to.poll(packets.length + 2 * MAX_WAIT_MS).pictures];
}

const bytesOf = (pictures: readonly TrackPicture[]): string[] => pictures.map(({ chunk }) => Buffer.from(chunk.bytes).toString('hex'));
const hexOf = (pictures: readonly Uint8Array[]): string[] => pictures.map((picture) => Buffer.from(picture).toString('hex'));
const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 12 });

describe.each(CODECS)('a video track of %s', (codec) => {
  it('[RTC9] gives every picture once and in order, however near packets change places and come twice', () => {
    fc.assert(fc.property(lengths, fc.infiniteStream(fc.integer({ min: 0, max: 12 })), fc.infiniteStream(fc.boolean()), (sizes, shifts, twice) => {
      const { pictures, packets } = send(codec, sizes);
      const [first, ...rest] = packets;
      const order = rest.map((packet, index) => ({ packet, at: index + shifts.next().value! })).sort((one, other) => one.at - other.at);
      const shuffled = [first!, ...order.flatMap(({ packet }) => (twice.next().value === true ? [packet, packet] : [packet]))];
      expect(bytesOf(receiveAll(receiver(codec), shuffled))).toEqual(hexOf(pictures));
    }), { numRuns: 60 });
  });

  it('[RTC9] gives no picture that builds on a lost one, and goes on with the next key', () => {
    fc.assert(fc.property(lengths, fc.infiniteStream(fc.integer({ min: 0, max: 9 })), (sizes, chances) => {
      const { pictures, packets, pictureOf } = send(codec, sizes, 4);
      const lost = packets.map(() => chances.next().value === 0);
      const isWhole = pictures.map((_, index) => pictureOf.every((picture, packet) => picture !== index || !lost[packet]));
      const decodable = pictures.filter((_, index) => {
        const key = index - (index % 4);
        return isWhole.slice(key, index + 1).every(Boolean);
      });
      const got = bytesOf(receiveAll(receiver(codec), packets.filter((_, index) => !lost[index])));
      const all = hexOf(decodable);
      // What it gives is among them, and the only ones that may be missing are at an end of the stream that was cut off.
      expect(all.filter((picture) => got.includes(picture))).toEqual(got);
      if (!lost[0]) expect(got.length).toBe(all.length);
    }), { numRuns: 100 });
  });

  it('[RTC9] asks for lost packets, some times and not for ever, and takes them when they are sent again', () => {
    const { pictures, packets } = send(codec, [300, 300, 300]);
    const to = receiver(codec);
    const lost = new Set([2, 6]);
    const got = packets.flatMap((packet, index) => (lost.has(index) ? [] : to.receive(packet, 0)));
    expect(to.poll(1).feedback.filter((message) => message[1] === 205)).toEqual([]);
    const asks = Array.from({ length: 15 }, (_, step) => to.poll(10 + 10 * step).feedback.filter((message) => message[1] === 205)).flat();
    expect(asks.length).toBe(4);
    expect(asks[0]?.subarray(12).toString('hex')).toBe(Buffer.from([(65_502 >> 8) & 255, 65_502 & 255, 0, 0b1000]).toString('hex'));
    expect(asks[0]?.readUInt32BE(8)).toBe(TRACK.ssrc);
    for (const index of lost) got.push(...to.receive(sentAgain(packets[index]!, index), 160));
    expect(bytesOf(got)).toEqual(hexOf(pictures));
  });

  it('[RTC9] asks for a key picture until there is one, twice a second, and says how much may be sent', () => {
    const to = receiver(codec);
    expect(to.poll(0).feedback).toEqual([]);
    const delta = drawnPicture(codec, { key: false, length: 50, fill: 1 });
    for (const packet of packetise(codec, delta, { sequence: 1, timestamp: 0 })) expect(to.receive(packet, 0)).toEqual([]);
    const told = Array.from({ length: 200 }, (_, step) => to.poll(10 * step).feedback).flat();
    const formats = told.map((message) => `${message[1]}/${(message[0] ?? 0) & 31}`);
    expect(formats.filter((format) => format === '206/1').length).toBe(4);
    expect(formats.filter((format) => format === '206/15').length).toBe(2);
    const key = packetise(codec, drawnPicture(codec, { key: true, length: 50, fill: 2 }), { sequence: 1 + packetise(codec, delta, { sequence: 0, timestamp: 0 }).length, timestamp: FRAME_TICKS });
    expect(key.flatMap((packet) => to.receive(packet, 2000)).map(({ chunk }) => [chunk.kind, chunk.width, chunk.height])).toEqual([['key', 320, 240]]);
    expect(to.poll(2600).feedback.map((message) => (message[0] ?? 0) & 31)).toEqual([15]);
    to.requestKey();
    expect(to.poll(2610).feedback.map((message) => (message[0] ?? 0) & 31)).toEqual([1]);
  });

  it('[RTC9] takes no picture that is larger than allowed, and none behind it until the next key', () => {
    const to = receiver(codec);
    const large = drawnPicture(codec, { key: true, length: LIMITS.videoBytes, fill: 3 });
    const { pictures, packets } = send(codec, [30]);
    const before = packetise(codec, large, { sequence: 65_500 - Math.ceil((large.length + 100) / 1000), timestamp: 1, payloadBytes: 1000 });
    expect(before.flatMap((packet) => to.receive(packet, 0))).toEqual([]);
    const after = packetise(codec, pictures[0]!, { sequence: before.at(-1)!.readUInt16BE(2) + 1, timestamp: 2 });
    expect(packets.length).toBeGreaterThan(0);
    expect(bytesOf(after.flatMap((packet) => to.receive(packet, 0)))).toEqual(hexOf(pictures));
  });

  it('[RTC9] never throws and gives nothing but whole pictures, whatever bytes come', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), payloads(codec)), { maxLength: 60 }), (datagrams) => {
      const to = receiver(codec);
      const pictures = datagrams.flatMap((datagram, index) => [...to.receive(datagram, index), ...to.poll(index).pictures]);
      for (const { chunk, ageMs } of pictures) {
        expect(chunk.bytes.length).toBeLessThanOrEqual(LIMITS.videoBytes);
        expect(ageMs).toBeGreaterThanOrEqual(0);
      }
    }), { numRuns: 300 });
  });
});

/** Packets of the track whose payloads are noise behind a descriptor that leads somewhere. */
function payloads(codec: InterCodec): fc.Arbitrary<Uint8Array> {
  const firsts = codec === 'vp8' ? [0x10, 0x90, 0xff, 0x80, 0x00] : [24, 28, 0x7c, 0x65, 0x67, 0x41, 31];
  return fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constantFrom(...firsts), fc.uint8Array({ maxLength: 40 })).map(([sequence, timestamp, marker, first, rest]) =>
    rtpPacket({ sequence, timestamp, marker, payload: Buffer.concat([Buffer.from([first]), rest]) }));
}

describe('the age of a picture of a track', () => {
  const report = (ntpMs: number, timestamp: number): Buffer => {
    const out = Buffer.alloc(28);
    out.set([0x80, 200, 0, 6]);
    out.writeUInt32BE(TRACK.ssrc, 4);
    out.writeUInt32BE(Math.floor(ntpMs / 1000), 8);
    out.writeUInt32BE(Math.round(((ntpMs % 1000) / 1000) * 2 ** 32), 12);
    out.writeUInt32BE(timestamp, 16);
    return out;
  };
  const picture = (sequence: number, timestamp: number): Buffer[] => packetise('vp8', drawnPicture('vp8', { key: true, length: 40, fill: 1 }), { sequence, timestamp });

  it('[RTC9] is counted from the arrival of its first packet before the first report, and from its capture after it', () => {
    const to = receiver('vp8');
    const [first, ...rest] = packetise('vp8', drawnPicture('vp8', { key: true, length: 400, fill: 1 }), { sequence: 0, timestamp: 0 });
    to.receive(first!, 1000);
    expect(rest.flatMap((packet) => to.receive(packet, 1030)).map(({ ageMs }) => ageMs)).toEqual([30]);
    // The fastest of three reports: 3,900,000,000,000 ms of the sender were 2000 ms here; the others took 5 and 40 ms longer.
    for (const [step, lateMs] of [[0, 5], [1, 0], [2, 40]] as const) to.receive(report(3_900_000_000_000 - 1000 + 1000 * step, 90_000 * step), 1000 + 1000 * step + lateMs);
    const [late] = picture(rest.length + 1, 180_000 + 900).flatMap((packet) => to.receive(packet, 3045));
    expect(late?.ageMs).toBeCloseTo(35, 3);
  });

  it('[RTC9] makes sense even where reports do not', () => {
    const to = receiver('vp8');
    picture(0, 0).forEach((packet) => to.receive(packet, 0));
    to.receive(report(3_900_000_000_000, 0), 0);
    for (const [index, timestamp] of [0x7fff_ffff, 0x8000_0000, 90 * 3_600_000].entries()) {
      for (const { ageMs } of picture(1 + index, timestamp).flatMap((packet) => to.receive(packet, 10))) expect(ageMs).toSatisfy((age: number) => age >= 0 && age <= LIMITS.pastMs);
    }
  });
});
