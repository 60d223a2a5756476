import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import type { VideoChunk } from '../../../protocol/codec/video-chunk.ts';
import type { InterCodec } from '../../../protocol/video/picture.ts';
import { readJpegHeader } from '../../../server/model/jpeg-header.ts';
import { PictureDecoder } from '../../../server/model/picture-decoder.ts';
import { DecodeHost } from '../../../server/video/decode-host.ts';
import { encodeVideo, hasCodecs, moveOver, PHOTOGRAPH, type EncodedPicture } from '../../support/encoded-video.ts';
import { until } from '../../support/until.ts';

const SIZE = { width: 640, height: 480 };

interface Seen {
  readonly pictures: { readonly width: number; readonly height: number; readonly jpeg: Uint8Array; readonly captureMs: number }[];
  readonly codes: string[];
  keys: number;
}

function watch(host: DecodeHost, owner = 'ada'): { stream: ReturnType<DecodeHost['open']>; seen: Seen } {
  const seen: Seen = { pictures: [], codes: [], keys: 0 };
  const stream = host.open({
    onPicture: (picture, { captureMs }) => void seen.pictures.push({ ...picture, captureMs }),
    onKeyNeeded: () => void seen.keys++,
    onRefused: (code) => void seen.codes.push(code),
  }, owner);
  return { stream, seen };
}

function chunk(codec: InterCodec, { key, bytes }: EncodedPicture): VideoChunk {
  return { captureMs: 0, codec, kind: key ? 'key' : 'delta', ...SIZE, bytes };
}
const tag = (captureMs: number) => ({ captureDeviceMs: 0, captureMs, arrivedMs: 0 });

describe.skipIf(!hasCodecs())('the decoding process (skipped where node-av is not installed)', () => {
  let host: DecodeHost;
  const streams = {} as Record<InterCodec, EncodedPicture[]>;
  let raw: Awaited<ReturnType<typeof moveOver>>;
  beforeAll(async () => {
    host = new DecodeHost(systemClock(), { maxDecoders: 4 });
    raw = await moveOver(PHOTOGRAPH, { ...SIZE, count: 12 });
    for (const codec of ['vp8', 'h264'] as const) streams[codec] = await encodeVideo(codec, raw);
  });
  afterAll(() => host.close());

  it.each(['vp8', 'h264'] as const)('[VID6] [VID8] gives the newest picture of a stream of %s, scaled to 320 pixels, as a JPEG that shows what was encoded', async (codec) => {
    const { stream, seen } = watch(host);
    for (const [index, picture] of streams[codec].entries()) {
      expect(stream.push(chunk(codec, picture), tag(index))).toBe('taken');
      await until(() => seen.pictures.at(-1)?.captureMs === index);
    }
    stream.close();
    const last = seen.pictures.at(-1);
    expect(readJpegHeader(last?.jpeg ?? new Uint8Array())).toEqual({ kind: 'baseline', width: 320, height: 240 });
    const shown = new PictureDecoder().decode(last?.jpeg ?? new Uint8Array());
    expect(meanDifference(shown?.pixels ?? new Uint8Array(), halved(raw.pictures.at(-1)!))).toBeLessThan(12);
    expect(meanDifference(shown?.pixels ?? new Uint8Array(), new Uint8Array(halved(raw.pictures.at(-1)!).length).fill(128))).toBeGreaterThan(30);
    expect(seen).toMatchObject({ codes: [], keys: 0 });
  });

  it('[VID8] refuses before decoding what is larger than allowed, no key or damaged, and goes on with the next key', async () => {
    const { stream, seen } = watch(host, 'eve');
    const [key, delta] = streams.vp8;
    const huge = Uint8Array.from(key!.bytes);
    huge.set([0xff, 0x3f, 0xff, 0x3f], 6);
    const bad: EncodedPicture[] = [{ key: true, bytes: huge }, { key: true, bytes: delta!.bytes }, { key: true, bytes: Buffer.from('noise') }];
    for (const [index, picture] of bad.entries()) {
      stream.push(chunk('vp8', picture), tag(index));
      await until(() => seen.codes.length === index + 1);
      expect(stream.push(chunk('vp8', delta!), tag(50))).toBe('superseded');
    }
    // A sequence of 50,000 x 50,000 pixels.
    stream.push(chunk('h264', { key: true, bytes: hugeH264() }), tag(9));
    await until(() => seen.codes.length === 4);
    expect(seen.codes).toEqual(Array(4).fill('VIDEO_INVALID'));
    stream.push(chunk('vp8', key!), tag(100));
    await until(() => seen.pictures.length === 1);
    expect(host.deaths).toBe(0);
    stream.close();
  });

  it('[VID7] that is killed ends no stream: it starts again, asks for a key, and goes on', async () => {
    const { stream, seen } = watch(host, 'grace');
    const [key, delta] = streams.vp8;
    stream.push(chunk('vp8', key!), tag(1));
    await until(() => seen.pictures.length === 1);
    const { pid } = host;
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => host.deaths === 1);
    await until(() => seen.keys === 1);
    expect(stream.push(chunk('vp8', delta!), tag(2))).toBe('superseded');
    await until(() => host.pid !== undefined && host.pid !== pid);
    stream.push(chunk('vp8', key!), tag(3));
    await until(() => seen.pictures.length === 2);
    expect(seen.pictures.at(-1)?.captureMs).toBe(3);
    stream.close();
  });

  it('[VID7] keeps the key picture that comes before it is started again', async () => {
    const { stream, seen } = watch(host, 'bob');
    const [key] = streams.vp8;
    stream.push(chunk('vp8', key!), tag(1));
    await until(() => seen.pictures.length === 1);
    process.kill(host.pid ?? 0, 'SIGKILL');
    // There is no process in this moment, and a key is asked for once.
    await until(() => seen.keys === 1 && host.pid === undefined);
    expect(stream.push(chunk('vp8', key!), tag(2))).toBe('taken');
    await until(() => seen.pictures.at(-1)?.captureMs === 2);
    stream.close();
  });

  it('[VID8] has no more decoders than allowed, and refuses further streams for as long as all are in use', async () => {
    const watched = Array.from({ length: 5 }, (_, index) => watch(host, `p${index}`));
    for (const { stream } of watched) stream.push(chunk('h264', streams.h264[0]!), tag(1));
    await until(() => watched.every(({ seen }) => seen.pictures.length + seen.codes.length === 1));
    expect(watched.map(({ seen }) => seen.codes)).toEqual([[], [], [], [], ['MODEL_OVERLOADED']]);
    for (const { stream } of watched) stream.close();
  });
});

