import { describe, expect, it } from 'vitest';
import type { Batch, RequestOutcome } from '../../../server/flow.ts';
import { noMetrics } from '../../../server/scheduler/metrics.ts';
import { latencyTable } from '../../support/simulated-device.ts';
import { TABLE, World } from './world.ts';

const sizes = (batches: readonly Batch[]): number[] => batches.map(({ requests }) => requests.length);

describe('releasing batches on one device', () => {
  it('a lone request waits for nobody', async () => {
    const world = new World();
    const request = world.submit();
    expect(world.batches).toMatchObject([{ release: 'idle-device', releasedMs: 0 }]);
    await world.advance(5);
    expect(world.endOf(request)).toMatchObject({ atMs: 5, outcome: { kind: 'done', batch: { size: 1, finishedMs: 5 } } });
  });

  it('requests gather while the device is busy and leave together when it is idle', async () => {
    const world = new World();
    world.submit();
    world.submitMany(3);
    await world.advance(5);
    expect(sizes(world.batches)).toEqual([1, 3]);
  });

  it('a batch is full at b*, below the most that the device takes', async () => {
    const world = new World({ queueCapacity: 100, policy: 'window-drop' });
    world.submit();
    world.submitMany(8, { budgetMs: 30 });
    await world.advance(5);
    expect(world.batches[1]).toMatchObject({ release: 'full' });
    expect(sizes(world.batches)).toEqual([1, 6]);
  });

  it('requests that the batch would make late expire instead of shrinking it', async () => {
    const world = new World();
    world.submit();
    const tight = world.submit({ budgetMs: 12 });
    world.submitMany(5);
    await world.advance(5);
    expect(world.outcomeOf(tight)).toBe('expired');
    expect(world.endOf(tight)?.atMs).toBe(5);
    expect(sizes(world.batches)).toEqual([1, 5]);
  });

  it('the cap follows the costs when they are learnt anew', async () => {
    const world = new World();
    world.submit();
    world.device().relearn(new Map([['m', latencyTable(8, (size) => 2 * (4 + size))]]));
    world.submitMany(6, { budgetMs: 40 });
    await world.advance(5);
    expect(world.batches[1]).toMatchObject({ release: 'full' });
    expect(sizes(world.batches)).toEqual([1, 2]);
  });
});

describe('releasing batches on several devices', () => {
  it('a budget that follows from the costs is asked for again when they change', async () => {
    let budgetMs = 20;
    const world = new World({ budgetOf: () => budgetMs });
    world.submitMany(1, { budgetMs: 100 });
    budgetMs = 40;
    world.device().relearn(new Map([['m', TABLE]]));
    await world.advance(5);
    world.submitMany(8, { budgetMs: 100 });
    await world.advance(20);
    expect(world.batches.map(({ requests }) => requests.length).at(-1)).toBeGreaterThan(6);
  });

  it('a lone request waits for nobody when the others are idle too', () => {
    const world = new World({ deviceCount: 2 });
    world.submit();
    expect(world.batches).toMatchObject([{ release: 'idle-device' }]);
  });

  it('the last idle device is held until its batch is full', () => {
    const world = new World({ deviceCount: 2 });
    world.submit();
    world.submitMany(7);
    expect(sizes(world.batches)).toEqual([1]);
    world.submit();
    expect(sizes(world.batches)).toEqual([1, 8]);
    expect(world.batches[1]).toMatchObject({ release: 'full' });
  });

  it('the last idle device is held no longer than its head can wait for one more', async () => {
    const world = new World({ deviceCount: 2, runMs: () => 15 });
    world.submit();
    world.submitMany(2, { budgetMs: 10 });
    await world.advance(1);
    expect(sizes(world.batches)).toEqual([1]);
    await world.advance(1);
    expect(world.batches[1]).toMatchObject({ release: 'deadline', releasedMs: 2 });
    expect(sizes(world.batches)).toEqual([1, 2]);
  });

  it('a hold is over when a second device is idle', async () => {
    const world = new World({ deviceCount: 2 });
    world.submit();
    world.submit();
    await world.advance(5);
    expect(world.batches[1]).toMatchObject({ release: 'hold-over', releasedMs: 5 });
  });

  it('a hold lasts no longer than a full batch runs, however far the deadline', async () => {
    const world = new World({ deviceCount: 2, runMs: () => 1000 });
    world.submit();
    world.submit({ budgetMs: 5000 });
    await world.advance(20);
    expect(world.batches[1]).toMatchObject({ release: 'hold-over', releasedMs: 12 });
  });

  it('a request that only a faster, busy device can serve in time waits for it', async () => {
    const world = new World({ deviceCount: 1 });
    world.submit();
    world.addDevice(new Map([['m', latencyTable(1, () => 18)]]));
    const request = world.submit({ budgetMs: 15 });
    await world.advance(20);
    expect(world.outcomeOf(request)).toBe('done');
  });
});

