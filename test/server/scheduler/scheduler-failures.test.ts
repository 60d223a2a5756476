import { describe, expect, it } from 'vitest';
import type { Batch } from '../../../server/flow.ts';
import { latencyTable } from '../../support/simulated-device.ts';
import { TABLE, World } from './world.ts';

const sizes = (batches: readonly Batch[]): number[] => batches.map(({ requests }) => requests.length);

describe('devices that fail', () => {
  it('the requests of a lost batch are tried once more, together', async () => {
    const world = new World({ deviceCount: 2, budgetMs: 40 });
    const requests = world.submitMany(1);
    world.device(0).crash();
    await world.advance(30);
    expect(requests.map((request) => world.outcomeOf(request))).toEqual(['done']);
    expect(sizes(world.batches)).toEqual([1, 1]);
  });

  it('a second loss makes a request unavailable', async () => {
    const world = new World({ deviceCount: 3, budgetMs: 40 });
    const request = world.submit();
    world.device(0).crash();
    await world.advance(1);
    world.device(1).crash();
    await world.advance(1);
    expect(world.outcomeOf(request)).toBe('unavailable');
    expect(world.batches).toHaveLength(2);
  });

  it('a lost request whose deadline has passed is unavailable', async () => {
    const world = new World({ runMs: () => 100 });
    const request = world.submit();
    await world.advance(25);
    expect(world.outcomeOf(request)).toBeUndefined();
    world.device().crash();
    await world.advance(0);
    expect(world.outcomeOf(request)).toBe('unavailable');
  });

  it('a lost request does not come back when a newer one of its stream waits', async () => {
    const world = new World();
    const older = world.submit({ streamId: 'a' });
    world.submit({ streamId: 'a' });
    world.device().crash();
    await world.advance(0);
    expect(world.outcomeOf(older)).toBe('superseded');
  });

  it('a stream whose batch was lost is tried apart from the others', async () => {
    const world = new World({ latency: new Map([['m', latencyTable(1, () => 5)]]), budgetMs: 100 });
    world.submit({ streamId: 'a' });
    await world.advance(5);
    world.submit({ streamId: 'b' });
    await world.advance(5);
    world.submit({ streamId: 'a' });
    world.device().crash();
    await world.advance(0);
    world.submit({ streamId: 'b' });
    world.submit({ streamId: 'a' });
    world.device().restart();
    await world.advance(20);
    expect(world.batches.map(({ requests }) => requests[0]?.streamId)).toEqual(['a', 'b', 'a', 'b', 'a']);
  });

  it('a stream whose result was late does not count as served', async () => {
    const runMs = ({ id }: Batch): number => (id === 2 ? 20 : 5);
    const world = new World({ latency: new Map([['m', latencyTable(1, () => 5)]]), budgetMs: 100, runMs });
    world.submit({ streamId: 'a' });
    world.submit({ streamId: 'b' });
    await world.advance(10);
    world.submit({ streamId: 'a', budgetMs: 10 });
    for (const streamId of ['b', 'a', 'new']) world.submit({ streamId });
    await world.advance(40);
    expect(world.batches.map(({ requests }) => requests[0]?.streamId)).toEqual(['a', 'b', 'a', 'new', 'a', 'b']);
  });

  it('a device that is down does not count: the only other one is never held', () => {
    const world = new World({ deviceCount: 2 });
    world.device(1).crash();
    world.submit();
    expect(world.batches).toMatchObject([{ release: 'idle-device' }]);
  });

  it('a device that goes while another model is looked at is given nothing', async () => {
    const world = new World({ deviceCount: 0, budgetMs: 20, latency: new Map([['m', TABLE], ['n', TABLE]]) });
    const served = world.submit({ model: 'm', budgetMs: 50 });
    world.submit({ model: 'n', budgetMs: 2 });
    world.onEnd = ({ model }) => model === 'n' && world.device().crash();
    const device = world.addDevice();
    expect(world.batches).toEqual([]);
    device.restart();
    await world.advance(20);
    expect(world.outcomeOf(served)).toBe('done');
  });

  it('of two lost requests of a stream the newer is tried again', async () => {
    const world = new World({ deviceCount: 3, budgetMs: 40 });
    const older = world.submit({ streamId: 'a' });
    const newer = world.submit({ streamId: 'a' });
    for (const device of world.pool.devices) device.crash();
    await world.advance(0);
    world.device().restart();
    await world.advance(30);
    expect([world.outcomeOf(older), world.outcomeOf(newer)]).toEqual(['superseded', 'done']);
  });

  it('a lost request of a participant who left is not tried again', async () => {
    const world = new World({ deviceCount: 2 });
    const request = world.submit({ origin: { sessionId: 's', slot: 1, part: '' } });
    world.scheduler.forget('s', 1);
    world.device().crash();
    await world.advance(20);
    expect(world.outcomeOf(request)).toBe('superseded');
    expect(world.batches).toHaveLength(1);
  });

  it('without a device for the model when it came, an expired request is unavailable', async () => {
    const world = new World({ deviceCount: 0 });
    const none = world.submit();
    const unknown = world.submit({ model: 'unknown' });
    await world.advance(30);
    expect([world.outcomeOf(none), world.outcomeOf(unknown)]).toEqual(['unavailable', 'unavailable']);
  });

  it('a request that comes before its device does is served', async () => {
    const world = new World({ deviceCount: 0 });
    const request = world.submit();
    await world.advance(5);
    world.addDevice();
    await world.advance(10);
    expect(world.outcomeOf(request)).toBe('done');
  });

  it('a model whose single request takes longer than the budget has no device', async () => {
    const world = new World({ latency: new Map([['m', latencyTable(4, () => 21)]]) });
    const request = world.submit();
    await world.advance(30);
    expect(world.outcomeOf(request)).toBe('unavailable');
    expect(world.batches).toEqual([]);
  });

  it('what the model could not do for one request fails that request alone', async () => {
    const failed = { kind: 'failed', code: 'MODEL_FAILED' } as const;
    const world = new World({ deviceCount: 0, itemFor: (_, at) => (at === 0 ? failed : { kind: 'failed', code: 'VIDEO_INVALID' }) });
    const requests = world.submitMany(2);
    world.addDevice();
    await world.advance(10);
    expect(requests.map((request) => world.endOf(request)?.outcome)).toEqual([failed, { kind: 'failed', code: 'VIDEO_INVALID' }]);
  });
});
