import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import { CHUNK_BYTES, cutPacket, PacketJoiner } from '../../protocol/rtc/channel.ts';
import { readIceServer, readPortRange } from '../../protocol/rtc/settings.ts';
import { readDownSignal, readUpSignal, SIGNAL_LIMITS } from '../../protocol/rtc/signal.ts';

describe('packets on the reliable channel', () => {
  it('[RTC4] come out as they went in, one after the other, whatever their lengths', () => {
    const packet = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.constantFrom(CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, CHUNK_BYTES * 3).map((size) => new Uint8Array(size).fill(size % 251)));
    fc.assert(fc.property(fc.array(packet, { maxLength: 5 }), (packets) => {
      const joiner = new PacketJoiner();
      const joined = packets.flatMap(cutPacket).map((chunk) => joiner.add(chunk)).filter((result) => result !== undefined);
      expect(joined).toEqual(packets);
    }));
  });

  it('[RTC4] are refused with an unknown first byte, with nothing behind it, and above the largest packet', () => {
    expect(new PacketJoiner().add(Uint8Array.of(2, 1))).toBe('PACKET_MALFORMED');
    expect(new PacketJoiner().add(Uint8Array.of(1))).toBe('PACKET_MALFORMED');
    expect(new PacketJoiner().add(new Uint8Array(0))).toBe('PACKET_MALFORMED');
    const joiner = new PacketJoiner();
    const results = cutPacket(new Uint8Array(LIMITS.packetBytes + 1)).map((chunk) => joiner.add(chunk));
    expect(results.at(-1)).toBe('PACKET_TOO_LARGE');
    expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
  });
});

describe('messages of the signalling', () => {
  it('[RTC2] are read when they are what the specification says, and nothing else is', () => {
    expect(readUpSignal('{"type":"open","token":"t"}')).toEqual({ type: 'open', token: 't' });
    expect(readUpSignal('{"type":"candidate","candidate":"","mid":"0"}')).toEqual({ type: 'candidate', candidate: '', mid: '0' });
    expect(readDownSignal('{"type":"ready","iceServers":[{"urls":"stun:a:1"}]}')).toEqual({ type: 'ready', iceServers: [{ urls: 'stun:a:1' }] });
    for (const text of ['', '{', 'null', '[]', '{"type":"answer","sdp":"v"}', '{"type":"offer"}', '{"type":"offer","sdp":""}', '{"type":"open","token":"t","more":1}']) expect(readUpSignal(text)).toBeUndefined();
  });

  it('[RTC2] never throw, and are bounded', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      readUpSignal(text);
      readDownSignal(text);
    }));
    expect(readUpSignal(JSON.stringify({ type: 'offer', sdp: 'v'.repeat(SIGNAL_LIMITS.sdpLength) }))).toBeDefined();
    expect(readUpSignal(JSON.stringify({ type: 'offer', sdp: 'v'.repeat(SIGNAL_LIMITS.sdpLength + 1) }))).toBeUndefined();
    expect(readUpSignal(JSON.stringify({ type: 'candidate', candidate: 'c'.repeat(SIGNAL_LIMITS.candidateLength + 1), mid: '0' }))).toBeUndefined();
    expect(readUpSignal(`${' '.repeat(SIGNAL_LIMITS.messageLength)}{"type":"open","token":"t"}`)).toBeUndefined();
  });
});

describe('the settings of WebRTC', () => {
  it('name servers with their credentials, which a relay needs', () => {
    expect(readIceServer('stun:stun.example:3478')).toEqual({ urls: 'stun:stun.example:3478' });
    expect(readIceServer('turn:me:p%40ss@turn.example:3478?transport=tcp')).toEqual({ urls: 'turn:turn.example:3478?transport=tcp', username: 'me', credential: 'p@ss' });
    for (const text of ['turn:turn.example:3478', 'http://a', 'turn:me:%zz@a', 'stun:', '']) expect(readIceServer(text)).toBeUndefined();
  });

  it('name a range of ports from 1024 up', () => {
    expect(readPortRange('50000-50999')).toEqual({ first: 50000, last: 50999 });
    for (const text of ['50999-50000', '80-90', '1023-2000', '50000', '65000-65536', 'a-b']) expect(readPortRange(text)).toBeUndefined();
  });
});
