/** `sim witness`: an independent measure of latency, by the client SDK in a process of its own, beside a load. */
import { parseArgs } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import { sleep } from '../../core/clock.ts';
import { connect, openNodeSocket } from '../../client/node.ts';
import { machineClock } from '../load/machine-clock.ts';
import { markerOfSample, readIntendedMs } from '../load/marker.ts';
import { LatencyRecorder } from '../measure/latency.ts';
import { formatTable } from '../report/table.ts';
import { makeToken } from '../tokens.ts';
import { EXIT, type SimCommand } from './command.ts';

const HELP = `Usage: copresence-sim witness --url <url> --token-key <key> --session <name> [--duration 10]

Joins one session of a load that is running (load-1 is the first) with the client SDK, as a spectator, and tells how long
poses took by two accounts: the moment that each pose carries, and the SDK's own synchronised clocks. The load's report
must agree with the first; the second may be wrong by half a round trip.`;

export const witness: SimCommand = {
  help: HELP,
  async run(args) {
    const { url, key, session, durationS } = readOptions(args);
    const clock = machineClock();
    const marked = new LatencyRecorder();
    const synchronised = new LatencyRecorder();
    const scratch = new Uint8Array(32);
    const newest = new Map<number, number>();
    const client = await connect({
      url, session, name: 'witness', clock, openSocket: openNodeSocket, interpolate: false, consent: { inference: false, recording: false, training: false },
      token: await makeToken(key, { subject: 'witness', session, role: 'spectator' }, clock),
    });
    client.on('pose', ({ slot, sample, arrivedMs }) => {
      if (sample.captureMs <= (newest.get(slot) ?? -Infinity)) return;
      newest.set(slot, sample.captureMs);
      markerOfSample(sample, scratch);
      marked.record(arrivedMs - readIntendedMs(scratch, 0, arrivedMs));
      synchronised.record(arrivedMs + client.clockOffsetMs - sample.captureMs);
    });
    await sleep(clock, durationS * 1000);
    await client.leave();
    const rows = ([['by the pose itself', marked], ['by synchronised clocks', synchronised]] as const).map(([name, recorder]) => [name, String(recorder.count), ...[0.5, 0.9, 0.99].map((share) => recorder.quantileMs(share).toFixed(2))]);
    process.stdout.write(`${formatTable([['milliseconds', 'measured', 'p50', 'p90', 'p99'], ...rows], ['left', 'right', 'right', 'right', 'right'])}\n`);
    return marked.count > 0 ? EXIT.ok : EXIT.failed;
  },
};

function readOptions(args: readonly string[]): { url: string; key: string; session: string; durationS: number } {
  try {
    const { values } = parseArgs({ args: [...args], options: { url: { type: 'string' }, 'token-key': { type: 'string' }, session: { type: 'string', default: 'load-1' }, duration: { type: 'string', default: '10' } } });
    const { url, 'token-key': key, session } = values;
    const durationS = Number(values.duration);
    if (url !== undefined && key !== undefined && durationS > 0 && durationS <= 3600) return { url, key, session, durationS };
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
  throw new CopresenceError('CONFIG_INVALID', 'witness needs --url, --token-key and a --duration of up to 3600 s');
}
