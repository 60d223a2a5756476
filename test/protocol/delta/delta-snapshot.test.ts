import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import { AvatarBaselineWriter } from '../../../protocol/codec/delta/baselines.ts';
import { AvatarChainWriter } from '../../../protocol/codec/delta/chain.ts';
import { type DeltaEntry, type DeltaSnapshot, DeltaSnapshotReader, encodeDeltaSnapshot, entryHeadBytes, readDeltaSnapshotHeader } from '../../../protocol/codec/delta/delta-snapshot.ts';
import { damaged } from '../support/arbitrary.ts';
import { anyState, bytesOf, walk } from './support.ts';

const START_MS = 7.5e8;
const NO_FLAGS = { serverMs: START_MS, key: false, acknowledge: false };

/** What a reader tells of a snapshot, and the snapshot. */
function read(reader: DeltaSnapshotReader, bytes: Uint8Array): { told: Record<number, string>; snapshot: DeltaSnapshot | string } {
  const told: Record<number, string> = {};
  const snapshot = reader.read(bytes, START_MS, (slot, { state }) => (told[slot] = bytesOf(state)));
  return { told, snapshot };
}

/** A walk for each slot, of states that all have the same length. */
const crowds = fc.uniqueArray(fc.record({ slot: fc.nat(1023), start: anyState, seed: fc.nat() }), { minLength: 1, maxLength: 5, selector: ({ slot }) => slot })
  .map((crowd) => crowd.sort((a, b) => a.slot - b.slot).map(({ slot, start, seed }) => ({ slot, states: walk(start, { seed, length: 12, step: 1 }) })));

test('[DLT1] every slot of every size is told, in ascending order, in as many bytes as is said beforehand', () => {
  fc.assert(
    fc.property(crowds, fc.nat(0xffffffff), (crowd, tick) => {
      const entries = crowd.map(({ slot, states }): DeltaEntry => {
        const chain = new AvatarChainWriter();
        chain.advance(states[0] as AvatarState);
        return { slot, mode: 'key', tier: slot % 8, blob: chain.key() as Uint8Array };
      });
      const bytes = encodeDeltaSnapshot({ tick, serverMs: START_MS, key: true, acknowledge: true }, entries);
      const found: unknown[] = [];
      const snapshot = new DeltaSnapshotReader({ baselines: 0 }).read(bytes, START_MS, (slot, { state, tier, isKey }) => found.push({ slot, tier, isKey, sample: bytesOf(state) }));
      expect(snapshot).toEqual({ tick, serverMs: START_MS, key: true, acknowledge: true, count: crowd.length, missing: [] });
      expect(found).toEqual(crowd.map(({ slot, states }) => ({ slot, tier: slot % 8, isKey: true, sample: bytesOf(states[0] as AvatarState) })));
      const heads = entries.reduce((sum, entry, at) => sum + entryHeadBytes(entry, tick, entries[at - 1]?.slot ?? -1) + entry.blob.length, 9);
      expect(heads).toBe(bytes.length);
    }),
    { numRuns: 60 },
  );
});

