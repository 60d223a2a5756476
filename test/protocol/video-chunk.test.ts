import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeVideoChunk, encodeVideoChunk, type VideoChunk } from '../../protocol/codec/video-chunk.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { damaged } from './support/arbitrary.ts';

const chunks: fc.Arbitrary<VideoChunk> = fc.record({
  captureMs: fc.integer({ min: 0, max: 1e8 }),
  codec: fc.constantFrom('jpeg', 'vp8', 'h264'),
  kind: fc.constantFrom('key', 'delta'),
  width: fc.integer({ min: 1, max: LIMITS.videoWidth }),
  height: fc.integer({ min: 1, max: LIMITS.videoHeight }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});

const SMALL: VideoChunk = { captureMs: 5, codec: 'jpeg', kind: 'key', width: 640, height: 480, bytes: Uint8Array.of(0xff, 0xd8) };

test('[VID1] a chunk comes back as it was sent', () => {
  fc.assert(
    fc.property(chunks, (chunk) => {
      expect(decodeVideoChunk(encodeVideoChunk(chunk), chunk.captureMs + 1000)).toEqual(chunk);
    }),
  );
});

test('[VID2] no bytes make the decoder throw, and what it takes is within the limits', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), chunks.chain((chunk) => damaged(encodeVideoChunk(chunk)))), (bytes) => {
      const decoded = decodeVideoChunk(bytes, 0);
      if (typeof decoded === 'string') {
        expect(['MESSAGE_INVALID', 'VIDEO_INVALID']).toContain(decoded);
      } else {
        expect(decoded.width >= 1 && decoded.width <= LIMITS.videoWidth && decoded.height >= 1 && decoded.height <= LIMITS.videoHeight).toBe(true);
        expect(decoded.bytes.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 2000 },
  );
});

test('[VID2] a picture may be as large as the limits say and not one byte or pixel more', () => {
  const largest = { ...SMALL, width: LIMITS.videoWidth, height: LIMITS.videoHeight, bytes: new Uint8Array(LIMITS.videoBytes) };
  expect(decodeVideoChunk(encodeVideoChunk(largest), 0)).toMatchObject({ width: 1920, height: 1080 });
  expect(decodeVideoChunk(encodeVideoChunk({ ...largest, bytes: new Uint8Array(LIMITS.videoBytes + 1) }), 0)).toBe('VIDEO_INVALID');
  expect(decodeVideoChunk(encodeVideoChunk({ ...largest, width: LIMITS.videoWidth + 1 }), 0)).toBe('VIDEO_INVALID');
  expect(decodeVideoChunk(encodeVideoChunk({ ...largest, height: LIMITS.videoHeight + 1 }), 0)).toBe('VIDEO_INVALID');
  expect(decodeVideoChunk(encodeVideoChunk({ ...SMALL, bytes: new Uint8Array() }), 0)).toBe('MESSAGE_INVALID');
});
