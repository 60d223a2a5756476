/** Reads what the gateway itself counted. */
import { parsePrometheus, subtractTables, tabulate, type CountTable } from '../measure/prometheus.ts';

export interface GatewayCounters {
  /** Per task: how its requests ended. */
  readonly requests: CountTable;
  /** Per kind of message: what became of it on arrival. */
  readonly messages: CountTable;
}

const TIMEOUT_MS = 5000;

/** @returns undefined when the gateway does not serve its metrics here: they may be kept to a private network. */
export async function readGatewayCounters(serverUrl: string): Promise<GatewayCounters | undefined> {
  const url = new URL('/metrics', serverUrl);
  url.protocol = url.protocol.replace('ws', 'http');
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return undefined;
    const samples = parsePrometheus(await response.text());
    return {
      requests: tabulate(samples, 'copresence_requests_total', 'task', 'outcome'),
      messages: tabulate(samples, 'copresence_messages_total', 'kind', 'outcome'),
    };
  } catch {
    return undefined;
  }
}

/** What was counted between two readings; undefined when either is missing. */
export function countedBetween(before: GatewayCounters | undefined, after: GatewayCounters | undefined): GatewayCounters | undefined {
  if (before === undefined || after === undefined) return undefined;
  return { requests: subtractTables(after.requests, before.requests), messages: subtractTables(after.messages, before.messages) };
}
