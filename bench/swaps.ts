/**
 * Whether a model can be swapped for another version and back two hundred times on a server that is being asked all the while:
 * no call lost or answered by a version that is not served, and no memory that stays behind.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../core/assert.ts';
import { every, systemClock, type Clock } from '../core/clock.ts';
import { HAND_FEATURE_COUNT } from '../features/hand.ts';
import { versionsOf } from '../registry/versions.ts';
import { signToken } from '../server/session/token-signer.ts';
import { writeSection } from './performance-doc.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';
import { MODEL, type FromServer, type ToServer } from './swaps/messages.ts';
import { slopePer100, swapsSection, type SwapPoint, type SwapsReport } from './swaps/section.ts';

const KEY = 'a key for measurements, nothing else';
const CALL_PERIOD_MS = 100;
/** A machine that is busy with something else is slow and loses nothing. */
const CALL_TIMEOUT_US = 60_000_000;
const SMOKE_SWAPS = 4;
const SWAPS = 200;
const MIB = 2 ** 20;

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const report = await measure(systemClock(), smoke ? SMOKE_SWAPS : SWAPS);
  printTable([{
    swaps: report.swaps, calls: report.calls, lost: report.lost, 'of a wrong version': report.wrongVersion, 'swap p50 ms': Math.round(report.swapMedianMs), 'call p50 ms': report.callMedianMs.toFixed(1), 'call max ms': Math.round(report.callMaxMs),
    'gateway MiB/100': report.slopes.gateway.toFixed(2), 'heap MiB/100': report.slopes.heap.toFixed(2), 'worker MiB/100': report.slopes.worker.toFixed(2),
  }]);
  assert(report.lost === 0 && report.wrongVersion === 0, 'every call is answered, by the version that is served');
  if (json !== undefined) saveReport(json, report);
  if (!smoke) writeSection(swapsSection(report));
}

async function measure(clock: Clock, swaps: number): Promise<SwapsReport> {
  const modelsFolder = await mkdtemp(join(tmpdir(), 'swaps-'));
  const child = await start(modelsFolder);
  try {
    const { url } = await next(child, 'listening');
    const calls = new Calls(clock, url, await callerToken(clock));
    const points: SwapPoint[] = [];
    const startMs = clock.nowMs();
    for (let swap = 1; swap <= swaps; swap++) {
      const version = swap % 2 === 1 ? '2' : '1';
      child.send({ kind: 'swap', version } satisfies ToServer);
      const { tookMs, workerPid, heapBytes } = await next(child, 'swapped');
      await calls.expect(version);
      points.push({ swap, tookMs, gatewayMiB: residentMiB(child.pid), heapMiB: heapBytes / MIB, workerMiB: residentMiB(workerPid) });
    }
    const counts = await calls.stop();
    return {
      bench: 'swaps', machine: machineInfo(), swaps, ...counts, tookS: (clock.nowMs() - startMs) / 1000, swapMedianMs: median(points.map(({ tookMs }) => tookMs)),
      slopes: { gateway: slopePer100(points, 'gatewayMiB'), heap: slopePer100(points, 'heapMiB'), worker: slopePer100(points, 'workerMiB') }, points,
    };
  } finally {
    child.kill();
    await rm(modelsFolder, { recursive: true, force: true });
  }
}

/** Two versions that differ in a threshold: what is swapped is the whole model, its weights included. */
async function start(modelsFolder: string): Promise<ChildProcess> {
  const models = fileURLToPath(new URL('../models', import.meta.url));
  const shipped = (await versionsOf(models, MODEL)).at(-1) ?? '';
  for (const [version, threshold] of [['1', 0.55], ['2', 0.5]] as const) {
    const folder = join(modelsFolder, MODEL, version);
    await cp(join(models, MODEL, shipped), folder, { recursive: true });
    const path = join(folder, 'manifest.json');
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), version, thresholds: { probabilities: threshold } }));
  }
  return fork(fileURLToPath(new URL('./swaps/server-process.ts', import.meta.url)), [modelsFolder, KEY], { execArgv: [...process.execArgv, '--expose-gc'] });
}

function callerToken(clock: Clock): Promise<string> {
  return signToken(Buffer.from(KEY, 'utf8'), { subject: 'caller', session: '*', role: 'participant', grants: ['infer'] }, { ttlS: 24 * 3600, wallMs: clock.wallMs() });
}

/** Calls the model ten times a second, whatever the swaps do. */
class Calls {
  readonly #clock: Clock;
  readonly #url: string;
  readonly #token: string;
  readonly #open = new Set<Promise<void>>();
  readonly #times: number[] = [];
  readonly #repeating: { stop(): void };
  #calls = 0;
  #lost = 0;
  #wrongVersion = 0;

  constructor(clock: Clock, url: string, token: string) {
    [this.#clock, this.#url, this.#token] = [clock, url, token];
    this.#repeating = every(clock, CALL_PERIOD_MS, () => this.#callOnce());
  }

  /** Sees that a call which begins now is answered by this version. */
  async expect(version: string): Promise<void> {
    await this.#call([version]);
  }

  async stop(): Promise<{ calls: number; lost: number; wrongVersion: number; callMedianMs: number; callMaxMs: number }> {
    this.#repeating.stop();
    await Promise.all(this.#open);
    return { calls: this.#calls, lost: this.#lost, wrongVersion: this.#wrongVersion, callMedianMs: median(this.#times), callMaxMs: Math.max(...this.#times) };
  }

  #callOnce(): void {
    // A swap may be under way.
    const call = this.#call(['1', '2']).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }

  async #call(expected: readonly string[]): Promise<void> {
    const id = String(++this.#calls);
    const startMs = this.#clock.nowMs();
    const data = Array.from({ length: HAND_FEATURE_COUNT }, (_, at) => Math.sin(at + this.#calls));
    const body = JSON.stringify({ id, inputs: [{ name: 'features', datatype: 'FP32', shape: [1, HAND_FEATURE_COUNT], data }], parameters: { timeout: CALL_TIMEOUT_US } });
    try {
      const response = await fetch(`${this.#url}/v2/models/${MODEL}/infer`, { method: 'POST', headers: { authorization: `Bearer ${this.#token}` }, body });
      const answer = (await response.json()) as { id?: string; model_version?: string; error?: string };
      if (!response.ok || answer.id !== id) throw new Error(answer.error ?? `status ${response.status}`);
      if (!expected.includes(answer.model_version ?? '')) this.#wrongVersion++;
      this.#times.push(this.#clock.nowMs() - startMs);
    } catch (error) {
      this.#lost++;
      console.error(`call ${id}: ${String(error)}`);
    }
  }
}

function residentMiB(pid: number | undefined): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

function next<Kind extends FromServer['kind']>(child: ChildProcess, kind: Kind): Promise<Extract<FromServer, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the server ended'));
    child.once('exit', onExit);
    child.once('message', (message: FromServer) => {
      child.off('exit', onExit);
      if (message.kind === kind) resolve(message as Extract<FromServer, { kind: Kind }>);
      else reject(new Error(message.kind === 'failed' ? message.why : `${kind} was to come, not ${message.kind}`));
    });
  });
}
