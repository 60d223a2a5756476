import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from '../../../protocol/codec/delta/avatar-delta.ts';
import type { AvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import { deltaByTheRules, keyByTheRules, type Sample, sampleBytes } from './by-the-rules.ts';
import { anyState, bytesOf, walk } from './support.ts';


const walks = fc.record({ start: anyState, seed: fc.nat(), step: fc.constantFrom(0, 0.4, 2, 50, 4000) });

test('[DLT4] [DLT5] [DLT6] [DLT7] [DLT8] [DLT9] [DLT10] a decoder that was written from the rules follows every chain', () => {
  const bytes = new Uint8Array(MAX_BLOB_BYTES);
  fc.assert(
    fc.property(walks, fc.nat(4), ({ start, seed, step }, keyAt) => {
      const states = walk(start, { seed, length: 8, step });
      let told: Sample | undefined;
      let older: Sample | undefined;
      states.forEach((state, at) => {
        if (at < keyAt) return;
        if (at === keyAt) {
          const key = keyByTheRules(bytes.slice(0, encodeAvatarKey(state, states[at - 1], bytes, 0)));
          [told, older] = [key?.sample, key?.older];
        } else {
          const next = deltaByTheRules(bytes.slice(0, encodeAvatarDelta(state, states[at - 1] as AvatarState, states[at - 2], bytes, 0)), told as Sample, older);
          [told, older] = [next, told];
        }
        expect(sampleBytes(told as Sample)).toBe(bytesOf(state));
      });
    }),
    { numRuns: 60 },
  );
});

test('[DLT8] it takes deltas by a baseline, too', () => {
  const bytes = new Uint8Array(MAX_BLOB_BYTES);
  fc.assert(
    fc.property(walks, ({ start, seed, step }) => {
      const [first, , third] = walk(start, { seed, length: 3, step }) as [AvatarState, AvatarState, AvatarState];
      const baseline = keyByTheRules(bytes.slice(0, encodeAvatarKey(first, undefined, bytes, 0)))?.sample as Sample;
      const told = deltaByTheRules(bytes.slice(0, encodeAvatarDelta(third, first, undefined, bytes, 0)), baseline, undefined);
      expect(sampleBytes(told as Sample)).toBe(bytesOf(third));
    }),
    { numRuns: 60 },
  );
});
