import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { frameHeaderBytes } from '../../protocol/codec/container.ts';
import { decodeSnapshot, encodeSnapshot, type SnapshotEntry } from '../../protocol/codec/snapshot.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { damaged } from './support/arbitrary.ts';

const BASE_MS = 7.5e8;

function sampleBytes(valid: number, captureMs: number): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample({ ...createPoseSample(), valid, captureMs }, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.slice(0, size);
}

const entries = fc.uniqueArray(fc.record({ slot: fc.nat(1023), valid: fc.nat(31), aheadMs: fc.integer({ min: -5000, max: 0 }) }), { maxLength: 12, selector: ({ slot }) => slot });
const headers = fc.record({ tick: fc.nat(0xffffffff), serverMs: fc.integer({ min: 0, max: 1e6 }).map((ms) => BASE_MS + ms), key: fc.boolean() });

test('[SNP1] a snapshot comes back with its header, slots, parts and times', () => {
  fc.assert(
    fc.property(headers, entries, (header, wanted) => {
      const encoded: SnapshotEntry[] = wanted.map(({ slot, valid, aheadMs }) => ({ slot, sample: sampleBytes(valid, header.serverMs + aheadMs) }));
      const found: unknown[] = [];
      const decoded = decodeSnapshot(encodeSnapshot(header, encoded), BASE_MS, createPoseSample(), (slot, sample, size) => {
        found.push({ slot, valid: sample.valid, aheadMs: sample.captureMs - header.serverMs, size });
      });
      expect(decoded).toEqual({ ...header, count: wanted.length });
      expect(found).toEqual(wanted.map((entry, index) => ({ ...entry, size: encoded[index]?.sample.length })));
    }),
    { numRuns: 200 },
  );
});

test('[SNP4] no bytes make the decoder throw, and what it refuses was not visited', () => {
  const some = entries.map((wanted) => encodeSnapshot({ tick: 1, serverMs: 2, key: true }, wanted.map(({ slot, valid }) => ({ slot, sample: sampleBytes(valid, 0) }))));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), some.chain(damaged)), (bytes) => {
      let visits = 0;
      const decoded = decodeSnapshot(bytes, 0, createPoseSample(), () => visits++);
      if (typeof decoded === 'string') expect([['MESSAGE_INVALID', 'POSE_NOT_FINITE'].includes(decoded), visits]).toEqual([true, 0]);
      else expect(visits).toBe(decoded.count);
    }),
    { numRuns: 1000 },
  );
});

test('[SNP4] bytes behind the last entry, or one too few, make the whole invalid', () => {
  const bytes = encodeSnapshot({ tick: 1, serverMs: 2, key: true }, [{ slot: 1, sample: sampleBytes(1, 0) }]);
  const decode = (some: Uint8Array): unknown => decodeSnapshot(some, 0, createPoseSample(), () => undefined);
  expect(decode(bytes)).toMatchObject({ count: 1 });
  expect(decode(Uint8Array.from([...bytes, 0]))).toBe('MESSAGE_INVALID');
  expect(decode(bytes.subarray(0, bytes.length - 1))).toBe('MESSAGE_INVALID');
});

test('[SNP4] the largest session fits into one packet', () => {
  const everything = Array.from({ length: LIMITS.participantsPerSession }, (_, slot) => ({ slot, sample: sampleBytes(31, 0) }));
  const bytes = encodeSnapshot({ tick: 1, serverMs: 0, key: true }, everything);
  expect(bytes.length + frameHeaderBytes(bytes.length)).toBeLessThanOrEqual(LIMITS.packetBytes);
});
