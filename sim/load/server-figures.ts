/** What the server counted beside the run, and what its process takes. */
import { z } from 'zod';
import { every, type Clock } from '../../core/clock.ts';
import { parsePrometheus, subtractTables, tabulate, type CountTable, type MetricSample } from '../measure/prometheus.ts';
import type { ServerFigures } from './load-result.ts';
import type { ServedModel } from './served-model.ts';

const TIMEOUT_MS = 5000;
const PERIOD_MS = 5000;
const MB = 1e6;

/** Reads a server's metrics; undefined where it does not serve them, or is no server of this project. */
async function scrape(serverUrl: string): Promise<MetricSample[] | undefined> {
  try {
    const response = await fetch(httpUrl(serverUrl, '/metrics'), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? parsePrometheus(await response.text()) : undefined;
  } catch {
    return undefined;
  }
}

/** Only what a server of another build tells too; one that does not is one without models. */
const served = z.object({
  models: z.array(z.object({
    model: z.string(), tasks: z.array(z.string()), devices: z.number(), budgetMs: z.number().default(0), latencyMs: z.array(z.object({ size: z.number(), ms: z.number() })),
    goodputHz: z.number(), evenHz: z.number(), executionHz: z.number(),
  })),
});

async function readModels(serverUrl: string): Promise<readonly ServedModel[]> {
  try {
    const response = await fetch(httpUrl(serverUrl, '/v2/load'), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return served.parse(await response.json()).models;
  } catch {
    return [];
  }
}

/** Before the last send: what a model does now is a mean of the last seconds. */
const MODELS_BEFORE_END_MS = 300;

export interface WatchTimes {
  readonly clock: Clock;
  /** Second 0 of the run. */
  readonly startMs: number;
  /** From when on it is measured, and until when is sent. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Scrapes from `fromMs` until `stop`, which gives what was counted in between. */
export function watchServer(serverUrl: string, { clock, startMs, fromMs, untilMs }: WatchTimes): { stop(): Promise<ServerFigures | undefined> } {
  const residentMb: { atS: number; mb: number }[] = [];
  let before: MetricSample[] | undefined;
  let beforeMs = 0;
  let models: Promise<readonly ServedModel[]> | undefined;
  const look = async (): Promise<MetricSample[] | undefined> => {
    const samples = await scrape(serverUrl);
    const resident = samples?.find(({ name }) => name === 'copresence_resident_bytes');
    if (resident !== undefined) residentMb.push({ atS: Math.max(0, Math.round((clock.nowMs() - startMs) / 1000)), mb: resident.value / MB });
    return samples;
  };
  const first = clock.schedule(fromMs - clock.nowMs(), () => void look().then((samples) => {
    before = samples;
    beforeMs = clock.nowMs();
  }));
  const last = clock.schedule(untilMs - MODELS_BEFORE_END_MS - clock.nowMs(), () => { models = readModels(serverUrl); });
  const watch = every(clock, PERIOD_MS, () => void look());
  return {
    async stop() {
      watch.stop();
      first.cancel();
      last.cancel();
      const endMs = Math.min(untilMs, clock.nowMs());
      const [after, known] = await Promise.all([look(), models ?? readModels(serverUrl)]);
      if (before === undefined || after === undefined) return undefined;
      const tables = (name: string, row: string, column: string): CountTable => subtractTables(tabulate(after, name, row, column), tabulate(before ?? [], name, row, column));
      return {
        messages: tables('copresence_messages_total', 'kind', 'outcome'), requests: tables('copresence_requests_total', 'task', 'outcome'),
        snapshots: byLabel(before, after, 'copresence_snapshots_total', 'outcome'), refusals: byLabel(before, after, 'copresence_refusals_total', 'code'),
        closed: byLabel(before, after, 'copresence_connections_closed_total', 'code'), residentMb, countedS: Math.max(0, (endMs - beforeMs) / 1000), models: known,
      };
    },
  };
}

function byLabel(before: readonly MetricSample[], after: readonly MetricSample[], name: string, label: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (samples: readonly MetricSample[], sign: 1 | -1): void => {
    for (const sample of samples) {
      const key = sample.labels[label];
      if (sample.name === name && key !== undefined) counts[key] = (counts[key] ?? 0) + sign * sample.value;
    }
  };
  add(after, 1);
  add(before, -1);
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function httpUrl(serverUrl: string, path: string): URL {
  const url = new URL(path, serverUrl);
  url.protocol = url.protocol.replace('ws', 'http');
  return url;
}
