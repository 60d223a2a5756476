/** What light headsets are made of: frames, a look at control messages, and a bad network. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { seededRandom } from '../../../core/random.ts';
import type { SocketHandlers } from '../../../client/socket.ts';
import { fateOf, RESEND_MS, throughNetwork, type LaneState, type Weather } from '../../../sim/load/impairment.ts';
import { network } from '../../../sim/load/profile.ts';
import { peekType } from '../../../sim/target/control-peek.ts';
import type { Line, LineHandlers } from '../../../sim/target/line.ts';
import { optionalPackage } from '../../../sim/target/optional-package.ts';
import { encodeFrame, FrameReader, OPCODE } from '../../../sim/target/web-socket-frames.ts';

/** As a server writes it: without a mask. */
function serverFrame(payload: Uint8Array): Buffer {
  const masked = Buffer.from(encodeFrame(OPCODE.binary, payload));
  const start = payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10;
  masked[1] = masked[1]! & 127;
  return Buffer.concat([masked.subarray(0, start), masked.subarray(start + 4)]);
}

describe('frames', () => {
  it('are read again however the stream is cut', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(70_000).fill(7))), { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (payloads, cuts) => {
      const stream = Buffer.concat(payloads.map(serverFrame));
      const seen: Uint8Array[] = [];
      const shared = Buffer.alloc(5000);
      const reader = new FrameReader(100_000, (_, payload) => seen.push(Uint8Array.from(payload)));
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = stream.length > 10_000 ? 5000 : cuts[turn % cuts.length]!;
        // One buffer for all reads, as a socket has it.
        const chunk = stream.subarray(at, at + size);
        shared.set(chunk);
        if (!reader.read(shared.subarray(0, chunk.length))) throw new Error('refused');
        at += size;
      }
      expect(Buffer.concat(seen).equals(Buffer.concat(payloads))).toBe(true);
      expect(seen.map(({ length }) => length)).toEqual(payloads.map(({ length }) => length));
    }));
  });

  it('that are masked, reserved or too long are refused', () => {
    const reader = (): FrameReader => new FrameReader(100, () => undefined);
    expect(reader().read(encodeFrame(OPCODE.binary, new Uint8Array(3)))).toBe(false);
    expect(reader().read(Uint8Array.of(0xc2, 1, 0))).toBe(false);
    expect(reader().read(serverFrame(new Uint8Array(101)))).toBe(false);
  });

  it('in parts are one message', () => {
    const seen: string[] = [];
    const reader = new FrameReader(100, (opcode, payload) => seen.push(`${opcode} ${Buffer.from(payload).toString()}`));
    expect(reader.read(Uint8Array.of(0x02, 1, 97, 0x89, 0, 0x00, 1, 98, 0x80, 1, 99))).toBe(true);
    expect(seen).toEqual(['9 ', '2 abc']);
  });
});

describe('a look at a control message', () => {
  it('gives the type of every message that the server sends', () => {
    const { vectors } = JSON.parse(readFileSync(new URL('../../../protocol/vectors/down.json', import.meta.url), 'utf8')) as { vectors: { hex: string; decoded: { type: string } }[] };
    for (const { hex, decoded } of vectors) expect(peekType(Buffer.from(hex, 'hex'))).toBe(decoded.type);
  });

  it('gives nothing for what is written in another way', () => {
    expect(peekType(Uint8Array.of(0x81, 0xa1, 0x61, 0x01))).toBeUndefined();
    expect(peekType(new Uint8Array(0))).toBeUndefined();
  });
});

describe('a package that is not installed', () => {
  it('is named, with what to install', async () => {
    const missing = optionalPackage({ neededBy: 'target colyseus', install: 'colyseus.js@0.16' }, () => import(String('a-package-that-nobody-made')));
    await expect(missing).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'CONFIG_INVALID: target colyseus needs the package colyseus.js, which is not installed: npm install --no-save colyseus.js@0.16' });
    const broken = optionalPackage({ neededBy: 'transport rtc', install: 'node-datachannel@0.33' }, () => Promise.reject(new Error('no such symbol')));
    await expect(broken).rejects.toThrow('node-datachannel, which does not load here: no such symbol');
  });
});

