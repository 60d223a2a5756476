import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAvatarDelta, decodeAvatarKey, encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from '../../../protocol/codec/delta/avatar-delta.ts';
import { type AvatarState, createAvatarState, readAvatarState, writeAvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import { AvatarChainReader, AvatarChainWriter } from '../../../protocol/codec/delta/chain.ts';
import { MAX_POSE_SAMPLE_BYTES } from '../../../protocol/codec/pose-sample.ts';
import { damaged } from '../support/arbitrary.ts';
import { anyState, bytesOf, walk } from './support.ts';

const walks = fc.record({ seed: fc.nat(), length: fc.constant(12), step: fc.constantFrom(0, 0.4, 2, 50, 4000) });

function delta(state: AvatarState, reference: AvatarState, older?: AvatarState): Uint8Array {
  const bytes = new Uint8Array(MAX_BLOB_BYTES + 1).fill(0xa5);
  const end = encodeAvatarDelta(state, reference, older, bytes, 0);
  expect(bytes[MAX_BLOB_BYTES]).toBe(0xa5);
  return bytes.slice(0, end);
}

test('[DLT5] a state has the numbers of the bytes that it was read from', () => {
  fc.assert(
    fc.property(anyState, (state) => {
      const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES + 3);
      const size = writeAvatarState(state, bytes, 3);
      const again = createAvatarState();
      expect(readAvatarState(bytes.subarray(0, 3 + size), 3, again)).toBe(size);
      expect(bytesOf(again)).toBe(bytesOf(state));
    }),
    { numRuns: 100 },
  );
});

describe('[DLT6] nothing is lost', () => {
  test('a delta gives the state again, whatever it is taken of', () => {
    fc.assert(
      fc.property(anyState, anyState, fc.option(anyState, { nil: undefined }), (state, reference, older) => {
        const bytes = delta(state, reference, older);
        const found = createAvatarState();
        expect(decodeAvatarDelta(bytes, 0, bytes.length, reference, older, found)).toBeUndefined();
        expect(bytesOf(found)).toBe(bytesOf(state));
      }),
      { numRuns: 300 },
    );
  });

  test('[DLT7] a key gives the state again, and what the movement is continued from', () => {
    fc.assert(
      fc.property(anyState, walks, (start, steps) => {
        const [older, state, next] = walk(start, { ...steps, length: 3 }) as [AvatarState, AvatarState, AvatarState];
        const bytes = new Uint8Array(MAX_BLOB_BYTES);
        const end = encodeAvatarKey(state, older, bytes, 0);
        const [found, foundOlder, foundNext] = [createAvatarState(), createAvatarState(), createAvatarState()];
        expect(decodeAvatarKey(bytes, 0, end, found, foundOlder)).toBeUndefined();
        expect(bytesOf(found)).toBe(bytesOf(state));
        const following = delta(next, state, older);
        expect(decodeAvatarDelta(following, 0, following.length, found, foundOlder, foundNext)).toBeUndefined();
        expect(bytesOf(foundNext)).toBe(bytesOf(next));
      }),
      { numRuns: 300 },
    );
  });
});

test('[DLT12] a chain stays in step over a long walk, and a key puts a latecomer into it at any time', () => {
  fc.assert(
    fc.property(anyState, walks, (start, steps) => {
      const writer = new AvatarChainWriter();
      const faithful = new AvatarChainReader();
      const latecomer = new AvatarChainReader();
      walk(start, { ...steps, length: 60 }).forEach((state, index) => {
        writer.advance(state);
        const isKey = index === 0;
        const [blob, key] = [isKey ? writer.key() : writer.delta(), writer.key()] as [Uint8Array, Uint8Array];
        expect(isKey ? faithful.decodeKey(blob, 0, blob.length) : faithful.decodeDelta(blob, 0, blob.length)).toBeUndefined();
        faithful.commit();
        const joins = index % 7 === 3;
        if (joins) expect(latecomer.decodeKey(key, 0, key.length)).toBeUndefined();
        else if (latecomer.follows) expect(latecomer.decodeDelta(blob, 0, blob.length)).toBeUndefined();
        if (joins || latecomer.follows) latecomer.commit();
        expect(bytesOf(faithful.newest)).toBe(bytesOf(state));
        if (latecomer.follows) expect(bytesOf(latecomer.newest)).toBe(bytesOf(state));
      });
    }),
    { numRuns: 40 },
  );
});

describe('[DLT11] bytes that mean nothing', () => {
  const refused = (problem: string | undefined): boolean => problem === undefined || problem === 'MESSAGE_INVALID';

  test('a damaged blob is refused or gives a state that can be sent on, and never throws', () => {
    fc.assert(
      fc.property(fc.tuple(anyState, walks).chain(([start, steps]) => {
        const [older, reference, state] = walk(start, { ...steps, length: 3 }) as [AvatarState, AvatarState, AvatarState];
        const key = new Uint8Array(MAX_BLOB_BYTES);
        const end = encodeAvatarKey(state, older, key, 0);
        return fc.record({ older: fc.constant(older), reference: fc.constant(reference), delta: damaged(delta(state, reference, older)), key: damaged(key.slice(0, end)) });
      }), (given) => {
        const [found, foundOlder] = [createAvatarState(), createAvatarState()];
        const before = [bytesOf(given.reference), bytesOf(given.older)];
        const ofDelta = decodeAvatarDelta(given.delta, 0, given.delta.length, given.reference, given.older, found);
        expect(refused(ofDelta)).toBe(true);
        if (ofDelta === undefined) expectSendable(found);
        expect([bytesOf(given.reference), bytesOf(given.older)]).toEqual(before);
        const ofKey = decodeAvatarKey(given.key, 0, given.key.length, found, foundOlder);
        expect(refused(ofKey)).toBe(true);
        if (ofKey === undefined) expectSendable(found);
      }),
      { numRuns: 1500 },
    );
  });

  test('a blob is refused with a byte less, and with a byte more', () => {
    fc.assert(
      fc.property(anyState, walks, (start, steps) => {
        const [older, reference, state] = walk(start, { ...steps, length: 3 }) as [AvatarState, AvatarState, AvatarState];
        const bytes = Uint8Array.from([...delta(state, reference, older), 0, 0]);
        const decode = (end: number): string | undefined => decodeAvatarDelta(bytes, 0, end, reference, older, createAvatarState());
        expect([-3, -2, -1].map((less) => decode(bytes.length + less))).toEqual(['MESSAGE_INVALID', undefined, 'MESSAGE_INVALID']);
      }),
      { numRuns: 200 },
    );
  });

  function expectSendable(state: AvatarState): void {
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    expect(readAvatarState(bytes.subarray(0, writeAvatarState(state, bytes, 0)), 0, createAvatarState())).toBeTypeOf('number');
  }
});
