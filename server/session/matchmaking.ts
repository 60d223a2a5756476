/** Decides who is put together with whom. Pure: the desk keeps the queue and the timers. */

/** Somebody who waits. */
export interface Ticket {
  readonly id: number;
  /** Only tickets of one pool come together: what they want, and whose customers they are. */
  readonly pool: string;
  readonly subject: string;
  /** How many they want to be, themselves among them: 1 <= min <= max. */
  readonly min: number;
  readonly max: number;
}

/** A session that may take more. */
export interface Opening {
  readonly session: string;
  readonly pool: string;
  readonly size: number;
  /** The smallest `max` of those who were put into it. */
  readonly capacity: number;
  readonly isBanned: (subject: string) => boolean;
}

export type Placement<T extends Ticket> =
  | { readonly kind: 'fill'; readonly session: string; readonly tickets: readonly T[] }
  /** `capacity`: how many may be in it, those who come later among them. */
  | { readonly kind: 'form'; readonly tickets: readonly T[]; readonly capacity: number };

/**
 * Plans until nobody is left who could be placed.
 *
 * Sessions that are there are filled first, the oldest ticket first. Then the oldest ticket that any group can be formed for gets the
 * largest one, with the oldest others that want that size. A group that could be larger by one of those left would have
 * been larger, so there is nothing to fill afterwards.
 *
 * @param waiting - the oldest first. @param openings - the oldest first.
 * @bound O(tickets * (openings of their pool + largest max)) for each ticket placed.
 */
export function planMatches<T extends Ticket>(waiting: readonly T[], openings: readonly Opening[]): Placement<T>[] {
  const filled = fillSessions(waiting, openings);
  const placed = new Set(filled.flatMap(({ tickets }) => tickets));
  const formed = [...byPool(waiting.filter((ticket) => !placed.has(ticket))).values()].flatMap(formGroups);
  return [...filled, ...formed];
}

function fillSessions<T extends Ticket>(waiting: readonly T[], openings: readonly Opening[]): Placement<T>[] {
  const rooms = openings.map((opening) => ({ ...opening, tickets: [] as T[] }));
  const inPool = byPool(rooms);
  const roomFor = (ticket: T): (typeof rooms)[number] | undefined => inPool.get(ticket.pool)?.find((room) => isFor(room, ticket));
  const left = [...waiting];
  // Each one who comes in may make a session large enough for somebody older who wants more.
  for (;;) {
    const index = left.findIndex((ticket) => roomFor(ticket) !== undefined);
    const [ticket] = index < 0 ? [] : left.splice(index, 1);
    if (ticket === undefined) break;
    roomFor(ticket)?.tickets.push(ticket);
  }
  return rooms.filter(({ tickets }) => tickets.length > 0).map(({ session, tickets }) => ({ kind: 'fill', session, tickets }));
}

function isFor(room: Opening & { readonly tickets: readonly Ticket[] }, ticket: Ticket): boolean {
  const size = room.size + room.tickets.length + 1;
  return size <= room.capacity && wants(ticket, size) && !room.isBanned(ticket.subject);
}

function formGroups<T extends Ticket>(pool: readonly T[]): Placement<T>[] {
  const groups: Placement<T>[] = [];
  let left = pool;
  for (;;) {
    const tickets = oldestGroup(left);
    if (tickets === undefined) return groups;
    groups.push({ kind: 'form', tickets, capacity: Math.min(...tickets.map(({ max }) => max)) });
    const taken = new Set(tickets);
    left = left.filter((ticket) => !taken.has(ticket));
  }
}

function oldestGroup<T extends Ticket>(pool: readonly T[]): readonly T[] | undefined {
  const takers = countTakers(pool);
  for (const first of pool) {
    for (let size = Math.min(first.max, pool.length); size >= first.min; size--) {
      // `first` is the oldest of them: any before it would have had a group already.
      if ((takers[size] ?? 0) >= size) return pool.filter((ticket) => wants(ticket, size)).slice(0, size);
    }
  }
  return undefined;
}

/** How many would be in a group of each size. */
function countTakers(pool: readonly Ticket[]): number[] {
  const takers: number[] = [];
  for (const { min, max } of pool) for (let size = min; size <= Math.min(max, pool.length); size++) takers[size] = (takers[size] ?? 0) + 1;
  return takers;
}

function wants({ min, max }: Ticket, size: number): boolean {
  return min <= size && size <= max;
}

function byPool<T extends { readonly pool: string }>(items: readonly T[]): Map<string, T[]> {
  const pools = new Map<string, T[]>();
  for (const item of items) {
    const pool = pools.get(item.pool);
    if (pool === undefined) pools.set(item.pool, [item]);
    else pool.push(item);
  }
  return pools;
}
