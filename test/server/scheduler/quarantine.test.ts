import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, shuffle, type Random } from '../../../core/random.ts';
import { Quarantine, senderOf, type SuspectGroup } from '../../../server/scheduler/quarantine.ts';

/** Senders that all send at once, again and again, to one worker that dies on what some of them send. */
class Ward {
  readonly quarantine = new Quarantine();
  readonly convicted: string[] = [];
  deaths = 0;
  nowMs = 0;
  readonly #options: { readonly batchSize: number; readonly isPoison: (sender: string) => boolean };

  constructor(options: { readonly batchSize: number; readonly isPoison: (sender: string) => boolean }) {
    this.#options = options;
  }

  /** One request of each sender. @returns those that were answered. */
  round(senders: readonly string[]): Set<string> {
    this.nowMs += 50;
    const served = new Set<string>();
    const waiting = new Map<SuspectGroup | undefined, string[]>();
    for (const sender of senders) {
      const standing = this.quarantine.standingOf(sender, this.nowMs);
      if (standing.kind === 'quarantined') continue;
      const group = standing.kind === 'suspect' ? standing.group : undefined;
      waiting.set(group, [...(waiting.get(group) ?? []), sender]);
    }
    for (const [group, names] of waiting) {
      for (let from = 0; from < names.length; from += this.#options.batchSize) {
        const batch = names.slice(from, from + this.#options.batchSize);
        if (this.run(batch, group)) for (const sender of batch) served.add(sender);
      }
    }
    return served;
  }

  /** @returns whether the worker survived. */
  run(batch: readonly string[], group: SuspectGroup | undefined): boolean {
    if (batch.some((sender) => this.#options.isPoison(sender))) {
      this.deaths++;
      this.convicted.push(...this.quarantine.lost(batch, group, this.nowMs).map(({ sender }) => sender));
      return false;
    }
    if (group !== undefined) this.quarantine.completed(batch, group, this.nowMs);
    return true;
  }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `sender-${at}`);

/** For 1 and 2 the second death alone, which saves innocents, is one more than a search would need. */
const deathsAllowed = (batchSize: number): number => Math.max(Math.ceil(Math.log2(batchSize)) + 1, Math.min(batchSize, 2) + 1);

interface Case {
  readonly seed: number;
  readonly batchSize: number;
  readonly senderCount: number;
  readonly poisonShare: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(),
  batchSize: fc.integer({ min: 1, max: 64 }),
  senderCount: fc.integer({ min: 1, max: 150 }),
  poisonShare: fc.double({ min: 0, max: 0.2, noNaN: true }),
});

function tell({ seed, batchSize, senderCount, poisonShare }: Case): { ward: Ward; senders: string[]; poison: Set<string>; random: Random } {
  const random = seededRandom(seed);
  const senders = shuffle(random, names(senderCount));
  const poison = new Set(senders.slice(0, Math.ceil(poisonShare * senderCount)));
  return { ward: new Ward({ batchSize, isPoison: (sender) => poison.has(sender) }), senders, poison, random };
}

describe('Quarantine', () => {
  it('finds every culprit in at most log2(b) + 1 deaths each, serves every innocent again and refuses none', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { ward, senders, poison, random } = tell(given);
        let served = new Set<string>();
        for (let round = 0; round < 12; round++) {
          served = ward.round(shuffle(random, [...senders]));
          for (const sender of ward.convicted) expect(poison).toContain(sender);
        }
        expect(new Set(ward.convicted)).toEqual(poison);
        expect(served).toEqual(new Set(senders.filter((sender) => !poison.has(sender))));
        expect(ward.deaths).toBeLessThanOrEqual(poison.size * deathsAllowed(given.batchSize));
        expect(ward.quarantine.hasSuspects).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('serves the innocent also while it searches: a group that completes a batch is among everybody again', () => {
    const ward = new Ward({ batchSize: 64, isPoison: (sender) => sender === 'sender-40' });
    const senders = names(64);
    expect(ward.round(senders).size).toBe(0);
    expect(ward.round(senders).size).toBe(48);
    expect(ward.round(senders).size).toBe(60);
    expect(ward.round(senders).size).toBe(63);
    expect(ward.round(senders).size).toBe(63);
    expect(ward.convicted).toEqual(['sender-40']);
    expect(ward.deaths).toBe(5);
  });

  it('refuses for 10 s, then watches the sender alone, and refuses it twice as long with its next death', () => {
    const ward = new Ward({ batchSize: 8, isPoison: () => true });
    const durations: number[] = [];
    for (let conviction = 0; conviction < 8; conviction++) {
      while (ward.convicted.length === conviction) ward.round(['culprit']);
      const standing = ward.quarantine.standingOf('culprit', ward.nowMs);
      if (standing.kind !== 'quarantined') throw new Error('it was convicted');
      durations.push(standing.untilMs - ward.nowMs);
      expect(ward.quarantine.standingOf('culprit', standing.untilMs - 1).kind).toBe('quarantined');
      ward.nowMs = standing.untilMs;
      expect(ward.quarantine.standingOf('culprit', ward.nowMs)).toMatchObject({ kind: 'suspect', group: { members: new Set(['culprit']) } });
    }
    expect(durations).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 320_000, 320_000]);
    expect(ward.deaths).toBe(9);
  });

  it('trusts one that is harmless after its quarantine, and forgets it in the end', () => {
    let isPoison = true;
    const ward = new Ward({ batchSize: 8, isPoison: () => isPoison });
    while (ward.convicted.length === 0) ward.round(['culprit']);
    isPoison = false;
    ward.nowMs += 10_000;
    for (let round = 0; round < 3; round++) expect(ward.round(['culprit'])).toEqual(new Set(['culprit']));
    expect(ward.quarantine.standingOf('culprit', ward.nowMs)).toEqual({ kind: 'trusted' });
    expect(ward.quarantine.size).toBe(1);
    ward.quarantine.standingOf('another', ward.nowMs + 600_001);
    expect(ward.quarantine.size).toBe(0);
  });

  it('refuses nobody for deaths that have other reasons, as long as batches come back between them', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 8 }), (seed, senderCount) => {
        const random = seededRandom(seed);
        let dies = false;
        const ward = new Ward({ batchSize: 8, isPoison: () => dies });
        for (let accident = 0; accident < 20; accident++) {
          dies = true;
          ward.round(names(senderCount).slice(0, 1 + Math.floor(random.next() * senderCount)));
          dies = false;
          // Each of them is heard in full before the next accident.
          for (let round = 0; round < 64; round++) ward.round(names(senderCount));
        }
        expect(ward.convicted).toEqual([]);
        expect(ward.quarantine.hasSuspects).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('finds one that sends poison only now and then', () => {
    let frame = 0;
    const ward = new Ward({ batchSize: 16, isPoison: (sender) => sender === 'sender-3' && frame % 20 === 0 });
    const senders = names(16);
    for (frame = 0; frame < 2000 && ward.convicted.length === 0; frame++) ward.round(senders);
    expect(ward.convicted).toEqual(['sender-3']);
    expect(ward.deaths).toBeLessThanOrEqual(30);
  });

  it('suspects nobody for longer than a minute who sends nothing', () => {
    const ward = new Ward({ batchSize: 8, isPoison: () => true });
    ward.run(names(8), undefined);
    expect(ward.quarantine.hasSuspects).toBe(true);
    ward.quarantine.standingOf('another', ward.nowMs + 60_001);
    expect(ward.quarantine.hasSuspects).toBe(false);
  });

  it('learns nothing of suspects from a batch that left before they were suspected, and nothing at all from one with a culprit in it', () => {
    const quarantine = new Quarantine();
    quarantine.lost(['a', 'b'], undefined, 0);
    const before = quarantine.standingOf('a', 0);
    quarantine.lost(['a', 'c'], undefined, 1);
    expect(quarantine.standingOf('a', 1)).toEqual(before);
    expect(quarantine.standingOf('c', 1).kind).toBe('suspect');
    for (let death = 0; death < 2; death++) {
      const standing = quarantine.standingOf('a', 2);
      if (standing.kind === 'suspect') quarantine.lost(['a'], standing.group, 2);
    }
    expect(quarantine.standingOf('a', 3).kind).toBe('quarantined');
    quarantine.lost(['a', 'd'], undefined, 3);
    expect(quarantine.standingOf('d', 3)).toEqual({ kind: 'trusted' });
  });

  it('takes a participant for one sender, and a tenant for one of raw tensors', () => {
    const origin = { sessionId: 'hall', slot: 3, part: 'left' };
    expect(senderOf({ origin, encoding: 'task', tenant: 't' })).toBe(senderOf({ origin: { ...origin, part: 'right' }, encoding: 'task', tenant: 'u' }));
    expect(senderOf({ origin, encoding: 'tensors', tenant: 't' })).toBe(senderOf({ origin: { ...origin, sessionId: 'oip' }, encoding: 'tensors', tenant: 't' }));
  });
});
