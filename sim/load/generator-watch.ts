/** Watches what the generator itself takes: a run in which it was the bottleneck says nothing of the server. */
import { every, type Clock } from '../../core/clock.ts';
import type { GeneratorFigures } from './load-result.ts';

const PERIOD_MS = 20;
const MEMORY_PERIOD_S = 5;
const MB = 1e6;

export function watchGenerator(clock: Clock, startMs: number): { stop(): GeneratorFigures } {
  const before = process.cpuUsage();
  const fromMs = clock.nowMs();
  const residentMb: { atS: number; mb: number }[] = [];
  let lastMs = fromMs;
  let longestStallMs = 0;
  const watch = every(clock, PERIOD_MS, (nowMs) => {
    longestStallMs = Math.max(longestStallMs, nowMs - lastMs - PERIOD_MS);
    lastMs = nowMs;
    const atS = Math.max(0, Math.round((nowMs - startMs) / 1000));
    if (atS >= (residentMb.at(-1)?.atS ?? -Infinity) + MEMORY_PERIOD_S) residentMb.push({ atS, mb: process.memoryUsage.rss() / MB });
  });
  return {
    stop() {
      watch.stop();
      const { user, system } = process.cpuUsage(before);
      return { cpuShare: (user + system) / 1000 / Math.max(1, clock.nowMs() - fromMs), residentMb, longestStallMs };
    },
  };
}
