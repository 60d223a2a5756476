/** What the server counted beside the run, and what its process takes. */
import { every, type Clock } from '../../core/clock.ts';
import { parsePrometheus, subtractTables, tabulate, type CountTable, type MetricSample } from '../measure/prometheus.ts';
import type { ServerFigures } from './load-result.ts';

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

interface ModelStatus {
  readonly model: string;
  readonly goodputHz: number;
  readonly evenHz: number;
  readonly executionHz: number;
}

async function readModels(serverUrl: string): Promise<ServerFigures['models']> {
  try {
    const response = await fetch(httpUrl(serverUrl, '/v2/load'), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { models } = (await response.json()) as { models: readonly ModelStatus[] };
    return models.map(({ model, goodputHz, evenHz, executionHz }) => ({ model, goodputHz, evenHz, executionHz }));
  } catch {
    return [];
  }
}

/** Scrapes from second `fromS` until `stop`, which gives what was counted in between. */
export function watchServer(serverUrl: string, { clock, startMs, fromMs }: { clock: Clock; startMs: number; fromMs: number }): { stop(): Promise<ServerFigures | undefined> } {
  const residentMb: { atS: number; mb: number }[] = [];
  let before: MetricSample[] | undefined;
  const look = async (): Promise<MetricSample[] | undefined> => {
    const samples = await scrape(serverUrl);
    const resident = samples?.find(({ name }) => name === 'copresence_resident_bytes');
    if (resident !== undefined) residentMb.push({ atS: Math.max(0, Math.round((clock.nowMs() - startMs) / 1000)), mb: resident.value / MB });
    return samples;
  };
  const first = clock.schedule(fromMs - clock.nowMs(), () => void look().then((samples) => { before = samples; }));
  const watch = every(clock, PERIOD_MS, () => void look());
  return {
    async stop() {
      watch.stop();
      first.cancel();
      const [after, models] = await Promise.all([look(), readModels(serverUrl)]);
      if (before === undefined || after === undefined) return undefined;
      const tables = (name: string, row: string, column: string): CountTable => subtractTables(tabulate(after, name, row, column), tabulate(before ?? [], name, row, column));
      return {
        messages: tables('copresence_messages_total', 'kind', 'outcome'), requests: tables('copresence_requests_total', 'task', 'outcome'),
        snapshots: byLabel(before, after, 'copresence_snapshots_total', 'outcome'), refusals: byLabel(before, after, 'copresence_refusals_total', 'code'),
        closed: byLabel(before, after, 'copresence_connections_closed_total', 'code'), residentMb, models,
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
