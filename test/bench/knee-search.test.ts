import { expect, it } from 'vitest';
import fc from 'fast-check';
import { nextKneeStep, type KneeSearch, type Trial } from '../../bench/fanout/knee-search.ts';

/** Runs a search against a server that bears up to `capacity` senders. */
function find(capacity: number, search: KneeSearch): { senders: number; trials: Trial[] } {
  const trials: Trial[] = [];
  for (;;) {
    const step = nextKneeStep(trials, search);
    if (step.kind === 'found') return { senders: step.senders, trials };
    expect(trials.map(({ senders }) => senders)).not.toContain(step.senders);
    expect(step.senders).toBeLessThanOrEqual(search.most);
    trials.push({ senders: step.senders, borne: step.senders <= capacity });
  }
}

it('finds the knee to about a tenth or a part of a session, from wherever it begins', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 2000 }), fc.constantFrom(4, 16, 64), (capacity, first, members) => {
    const { senders, trials } = find(capacity, { first, most: 4096, members });
    expect(senders).toBeLessThanOrEqual(capacity);
    expect(capacity - senders).toBeLessThanOrEqual(Math.max(members / 2, 0.12 * capacity));
    expect(trials.length).toBeLessThanOrEqual(28);
  }));
});

it('stops at the most that it may try', () => {
  expect(find(1e9, { first: 100, most: 640, members: 16 }).senders).toBe(640);
});

it('finds nothing where nothing is borne', () => {
  expect(find(0, { first: 100, most: 640, members: 16 }).senders).toBe(0);
});

it('believes the trial that was not borne, whatever was borne above it', () => {
  const search = { first: 64, most: 1024, members: 16 };
  expect(nextKneeStep([{ senders: 64, borne: false }, { senders: 62, borne: true }, { senders: 96, borne: true }], search)).toEqual({ kind: 'found', senders: 62 });
});
