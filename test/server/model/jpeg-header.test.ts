import * as fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readJpegHeader } from '../../../server/model/jpeg-header.ts';
import { photograph, plain, png, withStatedSize } from './pictures.ts';

describe('readJpegHeader', () => {
  it('reads the size of a photograph', async () => {
    expect(readJpegHeader(await photograph(1))).toEqual({ kind: 'baseline', width: 640, height: 480 });
  });

  it('reads the size of a grey picture', async () => {
    const grey = await sharp(await plain(90, 33, 17)).grayscale().jpeg().toBuffer();
    expect(readJpegHeader(grey)).toEqual({ kind: 'baseline', width: 33, height: 17 });
  });

  it('believes the header of a bomb, so that its size can be refused', async () => {
    expect(readJpegHeader(withStatedSize(await plain(0), 50_000, 50_000))).toEqual({ kind: 'baseline', width: 50_000, height: 50_000 });
  });

  it('knows a PNG from a JPEG', async () => {
    expect(readJpegHeader(await png())).toEqual({ kind: 'not-jpeg' });
  });

  it('refuses a progressive picture, which may hold any number of scans', async () => {
    const progressive = await sharp(await photograph(1)).jpeg({ progressive: true }).toBuffer();
    expect(readJpegHeader(progressive)).toEqual({ kind: 'unsupported' });
  });

  it('refuses a picture of no width or no height', async () => {
    expect(readJpegHeader(withStatedSize(await plain(0), 0, 8))).toEqual({ kind: 'unsupported' });
    expect(readJpegHeader(withStatedSize(await plain(0), 8, 0))).toEqual({ kind: 'unsupported' });
  });

  it('says of every beginning of a picture that it is truncated, not a JPEG yet or of the right size', async () => {
    const whole = await plain(0);
    for (let length = 0; length <= whole.length; length++) {
      const header = readJpegHeader(whole.subarray(0, length));
      if (length < 2) expect(header.kind).toBe('not-jpeg');
      else if (header.kind !== 'truncated') expect(header).toEqual({ kind: 'baseline', width: 32, height: 24 });
    }
  });

  it('answers for any bytes behind the start marker', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const header = readJpegHeader(Uint8Array.of(0xff, 0xd8, 0xff, ...bytes));
        expect(['baseline', 'truncated', 'unsupported']).toContain(header.kind);
      }),
    );
  });
});
