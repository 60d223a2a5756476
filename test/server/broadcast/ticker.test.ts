import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { startRelaying, startTicking } from '../../../server/broadcast/ticker.ts';
import { TestGateway } from '../../support/gateway.ts';

interface Sent {
  readonly session: string;
  readonly tick: number;
  readonly atMs: number;
}

/** Ticks at 50 Hz, so 13 steps of 1.54 ms. */
function tickOver(sessions: { readonly id: string }[]): { clock: ManualClock; sent: Sent[]; turns: () => number; stop: () => void } {
  const clock = new ManualClock(1000);
  const sent: Sent[] = [];
  let turns = 0;
  const send = ({ id }: { id: string }, tick: number, nowMs: number): void => void sent.push({ session: id, tick, atMs: nowMs - 1000 });
  const ticking = startTicking({ clock, send, endTurn: () => void turns++ }, 50, () => sessions);
  return { clock, sent, turns: () => turns, stop: () => ticking.stop() };
}

describe('ticks', () => {
  it('[SNP1] come at the rate for every session, each counting its own by one', () => {
    const { clock, sent } = tickOver([{ id: 'a' }, { id: 'b' }]);
    clock.advance(201);
    for (const id of ['a', 'b']) expect(sent.filter(({ session }) => session === id).map(({ tick }) => tick)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].slice(0, id === 'a' ? 10 : 9));
    const times = sent.filter(({ session }) => session === 'b').map(({ atMs }) => atMs);
    for (const [index, atMs] of times.entries()) expect(atMs).toBeCloseTo((times[0] ?? 0) + 20 * index, 6);
  });

  it('of different sessions are spread over the period, as evenly as its steps allow', () => {
    const { clock, sent } = tickOver(Array.from({ length: 26 }, (_, index) => ({ id: String(index) })));
    clock.advance(39.9);
    const perTime = new Map<number, number>();
    for (const { atMs } of sent) perTime.set(Math.round(atMs * 100), (perTime.get(Math.round(atMs * 100)) ?? 0) + 1);
    expect([...perTime.values()]).toEqual(Array.from({ length: 13 }, () => 2));
  });

  it('start for a session that comes later within two periods, and end with one that has gone', () => {
    const sessions = [{ id: 'a' }];
    const { clock, sent } = tickOver(sessions);
    clock.advance(50);
    sessions.push({ id: 'b' });
    clock.advance(40);
    expect(sent.some(({ session }) => session === 'b')).toBe(true);
    sessions.shift();
    clock.advance(20);
    const before = sent.filter(({ session }) => session === 'a').length;
    clock.advance(100);
    expect(sent.filter(({ session }) => session === 'a')).toHaveLength(before);
  });

  it('that a busy machine missed are skipped: each session gets one, not one for each period', () => {
    const clock = new ManualClock();
    let sent = 0;
    let busyMs = 0;
    const late = { ...clockOf(clock), nowMs: () => clock.nowMs() + busyMs };
    const ticking = startTicking({ clock: late, send: () => void sent++, endTurn: () => undefined }, 50, () => [{ id: 'only' }]);
    clock.advance(20);
    expect(sent).toBe(1);
    busyMs = 200;
    clock.advance(2);
    expect(sent).toBe(2);
    ticking.stop();
    clock.advance(1000);
    expect(sent).toBe(2);
  });

  it('end the turn, so that nothing waits until the loop has read everything', () => {
    const { clock, turns, stop } = tickOver([{ id: 'a' }]);
    clock.advance(20);
    expect(turns()).toBe(1);
    stop();
    clock.advance(100);
    expect(turns()).toBe(1);
  });
});

describe('a relay', () => {
  it('sends a session once at the end of each turn that has changed it, and no other', () => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const relay = startRelaying<{ id: string }>({ clock, send: ({ id }, tick) => void sent.push(`${id}${tick}`), endTurn: () => undefined });
    const [a, b] = [{ id: 'a' }, { id: 'b' }];
    relay.changed(a);
    relay.changed(a);
    expect(sent).toEqual([]);
    clock.advance(0);
    expect(sent).toEqual(['a1']);
    relay.changed(b);
    relay.changed(a);
    clock.advance(0);
    expect(sent).toEqual(['a1', 'b1', 'a2']);
    relay.changed(a);
    relay.stop();
    clock.advance(0);
    expect(sent).toHaveLength(3);
  });

  it('[BRC6] passes a pose on without waiting for a tick, and gives who joins everybody\'s state', async () => {
    const world = new TestGateway(undefined, { relay: true, 'tick-rate-hz': 1 });
    const first = await world.join('s');
    first.pose(1);
    world.turn();
    first.read();
    expect(first.poses).toHaveLength(1);
    const second = await world.join('s');
    world.turn();
    second.read();
    expect(second.poses).toMatchObject([{ slot: first.slot, key: true, headX: 1 }]);
    world.clock.advance(1);
    first.pose(2);
    world.turn();
    second.read();
    expect(second.poses.at(-1)).toMatchObject({ slot: first.slot, key: false, headX: 2 });
  });
});

function clockOf(clock: ManualClock): Pick<ManualClock, 'wallMs' | 'schedule' | 'defer' | 'nowMs'> {
  return { nowMs: () => clock.nowMs(), wallMs: () => clock.wallMs(), schedule: clock.schedule.bind(clock), defer: clock.defer.bind(clock) };
}