describe('without a decoder', () => {
  it('[VID3] nothing is taken, and nothing is started', async () => {
    const faults: string[] = [];
    const host = new DecodeHost(systemClock(), { maxDecoders: 4, packageName: 'no-such-package', onFault: (text) => void faults.push(text) });
    expect(host.codecs).toEqual([]);
    const { stream } = watch(host);
    expect(stream.push(chunk('vp8', { key: true, bytes: Uint8Array.of(1) }), tag(1))).toBe('VIDEO_UNSUPPORTED');
    expect(host.pid).toBeUndefined();
    await host.close();
  });

  it('[VID3] says so when a package is there and does not hold what is needed', async () => {
    const faults: string[] = [];
    const host = new DecodeHost(systemClock(), { maxDecoders: 4, packageName: 'ws', onFault: (text) => void faults.push(text) });
    const { stream } = watch(host);
    expect(stream.push(chunk('vp8', { key: true, bytes: Uint8Array.of(1) }), tag(1))).toBe('taken');
    await until(() => host.pid === undefined && faults.length > 0);
    expect(faults).toEqual(['video codecs: unavailable because ws does not load here']);
    expect([host.codecs, stream.push(chunk('vp8', { key: true, bytes: Uint8Array.of(1) }), tag(1))]).toEqual([[], 'VIDEO_UNSUPPORTED']);
    await host.close();
  });
});

/** Every second pixel of every second row. */
function halved(pixels: Uint8Array): Uint8Array {
  const out = new Uint8Array((SIZE.width * SIZE.height * 3) / 4);
  let to = 0;
  for (let y = 0; y < SIZE.height; y += 2) {
    for (let x = 0; x < SIZE.width; x += 2, to += 3) out.set(pixels.subarray((y * SIZE.width + x) * 3, (y * SIZE.width + x) * 3 + 3), to);
  }
  return out;
}

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  expect(one.length).toBe(other.length);
  return one.reduce((sum, value, index) => sum + Math.abs(value - other[index]!), 0) / one.length;
}

/** A baseline parameter set with 3125 x 3125 macroblocks, and a slice. */
function hugeH264(): Uint8Array {
  const exp = (value: number): string => `${'0'.repeat(Math.floor(Math.log2(value + 1)))}${(value + 1).toString(2)}`;
  const bits = `${[exp(0), exp(0), exp(0), exp(0), exp(1)].join('')}0${exp(3124)}${exp(3124)}1100`.padEnd(96, '0');
  const body = Array.from({ length: bits.length / 8 }, (_, index) => parseInt(bits.slice(index * 8, index * 8 + 8), 2));
  return Uint8Array.from([0, 0, 0, 1, 0x67, 66, 0xc0, 31, ...body, 0x80, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84]);
}
