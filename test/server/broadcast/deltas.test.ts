import { describe, expect, it } from 'vitest';
import { randomInt, seededRandom, type Random } from '../../../core/random.ts';
import { KIND } from '../../../protocol/codec/container.ts';
import { Rig, TICK_HZ, wander, type Member } from './support/rig.ts';

/** The slowest tier at 72 Hz. */
const SLOWEST_TICKS = 8;

/** Moves everybody with `share` chance and lets a tick pass. */
function play(rig: Rig, ticks: number, { random, metres = 60, share = 0.8, each = () => undefined }: { random: Random; metres?: number; share?: number; each?: () => void }): void {
  const walks = new Map<Member, ReturnType<typeof wander>>();
  for (let tick = 0; tick < ticks; tick++) {
    each();
    for (const member of rig.members.values()) {
      if (random.next() > share) continue;
      let walk = walks.get(member);
      if (walk === undefined) walks.set(member, (walk = wander(random, metres)));
      member.pose(walk());
    }
    rig.step();
  }
}

/** Everybody's newest sample has been told to everybody. */
function expectAllTold(rig: Rig): void {
  for (const member of rig.members.values()) {
    for (const { slot, participant } of rig.members.values()) {
      if (participant.newest === undefined) continue;
      const told = member.told.get(slot);
      expect(told, `${slot} at ${member.id}`).toBeDefined();
      expect(rig.sampleOf(slot, told?.captureMs ?? 0), `${slot} at ${member.id}`).toBeDefined();
      const newest = [...rig.newest(slot)];
      expect(told?.captureMs, `${slot} at ${member.id}`).toBe(newest.at(-1));
    }
  }
}

