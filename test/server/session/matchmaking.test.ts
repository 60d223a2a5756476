import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMatches, type Opening, type Placement, type Ticket } from '../../../server/session/matchmaking.ts';

const NOBODY = (): boolean => false;
const ticket = (id: number, min: number, max: number, pool = 'a'): Ticket => ({ id, pool, subject: `s${id}`, min, max });
const opening = (session: string, size: number, capacity: number, changes: Partial<Opening> = {}): Opening => ({ session, pool: 'a', size, capacity, isBanned: NOBODY, ...changes });
const ids = (placements: readonly Placement<Ticket>[]): number[][] => placements.map(({ tickets }) => tickets.map(({ id }) => id));

const tickets = fc
  .array(fc.record({ pool: fc.constantFrom('a', 'b'), subject: fc.constantFrom('x', 'y', 'z'), min: fc.integer({ min: 1, max: 5 }), more: fc.integer({ min: 0, max: 3 }) }), { maxLength: 24 })
  .map((rows): Ticket[] => rows.map(({ more, ...row }, id) => ({ ...row, id, max: row.min + more })));
const openings = fc
  .array(fc.record({ pool: fc.constantFrom('a', 'b'), size: fc.integer({ min: 1, max: 5 }), room: fc.integer({ min: 1, max: 4 }), banned: fc.constantFrom('', 'x') }), { maxLength: 5 })
  .map((rows): Opening[] => rows.map(({ room, banned, pool, size }, index) => ({ session: `r${index}`, pool, size, capacity: size + room, isBanned: (subject) => subject === banned })));
const wants = ({ min, max }: Ticket, size: number): boolean => min <= size && size <= max;

describe('planMatches', () => {
  it('[SES20] forms the largest group that the oldest is content with, of the oldest', () => {
    expect(ids(planMatches([ticket(1, 2, 3), ticket(2, 2, 4), ticket(3, 2, 4), ticket(4, 2, 4)], []))).toEqual([[1, 2, 3]]);
  });

  it('[SES20] lets nobody wait behind somebody who wants what there is not', () => {
    expect(ids(planMatches([ticket(1, 5, 5), ticket(2, 2, 2), ticket(3, 2, 2)], []))).toEqual([[2, 3]]);
  });

  it('[SES20] keeps those apart who want something else', () => {
    expect(planMatches([ticket(1, 2, 2), ticket(2, 2, 2, 'b')], [])).toEqual([]);
  });

  it('[SES20] fills a session before it forms one, and lets one who comes in make room for an older one', () => {
    const plan = planMatches([ticket(1, 4, 4), ticket(2, 2, 4)], [opening('r', 2, 4)]);
    expect(plan).toEqual([{ kind: 'fill', session: 'r', tickets: [expect.objectContaining({ id: 2 }), expect.objectContaining({ id: 1 })] }]);
  });

  it('[SES20] puts nobody where they are banned', () => {
    expect(planMatches([ticket(1, 1, 4)], [opening('r', 2, 4, { isBanned: (subject) => subject === 's1' })])).toMatchObject([{ kind: 'form' }]);
  });

  it('[SES20] puts nobody into two places, and keeps to sizes, pools and bans', () => {
    fc.assert(fc.property(tickets, openings, (waiting, rooms) => {
      const plan = planMatches(waiting, rooms);
      const placed = plan.flatMap((placement) => placement.tickets);
      expect(new Set(placed).size).toBe(placed.length);
      for (const placement of plan) {
        expect(new Set(placement.tickets.map(({ pool }) => pool)).size).toBe(1);
        if (placement.kind === 'form') {
          for (const one of placement.tickets) expect(wants(one, placement.tickets.length) && placement.capacity <= one.max).toBe(true);
          continue;
        }
        const room = rooms.find(({ session }) => session === placement.session) as Opening;
        expect(room.size + placement.tickets.length).toBeLessThanOrEqual(room.capacity);
        placement.tickets.forEach((one, index) => {
          expect(wants(one, room.size + index + 1) && one.pool === room.pool && !room.isBanned(one.subject)).toBe(true);
        });
      }
    }));
  });

  it('[SES20] lets nobody wait while there is a place or a group for them', () => {
    fc.assert(fc.property(tickets, openings, (waiting, rooms) => {
      const plan = planMatches(waiting, rooms);
      const placed = new Set(plan.flatMap((placement) => placement.tickets));
      const left = waiting.filter((one) => !placed.has(one));
      const filled = rooms.map((room) => ({ ...room, size: room.size + plan.flatMap((placement) => (placement.kind === 'fill' && placement.session === room.session ? placement.tickets : [])).length }));
      const formed = plan.flatMap((placement) => (placement.kind === 'form' ? [{ pool: placement.tickets[0]?.pool, size: placement.tickets.length, capacity: placement.capacity, isBanned: NOBODY }] : []));
      for (const one of left) {
        const roomFor = [...filled, ...formed].find((room) => room.pool === one.pool && room.size < room.capacity && wants(one, room.size + 1) && !room.isBanned(one.subject));
        expect(roomFor).toBeUndefined();
        for (let size = one.min; size <= one.max; size++) {
          expect(left.filter((other) => other.pool === one.pool && wants(other, size)).length).toBeLessThan(size);
        }
      }
    }));
  });

  it('plans a full queue that cannot be placed in a moment', () => {
    // The most that can wait without a match: one less of each size than the size.
    const stuck = Array.from({ length: 45 }, (_, size) => Array.from({ length: size }, () => ticket(0, size + 1, size + 1))).flat();
    expect(stuck.length).toBeGreaterThan(900);
    expect(planMatches(stuck, [])).toEqual([]);
  });
});
