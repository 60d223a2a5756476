import { expect, it } from 'vitest';
import { evenLimit } from '../../../core/serving-limits.ts';
import { randomBetween, seededRandom } from '../../../core/random.ts';
import { latencyTable } from '../../support/simulated-device.ts';
import { World } from './world.ts';

const BUDGET_MS = 20;
const TABLE = latencyTable(64, (size) => 2 + 0.25 * size);
const DURATION_MS = 2000;
const PERIOD_MS = 1000 / 30;

/** One tenant with ten times what the others have, who together are well within what the devices can do. */
async function runFlood(deviceCount: number, queueCapacity: number): Promise<Map<string, { done: number; all: number }>> {
  const random = seededRandom(deviceCount);
  const { goodputHz } = evenLimit({ latencyMs: TABLE.latencyMs, maxBatchSize: 64, deviceCount, budgetMs: BUDGET_MS });
  const tenants = ['flood', 'one', 'two', 'three', 'four'];
  const streamsOf = (tenant: string): number => Math.round(((tenant === 'flood' ? 10 : 1) * 0.1 * goodputHz) / 30);
  const arrivals = tenants.flatMap((tenant) =>
    Array.from({ length: streamsOf(tenant) }, (_, stream) => {
      const phaseMs = randomBetween(random, 0, PERIOD_MS);
      const count = Math.floor((DURATION_MS - phaseMs) / PERIOD_MS);
      return Array.from({ length: count }, (__, at) => ({ atMs: phaseMs + at * PERIOD_MS, tenant, stream }));
    }).flat(),
  );
  arrivals.sort((one, other) => one.atMs - other.atMs);
  const world = new World({ deviceCount, queueCapacity, budgetMs: BUDGET_MS, latency: new Map([['m', TABLE]]) });
  for (const { atMs, tenant, stream } of arrivals) {
    await world.advance(atMs - world.clock.nowMs());
    world.submit({ tenant, streamId: `${tenant}-${stream}`, origin: { sessionId: tenant, slot: stream, part: '' } });
  }
  await world.advance(200);
  const tally = new Map(tenants.map((tenant) => [tenant, { done: 0, all: 0 }]));
  for (const { request, outcome } of world.ended) {
    const counts = tally.get(request.tenant);
    if (counts === undefined) continue;
    counts.all++;
    if (outcome.kind === 'done') counts.done++;
  }
  return tally;
}

it.each([4096, 40])('with one device and %i places, a tenant at ten times the load of the others is the only one that loses anything to speak of', async (queueCapacity) => {
  const tally = await runFlood(1, queueCapacity);
  for (const [tenant, { done, all }] of tally) {
    if (tenant === 'flood') expect(done / all).toBeLessThan(0.8);
    else expect(done / all).toBeGreaterThanOrEqual(0.99);
  }
});