describe('delta snapshots', () => {
  it('[INT1] go to those who read them; the others get snapshots as they are', () => {
    const rig = new Rig();
    const [modern, old] = [rig.join(0), rig.join(1, { deltas: false })];
    play(rig, 20, { random: seededRandom(1) });
    expect([...modern.kinds]).toEqual([KIND.deltaSnapshot]);
    expect([...old.kinds]).toEqual([KIND.snapshot]);
    expect(rig.problems).toEqual([]);
    for (const member of [modern, old]) expect([...member.told.keys()].sort()).toEqual([0, 1]);
  });

  it('[INT6] are the same bytes for everybody in a small session, each participant encoded once', () => {
    const rig = new Rig();
    const members = Array.from({ length: 8 }, (_, slot) => rig.join(slot));
    const random = seededRandom(2);
    play(rig, 40, { random });
    const before = members.map(({ sentBytes, messages }) => [sentBytes, messages]);
    rig.work.length = 0;
    play(rig, 72, { random, share: 1 });
    const sent = members.map(({ sentBytes, messages }, index) => `${sentBytes - before[index]![0]!} ${messages - before[index]![1]!}`);
    expect(new Set(sent).size).toBe(1);
    expect(rig.work.map(({ encodes }) => encodes)).toEqual(rig.work.map(() => 8));
    expect(rig.problems).toEqual([]);
  });

  it('[INT2] [INT7] bring every newest pose within its tier, over any motion, joins, leaves, tiers and missed snapshots', () => {
    for (const seed of [11, 13]) {
      const random = seededRandom(seed);
      const rig = new Rig(seed === 13 ? { bytesPerSecond: 12_000 } : {});
      for (let slot = 0; slot < 18; slot++) rig.join(slot);
      const superseding = new Set<Member>();
      for (const member of rig.members.values()) Object.assign(member.faults, { supersedes: () => superseding.has(member) && random.next() < 0.7 });
      const clean = new Map<Member, number>();
      let toldLate = 0;
      play(rig, 200, {
        random,
        each: () => {
          if (random.next() < 0.05) rig.leave(randomInt(random, 24));
          const slot = randomInt(random, 24);
          if (random.next() < 0.1 && !rig.members.has(slot)) {
            const member = rig.join(slot, { deltas: random.next() < 0.8 });
            Object.assign(member.faults, { supersedes: () => superseding.has(member) && random.next() < 0.7 });
          }
          for (const member of rig.members.values()) {
            if (random.next() < 0.02) superseding.add(member);
            else if (random.next() < 0.2) superseding.delete(member);
            if (superseding.has(member)) clean.set(member, rig.tick);
          }
          toldLate += lateAt(rig, (member) => rig.tick - (clean.get(member) ?? member.joinedTick) > 2 * SLOWEST_TICKS);
        },
      });
      expect(rig.problems, `seed ${seed}`).toEqual([]);
      expect(toldLate, `seed ${seed}`).toBe(0);
      for (const member of rig.members.values()) Object.assign(member.faults, { supersedes: () => false });
      play(rig, 2 * SLOWEST_TICKS, { random, share: 0 });
      expectAllTold(rig);
      expect(rig.work.reduce((sum, { tierBytes }) => sum + (tierBytes[3] ?? 0), 0), 'somebody was far').toBeGreaterThan(0);
    }
  });

  it('[ACK3] [INT7] over links that lose and overtake tell nothing wrong, and everything in the end', () => {
    for (const seed of [21]) {
      const random = seededRandom(seed);
      const rig = new Rig();
      for (let slot = 0; slot < 18; slot++) {
        const member = rig.join(slot, { ordered: slot % 3 !== 0 });
        if (!member.ordered) Object.assign(member.faults, { loses: () => random.next() < 0.3, delayTicks: () => 2 + randomInt(random, 5), supersedes: () => random.next() < 0.02 });
      }
      play(rig, 220, { random });
      expect(rig.problems, `seed ${seed}`).toEqual([]);
      for (const member of rig.members.values()) {
        Object.assign(member.faults, { loses: () => false, supersedes: () => false });
        expect(member.asked).toBe(0);
      }
      play(rig, 60, { random, share: 0 });
      expect(rig.problems, `seed ${seed}`).toEqual([]);
      expectAllTold(rig);
      rig.work.length = 0;
      const before = [...rig.members.values()].map(({ messages }) => messages);
      play(rig, 30, { random, share: 0 });
      expect([...rig.members.values()].map(({ messages }, index) => messages - before[index]!), 'nothing is repeated once it is known to be there').toEqual(before.map(() => 0));
    }
  });

  it('[ACK3] are told by what has arrived: without acknowledgements every part is whole, with them hardly one', () => {
    const rig = new Rig();
    const mute = rig.join(0, { ordered: false });
    rig.join(1, { ordered: false });
    const random = seededRandom(3);
    play(rig, 60, { random, metres: 2 });
    rig.work.length = 0;
    play(rig, 72, { random, metres: 2, share: 1 });
    expect(rig.work.reduce((sum, { keys }) => sum + keys, 0)).toBe(0);
    Object.assign(mute.participant, { acknowledge: () => undefined });
    play(rig, 80, { random, metres: 2, share: 1 });
    rig.work.length = 0;
    play(rig, 10, { random, metres: 2, share: 1 });
    expect(rig.work.map(({ keys }) => keys)).toEqual(rig.work.map(() => 2));
    expect(rig.problems).toEqual([]);
  });
});

describe('a receiver that has lost what snapshots lean on', () => {
  it('[INT9] asks once, and knows everybody again with the next tick; the others get nothing whole', () => {
    const rig = new Rig();
    const members = [0, 1, 2].map((slot) => rig.join(slot));
    const random = seededRandom(8);
    play(rig, 10, { random, share: 1 });
    members[0]?.joined();
    rig.work.length = 0;
    play(rig, 4, { random, share: 1 });
    expect(members.map(({ asked }) => asked)).toEqual([1, 0, 0]);
    expect(rig.work.reduce((sum, { keys }) => sum + keys, 0)).toBe(3);
    expect(rig.problems).toEqual([]);
    expectAllTold(rig);
  });
});