describe('[DLT2] who follows', () => {
  test('a chain gets every sample, and a sample by a baseline is that of the baseline that is named', () => {
    fc.assert(
      fc.property(crowds, fc.array(fc.nat(10), { minLength: 12, maxLength: 12 }), (crowd, ages) => {
        const chains = crowd.map(() => new AvatarChainWriter());
        const baselines = crowd.map(() => new AvatarBaselineWriter(8));
        const [ordered, lossy] = [new DeltaSnapshotReader({ baselines: 0 }), new DeltaSnapshotReader({ baselines: 8 })];
        for (let tick = 0; tick < 12; tick++) {
          const states = crowd.map(({ states }) => states[tick] as AvatarState);
          states.forEach((state, at) => chains[at]?.advance(state));
          states.forEach((state, at) => baselines[at]?.advance(tick, state));
          const wanted = Object.fromEntries(crowd.map(({ slot }, at) => [slot, bytesOf(states[at] as AvatarState)]));
          const chained = crowd.map(({ slot }, at): DeltaEntry => (tick === 0 ? { slot, mode: 'key', tier: 0, blob: chains[at]?.key() as Uint8Array } : { slot, mode: 'chain', blob: chains[at]?.delta() as Uint8Array }));
          expect(read(ordered, encodeDeltaSnapshot({ ...NO_FLAGS, tick }, chained)).told).toEqual(wanted);
          const baselineTick = tick - 1 - (ages[tick] ?? 0);
          const told = crowd.map(({ slot }, at): DeltaEntry => {
            const blob = baselines[at]?.against(baselineTick);
            return blob === undefined ? { slot, mode: 'key', tier: 0, blob: baselines[at]?.key() as Uint8Array } : { slot, mode: 'baseline', tier: 3, baselineTick, blob };
          });
          expect(read(lossy, encodeDeltaSnapshot({ ...NO_FLAGS, tick, acknowledge: true }, told)).told).toEqual(wanted);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('all who take a baseline get the same bytes, and one that is too old is none', () => {
    const [first, second, third] = walk(fc.sample(anyState, { numRuns: 1, seed: 1 })[0] as AvatarState, { seed: 1, length: 3, step: 1 }) as [AvatarState, AvatarState, AvatarState];
    const writer = new AvatarBaselineWriter(1);
    expect([writer.key(), writer.against(0)]).toEqual([undefined, undefined]);
    writer.advance(10, first);
    writer.advance(11, second);
    expect(writer.against(10)).toBe(writer.against(10));
    expect([writer.against(11), writer.against(9)]).toEqual([undefined, undefined]);
    writer.advance(12, third);
    expect(writer.against(10)).toBeUndefined();
    expect(writer.against(11)).toBeDefined();
  });
});

describe('[DLT3] who does not', () => {
  const states = walk(fc.sample(anyState, { numRuns: 1, seed: 7 })[0] as AvatarState, { seed: 3, length: 3, step: 1 });
  const chain = new AvatarChainWriter();
  const blobs = states.map((state) => {
    chain.advance(state);
    return { key: chain.key() as Uint8Array, delta: chain.delta() ?? new Uint8Array() };
  });
  const [first, second, third] = blobs as [(typeof blobs)[0], (typeof blobs)[0], (typeof blobs)[0]];
  const known = (tick: number, slot: number): Uint8Array => encodeDeltaSnapshot({ ...NO_FLAGS, tick }, [{ slot, mode: 'key', tier: 0, blob: first.key }]);

  test('what cannot be known is skipped and named, and the rest counts', () => {
    const reader = new DeltaSnapshotReader({ baselines: 4 });
    read(reader, known(1, 5));
    const entries: DeltaEntry[] = [{ slot: 4, mode: 'chain', blob: second.delta }, { slot: 5, mode: 'chain', blob: second.delta }, { slot: 6, mode: 'baseline', tier: 0, baselineTick: 1, blob: second.delta }];
    const { told, snapshot } = read(reader, encodeDeltaSnapshot({ ...NO_FLAGS, tick: 2 }, entries));
    expect(snapshot).toMatchObject({ count: 3, missing: [4, 6] });
    expect(told).toEqual({ 5: bytesOf(states[1] as AvatarState) });
    expect([reader.newest(4), bytesOf(reader.newest(5) as AvatarState)]).toEqual([undefined, bytesOf(states[1] as AvatarState)]);
    reader.forget(5);
    expect(read(reader, encodeDeltaSnapshot({ ...NO_FLAGS, tick: 3 }, [{ slot: 5, mode: 'chain', blob: third.delta }])).snapshot).toMatchObject({ missing: [5] });
  });

  test('a snapshot with a broken tail has no effect on those in front of it', () => {
    const reader = new DeltaSnapshotReader({ baselines: 0 });
    read(reader, known(1, 5));
    const whole = encodeDeltaSnapshot({ ...NO_FLAGS, tick: 2 }, [{ slot: 5, mode: 'chain', blob: second.delta }, { slot: 6, mode: 'key', tier: 0, blob: second.key }]);
    expect(read(reader, whole.subarray(0, -1))).toEqual({ told: {}, snapshot: 'MESSAGE_INVALID' });
    expect(reader.newest(6)).toBeUndefined();
    expect(read(reader, whole).told).toEqual({ 5: bytesOf(states[1] as AvatarState), 6: bytesOf(states[1] as AvatarState) });
  });

  test('no bytes make a reader throw, and what it refuses was not told', () => {
    const good = encodeDeltaSnapshot({ ...NO_FLAGS, tick: 2 }, [{ slot: 5, mode: 'chain', blob: second.delta }, { slot: 9, mode: 'key', tier: 0, blob: third.key }]);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(good)), (bytes) => {
        const reader = new DeltaSnapshotReader({ baselines: 2 });
        read(reader, known(1, 5));
        const { told, snapshot } = read(reader, bytes);
        if (typeof snapshot === 'string') expect([snapshot, told]).toEqual(['MESSAGE_INVALID', {}]);
        else expect(Object.keys(told).length + snapshot.missing.length).toBe(snapshot.count);
        expect(readDeltaSnapshotHeader(bytes, START_MS) === undefined && typeof snapshot !== 'string').toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
