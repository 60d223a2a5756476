import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import type { VideoChunk } from '../../../protocol/codec/video-chunk.ts';
import type { PictureTag } from '../../../server/video-flow.ts';
import { admitPicture, asksForKey, KEY_REQUEST_MS, MAX_BYTES_UNDER_WAY, MAX_UNDER_WAY, NEW_STREAM } from '../../../server/video/admit-picture.ts';
import type { ToDecoder } from '../../../server/video/decode-messages.ts';
import { planDecoding } from '../../../server/video/decode-plan.ts';
import { DecodeStream } from '../../../server/video/decode-stream.ts';
import { DecoderShelf, IDLE_MS, IN_USE_MS } from '../../../server/video/decoder-shelf.ts';
import { Strikes } from '../../../server/video/strikes.ts';

const KEY = { key: true, discardable: false };
const DELTA = { key: false, discardable: false };
const SPARE = { key: false, discardable: true };

describe('what is decoded of the pictures that wait', () => {
  it('[VID8] is the last key and all on which the newest builds, and no more', () => {
    expect(planDecoding([DELTA])).toEqual([0]);
    expect(planDecoding([DELTA, DELTA, KEY, DELTA])).toEqual([2, 3]);
    expect(planDecoding([KEY, SPARE, DELTA, SPARE, DELTA])).toEqual([0, 2, 4]);
    expect(planDecoding([KEY, SPARE, DELTA, SPARE])).toEqual([0, 2, 3]);
    expect(planDecoding([KEY, DELTA, KEY])).toEqual([2]);
  });

  it('[VID8] ends with the newest, and leaves out no delta behind the last key that others may need', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(KEY, DELTA, SPARE), { minLength: 1, maxLength: 30 }), (waiting) => {
      const plan = planDecoding(waiting);
      expect(plan.at(-1)).toBe(waiting.length - 1);
      const lastKey = waiting.lastIndexOf(KEY);
      waiting.forEach((picture, index) => {
        if (index >= lastKey && picture === DELTA) expect(plan).toContain(index);
      });
    }));
  });
});

