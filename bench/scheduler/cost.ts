/** What the scheduler itself costs: CPU time for each request, and memory over time. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { PolicyName } from '../../server/scheduler/policy/policies.ts';
import { makeTrace, type Trace } from './arrivals.ts';
import { EventClock } from './event-clock.ts';
import { COSTS, type Cost } from './problem.ts';
import { openScheduler, replay } from './serve.ts';

export interface CostOptions {
  readonly policy: PolicyName;
  readonly deviceCount: number;
  readonly requestsPerSecond: number;
  /** Simulated. */
  readonly seconds: number;
}

export interface CostRow extends CostOptions {
  readonly onTimeShare: number;
  readonly meanBatchSize: number;
  /** Scheduler, simulated devices and simulated clock, less the loop that makes the requests. */
  readonly microsPerRequest: number;
  /** In use after a garbage collection, at the end of each tenth of the time. */
  readonly heapMiB: readonly number[];
}

const TENTHS = 10;
const [COST] = COSTS as [Cost];

/** The same loop with and without a scheduler behind it; the difference is the cost. */
export async function measureCost(options: CostOptions): Promise<CostRow> {
  const { policy, deviceCount, requestsPerSecond, seconds } = options;
  const collect = garbageCollector();
  const length = Math.round((requestsPerSecond * seconds) / TENTHS);
  const trace = makeTrace({ arrivals: 'poisson', rateHz: requestsPerSecond, length, recordings: [] });
  const clock = new EventClock();
  let done = 0;
  let batchSum = 0;
  const { submit, trim } = openScheduler({ cost: COST, deviceCount }, policy, clock, (_request, outcome) => {
    if (outcome.kind !== 'done') return;
    done++;
    batchSum += outcome.batch.size;
  });
  const check = (): boolean => {
    trim();
    return false;
  };
  await replay(trace, clock, submit, check);
  [done, batchSum] = [0, 0];
  const heapMiB: number[] = [];
  let micros = 0;
  for (let tenth = 0; tenth < TENTHS; tenth++) {
    micros += await cpuMicros(() => replay(trace, clock, submit, check));
    collect();
    heapMiB.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  micros -= await replayMicros(trace);
  return { ...options, onTimeShare: done / (TENTHS * length), meanBatchSize: batchSum / done, microsPerRequest: micros / (TENTHS * length), heapMiB };
}

async function replayMicros(trace: Trace): Promise<number> {
  const clock = new EventClock();
  let micros = 0;
  for (let tenth = 0; tenth < TENTHS; tenth++) micros += await cpuMicros(() => replay(trace, clock, () => undefined, () => false));
  return micros;
}

async function cpuMicros(run: () => Promise<void>): Promise<number> {
  const started = process.cpuUsage();
  await run();
  const used = process.cpuUsage(started);
  return used.user + used.system;
}

/** Node gives its garbage collector out only when asked by a flag, which may be set at run time for a new context. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