describe('a bad network', () => {
  const bad = network.parse({ delayMs: 20, jitterMs: 30, loss: 0.2, reorder: 0.2, kilobitsPerS: 800 });

  it('keeps the order of a stream, and loses nothing of it', () => {
    fc.assert(fc.property(fc.integer(), fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 40 }), (seed, gaps) => {
      const random = seededRandom(seed);
      const lane: LaneState = { freeMs: 0, lastMs: 0 };
      let nowMs = 0, before = 0;
      for (const gapMs of gaps) {
        nowMs += gapMs;
        const fate = fateOf(bad, lane, { bytes: 100, nowMs, ordered: true }, random);
        if (fate.kind === 'lost') throw new Error('lost on a stream');
        expect(fate.atMs).toBeGreaterThanOrEqual(Math.max(before, nowMs + 21));
        before = fate.atMs;
      }
    }));
  });

  it('loses and overtakes where order is not kept, and on a stream waits for what is sent again', () => {
    const random = seededRandom(1);
    const lane: LaneState = { freeMs: 0, lastMs: 0 };
    const fates = Array.from({ length: 1000 }, (_, index) => fateOf(bad, lane, { bytes: 10, nowMs: index * 10, ordered: false }, random));
    const lost = fates.filter(({ kind }) => kind === 'lost').length;
    expect(lost).toBeGreaterThan(150);
    expect(lost).toBeLessThan(250);
    const certain = fateOf(network.parse({ loss: 1 }), { freeMs: 0, lastMs: 0 }, { bytes: 1, nowMs: 0, ordered: true }, random);
    expect(certain).toEqual({ kind: 'arrives', atMs: RESEND_MS });
  });

  it('lets a line through untouched while there is none, and holds its packets in order once there is', () => {
    const clock = new ManualClock(0);
    const weather: Weather = { network: undefined };
    const sent: number[] = [];
    const heard: number[] = [];
    let handlers: SocketHandlers | undefined;
    const line: Line = throughNetwork((_, given) => {
      handlers = given;
      return { bufferedBytes: 0, send: (packet) => sent.push(packet[0]!), close: () => undefined, cut: () => given.onClose(1006, '') };
    }, { clock, random: seededRandom(3), weather })('ws://test', { onOpen: () => undefined, onPacket: (packet) => heard.push(packet[0]!), onClose: () => undefined });
    line.send(Uint8Array.of(1));
    expect(sent).toEqual([1]);
    weather.network = bad;
    for (let number = 2; number < 30; number++) line.send(Uint8Array.of(number));
    handlers?.onPacket(Uint8Array.of(9));
    weather.network = undefined;
    line.send(Uint8Array.of(30));
    expect([sent.length, heard.length, line.bufferedBytes]).toEqual([1, 0, 29]);
    clock.advance(5000);
    expect(sent).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(heard).toEqual([9]);
    weather.network = bad;
    line.send(Uint8Array.of(31));
    line.cut();
    clock.advance(5000);
    expect(sent).toHaveLength(30);
  });

  it('of a line with two lanes loses only on the one that may lose, which never waits for the other', () => {
    const clock = new ManualClock(0);
    const weather: Weather = { network: network.parse({ delayMs: 20, loss: 0.3 }) };
    const sent = { kept: [] as number[], latest: [] as number[] };
    const heard = { kept: [] as [number, number][], latest: [] as [number, number][] };
    let handlers: LineHandlers | undefined;
    const line: Line = throughNetwork((_, given) => {
      handlers = given;
      return { bufferedBytes: 0, send: (packet) => sent.kept.push(packet[0]!), sendLatest: (packet) => sent.latest.push(packet[0]!), close: () => undefined, cut: () => undefined };
    }, { clock, random: seededRandom(5), weather })('ws://test', {
      onOpen: () => undefined, onClose: () => undefined, onPacket: (packet) => heard.kept.push([packet[0]!, clock.nowMs()]), onLatest: (packet) => heard.latest.push([packet[0]!, clock.nowMs()]),
    });
    for (let number = 0; number < 40; number++) {
      for (const send of [line.send, line.sendLatest]) send?.call(line, Uint8Array.of(number));
      handlers?.onPacket(Uint8Array.of(number));
      handlers?.onLatest?.(Uint8Array.of(number));
    }
    clock.advance(5000);
    const all = Array.from({ length: 40 }, (_, index) => index);
    expect([sent.kept, heard.kept.map(([number]) => number)]).toEqual([all, all]);
    for (const count of [sent.latest.length, heard.latest.length]) {
      expect(count).toBeGreaterThan(15);
      expect(count).toBeLessThan(38);
    }
    // What is sent again takes RESEND_MS more; on the other lane everything comes after the delay alone.
    expect(Math.max(...heard.kept.map(([, atMs]) => atMs))).toBeGreaterThanOrEqual(RESEND_MS + 20);
    expect(new Set(heard.latest.map(([, atMs]) => atMs))).toEqual(new Set([20]));
  });
});