describe('streams', () => {
  it('a newer request of a stream supersedes the waiting one', async () => {
    const world = new World();
    world.submit();
    const older = world.submit({ streamId: 'a' });
    const newer = world.submit({ streamId: 'a' });
    expect(world.outcomeOf(older)).toBe('superseded');
    await world.advance(20);
    expect(world.outcomeOf(newer)).toBe('done');
  });

  it('a request in flight is not superseded', async () => {
    const world = new World();
    const first = world.submit({ streamId: 'a' });
    const second = world.submit({ streamId: 'a' });
    await world.advance(20);
    expect([world.outcomeOf(first), world.outcomeOf(second)]).toEqual(['done', 'done']);
  });

  it('a result that a newer one of its stream has overtaken is superseded', async () => {
    const world = new World({ deviceCount: 4, budgetMs: 50, runMs: (batch) => (batch.id === 0 ? 30 : 5) });
    const slow = world.submit({ streamId: 'a' });
    const fast = world.submit({ streamId: 'a' });
    await world.advance(40);
    expect([world.outcomeOf(slow), world.outcomeOf(fast)]).toEqual(['superseded', 'done']);
  });

  it('more urgent classes leave first, then the streams whose last result is oldest', async () => {
    const world = new World({ budgetMs: 100, latency: new Map([['m', latencyTable(2, () => 5)]]) });
    world.submitMany(2, { streamId: 'blocker' });
    for (const streamId of ['a', 'b', 'c', 'd']) world.submit({ streamId, budgetMs: 1000 });
    await world.advance(11);
    // The blocker ran at 0 ms and waits again; then a and b ran, now c and d do. A new stream has waited for ever.
    world.submit({ streamId: 'a', budgetMs: 1000 });
    world.submit({ streamId: 'e', budgetMs: 1000, priority: 1 });
    world.submit({ streamId: 'f', budgetMs: 1000 });
    await world.advance(100);
    const order = world.batches.map(({ requests }) => requests.map(({ streamId }) => streamId));
    expect(order).toEqual([['blocker'], ['a', 'b'], ['c', 'd'], ['f', 'blocker'], ['a', 'e']]);
  });

  it('forgetting a participant ends what waits for it, and nothing else', async () => {
    const world = new World();
    const inFlight = world.submit({ origin: { sessionId: 's', slot: 1, part: '' } });
    const waiting = world.submit({ origin: { sessionId: 's', slot: 1, part: '' } });
    const other = world.submit({ origin: { sessionId: 's', slot: 2, part: '' } });
    world.scheduler.forget('s', 1);
    expect(world.outcomeOf(waiting)).toBe('superseded');
    await world.advance(20);
    expect([world.outcomeOf(inFlight), world.outcomeOf(other)]).toEqual(['done', 'done']);
  });
});

describe('deadlines', () => {
  it('a waiting request expires at its deadline while every device is busy', async () => {
    const world = new World({ runMs: () => 500 });
    world.submit();
    const request = world.submit({ budgetMs: 7 });
    await world.advance(100);
    expect(world.endOf(request)).toMatchObject({ atMs: 7, outcome: { kind: 'expired' } });
  });

  it('an earlier deadline that comes later moves the timer forward', async () => {
    const world = new World({ runMs: () => 500 });
    world.submit();
    world.submit({ budgetMs: 50 });
    const urgent = world.submit({ budgetMs: 3 });
    await world.advance(100);
    expect(world.endOf(urgent)?.atMs).toBe(3);
  });

  it('a result later than its deadline is not shown, and counts as late', async () => {
    const late: number[] = [];
    const world = new World({ runMs: () => 30, metrics: { ...noMetrics, resultLate: (_, lateMs) => late.push(lateMs) } });
    const request = world.submit();
    await world.advance(40);
    expect(world.endOf(request)).toMatchObject({ atMs: 30, outcome: { kind: 'expired' } });
    expect(late).toEqual([10]);
  });

  it('a result at its deadline is in time', async () => {
    const world = new World({ runMs: () => 20 });
    const request = world.submit();
    await world.advance(20);
    expect(world.outcomeOf(request)).toBe('done');
  });

  it('a request that comes after its deadline expires at once', () => {
    const world = new World();
    expect(world.outcomeOf(world.submit({ budgetMs: -1 }))).toBe('expired');
    expect(world.batches).toEqual([]);
  });
});

