/**
 * What the clients cost and how fast they are: npx tsx bench/main.ts clients [--smoke]
 *
 * Codecs and frames in each language on the same bytes, in turn; and how long a pose takes from one client of an SDK to another through a real server.
 */
import { systemClock } from '../core/clock.ts';
import { startServerProcess } from '../sim/server-process.ts';
import { makeToken } from '../sim/tokens.ts';
import type { Sdk } from '../test/client/kit/sdk.ts';
import { sdks } from '../test/client/kit/sdks.ts';
import { measureCodecs, type CodecRow } from './clients/codecs.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport, type MachineInfo } from './support.ts';

const RESULTS_FILE = 'bench/results/clients.json';
const RATES_HZ = [72, 90] as const;
const SERVERS = { 'ticks of 72 Hz': [], relay: ['--relay'] } as const;
/** The headset's: a pose is of no use to a frame that has been drawn. */
const FRAME_BUDGET_MS = 1000 / 90;

interface RoundTripRow {
  readonly sdk: string;
  readonly server: string;
  readonly rateHz: number;
  /** Of the poses that were sent, those that the other client saw. */
  readonly seen: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Report {
  readonly bench: 'clients';
  readonly machine: MachineInfo;
  readonly codecs: readonly CodecRow[];
  readonly roundTrips: readonly RoundTripRow[];
  /** SDKs whose tools are missing, with what they are. */
  readonly notRun: readonly string[];
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const { rows, notRun } = await measureCodecs(smoke ? { rounds: 1, sliceMs: 1 } : { rounds: 60, sliceMs: 10 });
  printTable(rows.map(codecCells));
  const roundTrips = await measureRoundTrips(smoke ? { servers: { relay: SERVERS.relay }, rates: [90], seconds: 1 } : { servers: SERVERS, rates: RATES_HZ, seconds: 10 });
  printTable(roundTrips.map(roundTripCells));
  for (const line of notRun) console.log(`not run: ${line}`);
  const report: Report = { bench: 'clients', machine: machineInfo(), codecs: rows, roundTrips, notRun };
  if (json !== undefined) saveReport(json, report);
  if (smoke) return;
  saveReport(RESULTS_FILE, report);
  writeClientsSection(report);
}

interface RoundTripPlan {
  /** Flags of each server, by what it is called. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  readonly rates: readonly number[];
  readonly seconds: number;
}

async function measureRoundTrips({ servers, rates, seconds }: RoundTripPlan): Promise<RoundTripRow[]> {
  const clock = systemClock();
  const able = sdks().filter((sdk): sdk is Sdk & Required<Pick<Sdk, 'roundTrip'>> => sdk.missing.length === 0 && sdk.roundTrip !== undefined);
  await Promise.all(able.map((sdk) => sdk.prepare()));
  const rows: RoundTripRow[] = [];
  try {
    for (const [name, flags] of Object.entries(servers)) {
      const server = await startServerProcess(clock, new AbortController().signal, { flags: ['--workers', '0', '--log-level', 'error', '--allowed-origins', '*', ...flags] });
      try {
        const token = await makeToken(server.tokenKey, { subject: 'bench', session: '*', role: 'participant' }, clock);
        for (const rateHz of rates) for (const sdk of able) rows.push({ sdk: sdk.name, server: name, rateHz, ...await sdk.roundTrip(server.url.replace('http', 'ws'), token, `at-${rateHz}`, { rateHz, seconds }) });
      } finally {
        await server.stop();
      }
    }
  } finally {
    await Promise.all(able.map((sdk) => sdk.close()));
  }
  return rows;
}

function codecCells({ operation, sdk, ns, leastNs, ratio }: CodecRow): Record<string, string | number> {
  return { operation, SDK: sdk, 'ns, median': Math.round(ns), 'ns, quietest round': Math.round(leastNs), 'of TypeScript': ratio.toFixed(2), 'of a 90 Hz frame': operation.startsWith('a frame') ? `${((100 * ns) / 1e6 / FRAME_BUDGET_MS).toFixed(1)} %` : '' };
}

function roundTripCells({ sdk, server, rateHz, seen, p50Ms, p99Ms }: RoundTripRow): Record<string, string | number> {
  return { server, 'poses, Hz': rateHz, SDK: sdk, seen, 'ms, p50': p50Ms.toFixed(1), p99: p99Ms.toFixed(1) };
}

function writeClientsSection({ machine, codecs, roundTrips, notRun }: Report): void {
  const markdown = `## Clients

The same bytes in every language: samples of a recording, and two seconds of 20 people with a head and two hands at 72 Hz as deltas. The programs take turns, round by round, and ratios are medians of the
ratios within a round: on a machine that others use they hold where nanoseconds do not. *A frame* takes in what has come since the one before and draws 20 avatars at 90 Hz; TypeScript predicts with a Kalman filter for each
part and finds each participant's delay, the others blend between two samples with a delay by tier. Nothing here ran in an engine, or with IL2CPP.

${markdownTable(codecs.map(codecCells))}

How long a pose takes from one client to another, both of one process, over a WebSocket through a server process on the same machine. Ten seconds each; of two poses between two ticks only the later is
sent on, and a pose waits for its tick. C# looks every millisecond for what has come, where a
game does once a frame; the others are told at once.

${markdownTable(roundTrips.map(roundTripCells))}
${notRun.length === 0 ? '' : `\nNot run: ${notRun.join('; ')}.\n`}
\`npm run bench -- clients\` writes this section. Commit ${machine.commit}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}.
`;
  writeSection({ name: 'clients', markdown, charts: [] });
}