describe('what a receiver asks for', () => {
  it('[INT5] is a rate: so many snapshots a second, each with everybody', () => {
    const rig = new Rig();
    const slow = rig.join(0);
    for (let slot = 1; slot < 6; slot++) rig.join(slot);
    const random = seededRandom(4);
    slow.participant.wish = { rateHz: 20 };
    play(rig, 30, { random, metres: 4, share: 1 });
    const before = slow.messages;
    play(rig, TICK_HZ, { random, metres: 4, share: 1 });
    expect(slow.messages - before).toBe(TICK_HZ / 4);
    for (const { periodMs, tick } of slow.told.values()) {
      expect(periodMs).toBeCloseTo((4 * 1000) / TICK_HZ);
      expect(rig.tick - tick).toBeLessThan(4);
    }
    expect(rig.problems).toEqual([]);
  });

  it('[INT3] [INT5] is a budget, which is kept: the far ones give way, and nobody below 5 Hz', () => {
    const rig = new Rig();
    const watcher = rig.join(0);
    for (let slot = 1; slot < 40; slot++) rig.join(slot).isRead = false;
    const random = seededRandom(5);
    play(rig, 40, { random, metres: 10, share: 1 });
    let before = watcher.sentBytes;
    play(rig, TICK_HZ, { random, metres: 10, share: 1 });
    const free = watcher.sentBytes - before;
    watcher.participant.wish = { bytesPerSecond: free / 2 };
    play(rig, 40, { random, metres: 10, share: 1 });
    before = watcher.sentBytes;
    play(rig, 2 * TICK_HZ, { random, metres: 10, share: 1 });
    expect((watcher.sentBytes - before) / 2).toBeLessThan((1.02 * free) / 2);
    for (const { tick } of watcher.told.values()) expect(rig.tick - tick).toBeLessThanOrEqual(SLOWEST_TICKS);
    expect(rig.problems).toEqual([]);
  });

  it('[INT3] that is too little for everybody at 5 Hz is passed, and counted', () => {
    const rig = new Rig({ bytesPerSecond: 300 });
    for (let slot = 0; slot < 12; slot++) rig.join(slot);
    play(rig, 60, { random: seededRandom(6), metres: 10, share: 1 });
    expect(rig.work.reduce((sum, { exceeded }) => sum + exceeded, 0)).toBeGreaterThan(0);
    for (const member of rig.members.values()) for (const { tick, periodMs } of member.told.values()) {
      expect(rig.tick - tick).toBeLessThanOrEqual(SLOWEST_TICKS);
      expect(periodMs).toBeLessThanOrEqual(200);
    }
  });

  it('[INT8] is less where the connection cannot bear more', () => {
    const rig = new Rig();
    const narrow = rig.join(0);
    for (let slot = 1; slot < 24; slot++) rig.join(slot).isRead = false;
    const random = seededRandom(7);
    play(rig, 40, { random, metres: 10, share: 1 });
    let before = narrow.sentBytes;
    play(rig, TICK_HZ, { random, metres: 10, share: 1 });
    const free = narrow.sentBytes - before;
    narrow.bufferedBytes = 40_000;
    play(rig, 72, { random, metres: 10, share: 1 });
    before = narrow.sentBytes;
    play(rig, 36, { random, metres: 10, share: 1 });
    expect(2 * (narrow.sentBytes - before)).toBeLessThan(0.6 * free);
    narrow.bufferedBytes = 0;
    play(rig, 5 * TICK_HZ, { random, metres: 10, share: 1 });
    before = narrow.sentBytes;
    play(rig, TICK_HZ, { random, metres: 10, share: 1 });
    expect(narrow.sentBytes - before).toBeGreaterThan(0.85 * free);
    expect(rig.problems).toEqual([]);
  });
});

/** How many are told more than the slowest tier late. @param isSettled - whether a member has missed nothing lately. */
function lateAt(rig: Rig, isSettled: (member: Member) => boolean): number {
  let late = 0;
  for (const member of rig.members.values()) {
    if (!isSettled(member)) continue;
    for (const { slot } of rig.members.values()) {
      // What was newest so many ticks ago has to have been told by now.
      const due = rig.newestAt(slot, rig.tick - SLOWEST_TICKS);
      if (due !== undefined && (member.told.get(slot)?.captureMs ?? -Infinity) < due) late++;
    }
  }
  return late;
}