describe('bounds', () => {
  it('over capacity the request that would be served last is shed', async () => {
    const world = new World({ queueCapacity: 2 });
    world.submit({ streamId: 'served' });
    const kept = world.submit();
    const again = world.submit({ streamId: 'served' });
    const fresh = world.submit();
    expect([kept, again, fresh].map((request) => world.outcomeOf(request))).toEqual([undefined, 'shed', undefined]);
    const unimportant = world.submit({ priority: 3 });
    expect(world.outcomeOf(unimportant)).toBe('shed');
    await world.advance(20);
  });

  it('with more streams than it remembers, the silent ones lose their place', async () => {
    const world = new World({ queueCapacity: 2, budgetMs: 100, latency: new Map([['m', latencyTable(1, () => 1)]]) });
    for (let stream = 0; stream < 9; stream++) {
      world.submit({ streamId: `stream-${stream}` });
      await world.advance(1);
    }
    world.submit({ streamId: 'busy' });
    world.submit({ streamId: 'stream-0' });
    world.submit({ streamId: 'new' });
    await world.advance(5);
    const order = world.batches.slice(-2).map(({ requests }) => requests[0]?.streamId);
    expect(order).toEqual(['stream-0', 'new']);
  });

  it('closing ends what waits, and lets what is in flight finish', async () => {
    const world = new World();
    const inFlight = world.submit();
    const waiting = world.submit();
    world.scheduler.close();
    const after = world.submit();
    expect([waiting, after].map((request) => world.outcomeOf(request))).toEqual(['shed', 'shed']);
    await world.advance(20);
    expect(world.outcomeOf(inFlight)).toBe('done');
  });

  it('leaves no timer behind when nothing waits', async () => {
    const world = new World();
    world.submitMany(10);
    await world.advance(100);
    expect(world.clock.pendingCount).toBe(0);
  });
});

describe('several models on one device', () => {
  const both = new Map([
    ['short', TABLE],
    ['long', TABLE],
  ]);

  it('the model with the least slack leaves first', async () => {
    const world = new World({ latency: both });
    world.submit({ model: 'short' });
    world.submit({ model: 'long', task: 'language', budgetMs: 1000 });
    world.submit({ model: 'short' });
    await world.advance(10);
    expect(world.batches.map(({ model }) => model)).toEqual(['short', 'short', 'long']);
  });

  it('a model with long deadlines is not starved by an overload of one with short deadlines', async () => {
    const world = new World({ latency: both });
    const chats = [];
    for (let turn = 0; turn < 1500; turn++) {
      world.submitMany(2, { model: 'short' });
      if (turn % 100 === 0) chats.push(world.submit({ model: 'long', task: 'language', budgetMs: 1000 }));
      await world.advance(1);
    }
    await world.advance(1000);
    expect(chats.map((chat) => world.outcomeOf(chat))).toEqual(chats.map(() => 'done'));
  });
});

describe('metrics', () => {
  it('tells of each release, run and end', async () => {
    const told: (string | number)[] = [];
    const world = new World({
      metrics: {
        requestReleased: (request, queueDelayMs) => told.push(`released ${request.id} after ${queueDelayMs}`),
        requestEnded: (request, outcome: RequestOutcome) => told.push(`ended ${request.id} ${outcome.kind}`),
        resultLate: (request, lateMs) => told.push(`late ${request.id} by ${lateMs}`),
        batchReleased: (batch, deviceId, occupancy) => told.push(`${batch.release} ${deviceId} ${occupancy.toFixed(2)}`),
        batchFinished: (batch, _deviceId, runMs, elapsedMs) => told.push(`${batch.id} ran ${runMs} of ${elapsedMs}`),
        batchLost: (batch, _deviceId, cause) => told.push(`${batch.id} lost: ${cause}`),
        quarantined: (model, durationMs) => told.push(`${model} quarantined ${durationMs}`),
      },
    });
    world.submitMany(2);
    await world.advance(6);
    world.device().crash();
    await world.advance(0);
    expect(told).toEqual([
      'released 0 after 0',
      'idle-device device-0 0.13',
      'released 1 after 5',
      'idle-device device-0 0.13',
      '0 ran 5 of 5',
      'ended 0 done',
      '1 lost: crashed',
    ]);
  });
});