describe('what goes to the decoder', () => {
  it('[VID7] begins with a key, and breaks at a picture that finds too much under way, unless no other needs it', () => {
    expect(admitPicture(NEW_STREAM, DELTA, 1)).toBe('leave-out');
    expect(admitPicture(NEW_STREAM, KEY, 1)).toBe('decode');
    const busy = { waitsForKey: false, underWay: MAX_UNDER_WAY, keyAskedMs: 0 };
    expect([admitPicture(busy, SPARE, 1), admitPicture(busy, DELTA, 1), admitPicture(busy, KEY, 1)]).toEqual(['leave-out', 'break', 'break']);
    expect(admitPicture({ ...busy, underWay: 0 }, DELTA, MAX_BYTES_UNDER_WAY + 1)).toBe('break');
    expect(asksForKey({ waitsForKey: true, underWay: MAX_UNDER_WAY, keyAskedMs: -5000 }, 0)).toBe(false);
  });

  const tag: PictureTag = { captureDeviceMs: 1, captureMs: 2, arrivedMs: 3 };
  function open(whyNot: () => 'MODEL_UNAVAILABLE' | undefined = () => undefined): { stream: DecodeStream; clock: ManualClock; sent: ToDecoder[]; heard: string[] } {
    const clock = new ManualClock(10_000);
    const sent: ToDecoder[] = [];
    const heard: string[] = [];
    const stream: DecodeStream = new DecodeStream({
      id: 7, owner: 'ada', clock, whyNot, bytesUnderWay: (): number => stream.bytesUnderWay, send: (message) => void sent.push(message), closed: () => void heard.push('closed'),
      listener: { onPicture: (_picture, { captureMs }) => void heard.push(`picture ${captureMs}`), onKeyNeeded: () => void heard.push('key'), onRefused: (code) => void heard.push(code) },
    });
    return { stream, clock, sent, heard };
  }
  const chunk = (kind: 'key' | 'delta'): VideoChunk => ({ captureMs: 0, codec: 'vp8', kind, width: 320, height: 240, bytes: Uint8Array.of(1, 2, 3) });
  const picture = { width: 1, height: 1, jpeg: new Uint8Array(1) };

  it('[VID7] is asked for a key once a second while pictures come that cannot be decoded', () => {
    const { stream, clock, sent, heard } = open();
    for (let step = 0; step < 30; step++, clock.advance(KEY_REQUEST_MS / 10)) expect(stream.push(chunk('delta'), tag)).toBe('superseded');
    expect({ heard, sent }).toEqual({ heard: ['key', 'key', 'key'], sent: [] });
    expect(stream.push(chunk('key'), tag)).toBe('taken');
    expect(stream.push(chunk('delta'), tag)).toBe('taken');
    expect(heard.length).toBe(3);
  });

  it('[VID7] waits for a key after a backlog, and comes back with the tags of the pictures that are shown', () => {
    const { stream, clock, heard } = open();
    stream.push(chunk('key'), tag);
    for (let index = 1; index < MAX_UNDER_WAY; index++) stream.push(chunk('delta'), { ...tag, captureMs: 100 + index });
    expect(stream.push(chunk('delta'), tag)).toBe('superseded');
    stream.answered({ kind: 'decoded', stream: 7, id: 3, picture });
    expect(stream.bytesUnderWay).toBe(3 * (MAX_UNDER_WAY - 3));
    expect(stream.push(chunk('delta'), tag)).toBe('superseded');
    stream.answered({ kind: 'decoded', stream: 7, id: MAX_UNDER_WAY, picture });
    expect(heard).toEqual(['picture 102', `picture ${100 + MAX_UNDER_WAY - 1}`, 'key']);
    clock.advance(10);
    expect(stream.push(chunk('key'), tag)).toBe('taken');
  });

  it('[VID7] [VID8] starts anew after a damaged picture, a refusal, and a decoder that died', () => {
    const { stream, clock, sent, heard } = open();
    stream.push(chunk('key'), tag);
    stream.answered({ kind: 'refused', stream: 7, id: 1, code: 'VIDEO_INVALID' });
    expect(stream.push(chunk('delta'), tag)).toBe('superseded');
    stream.push(chunk('key'), tag);
    clock.advance(KEY_REQUEST_MS);
    stream.lost(clock.nowMs());
    expect(stream.bytesUnderWay).toBe(0);
    stream.push(chunk('key'), tag);
    stream.answered({ kind: 'refused', stream: 7, id: 3, code: 'MODEL_OVERLOADED' });
    expect(stream.push(chunk('key'), tag)).toBe('MODEL_OVERLOADED');
    clock.advance(2000);
    expect(stream.push(chunk('key'), tag)).toBe('taken');
    stream.close();
    expect(heard).toEqual(['VIDEO_INVALID', 'key', 'key', 'MODEL_OVERLOADED', 'closed']);
    expect(sent.at(-1)).toEqual({ kind: 'close', stream: 7 });
    expect(open(() => 'MODEL_UNAVAILABLE').stream.push(chunk('key'), tag)).toBe('MODEL_UNAVAILABLE');
  });
});

describe('decoders', () => {
  it('[VID8] are so many at most; the one that nobody has used for longest makes room, and none that is in use', () => {
    const closed: number[] = [];
    const shelf = new DecoderShelf<{ close(): void }>(2);
    const make = (stream: number) => () => ({ close: () => void closed.push(stream) });
    shelf.add(1, make(1), 0);
    shelf.add(2, make(2), 10);
    expect(shelf.add(3, make(3), 20)).toBe('full');
    shelf.get(1, IN_USE_MS);
    expect(shelf.add(3, make(3), IN_USE_MS + 10)).not.toBe('full');
    expect([closed, shelf.size]).toEqual([[2], 2]);
    shelf.sweep(IDLE_MS + IN_USE_MS + 9);
    expect(closed).toEqual([2, 1]);
  });

  it('[VID8] are refused to whoever ended their process twice within a minute, for twice as long each time', () => {
    const strikes = new Strikes();
    strikes.add('ada', 0);
    expect(strikes.isRefused('ada', 1)).toBe(false);
    strikes.add('ada', 50_000);
    expect([strikes.isRefused('ada', 59_999), strikes.isRefused('ada', 60_000), strikes.isRefused('bob', 55_000)]).toEqual([true, false, false]);
    strikes.add('ada', 100_000);
    expect([strikes.isRefused('ada', 119_999), strikes.isRefused('ada', 120_000)]).toEqual([true, false]);
    strikes.add('ada', 180_001);
    expect(strikes.isRefused('ada', 180_002)).toBe(false);
  });
});
