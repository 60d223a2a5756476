/**
 * What inference costs: a picture through a worker against the bare model, items a second by batch size, and JPEG decoders.
 *
 * npx tsx bench/inference.ts [--json <file>] [--smoke]
 *
 * What is compared runs in turn, round by round, so that a busy machine slows both alike: trust the ratios. Asking
 * another process takes longer on a busy machine than on an idle one, since each of the two waits for a core, so the
 * CPU time is given beside the times; it holds no waiting.
 */
import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { systemClock } from '../core/clock.ts';
import { openModelStore } from '../registry/store.ts';
import type { Batch, InferenceRequest } from '../server/flow.ts';
import { Letterbox, placeInSquare } from '../server/model/letterbox.ts';
import { openSession } from '../server/model/backend/onnx-session.ts';
import { PictureDecoder } from '../server/model/picture-decoder.ts';
import { startModelPool } from '../server/model/pool.ts';
import type { ModelPool, ServedModel } from '../server/model/pool.ts';
import { openRunner } from '../server/model/runner.ts';
import type { BareRun } from './bare-loop.ts';
import type { TaskItem } from '../server/model/task/adapter.ts';
import { inferenceSection } from './inference-section.ts';
import type { BatchRow } from './inference-section.ts';
import { writeSection } from './performance-doc.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const modelsFolder = join(root, 'models');
const BODY_MODEL = 'movenet-lightning';
/** Those that the server loads unless told otherwise. */
const MODELS = [BODY_MODEL, 'handdetect', 'handlandmark-lite', 'gesture-mlp', 'avatar-language'].filter((name) => existsSync(join(modelsFolder, name)));
const BACKEND = { kind: 'onnx', providers: ['cpu'], intraOpThreads: 1, deviceId: 0 } as const;
const SIDE = 192;
const SIZES = [{ width: 320, height: 240 }, { width: 640, height: 480 }] as const;
/** What the runner packs the language model's samples to: they have 187, 189, 7 and 277 ids, and it rounds up to 64. */
const symbolicSize = (batchSize: number): number => (batchSize < 4 ? 192 : 320);
/** Different inputs of a batch, as in bare-loop.ts. */
const SAMPLE_COUNT = 4;
const PHOTOGRAPHS = 6;
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64];
/** A batch size whose batches take longer than this ends the list of its model. */
const SLOWEST_BATCH_MS = 250;
/** A measurement ends after this time, whatever is left of its rounds. */
const BUDGET_MS = { pictures: 7000, batches: 800, decoders: 4000 } as const;
const MIN_ROUNDS = 4;
const WARM_UP_ROUNDS = 3;

interface Rounds {
  /** Of each comparison. */
  readonly paired: number;
  /** At most, of each batch size. */
  readonly batches: number;
}

type Way = () => unknown;
/** Round by round, milliseconds. */
type Times = Record<string, number[]>;

const clock = systemClock();

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const rounds: Rounds = smoke ? { paired: 4, batches: 2 } : { paired: 150, batches: 30 };
  const cacheFolder = await mkdtemp(join(tmpdir(), 'bench-inference-'));
  const models = MODELS.map((name) => ({ name, deadlineMs: 1 }));
  const pool = await startModelPool({ clock }, { workerCount: 1, models, modelsFolder, cacheFolder, backend: BACKEND, watchdogFloorMs: 30_000, probeMs: 3_600_000 });
  try {
    const pictures = await measurePictures(pool, cacheFolder, rounds);
    const batches = await measureBatches(pool, cacheFolder, rounds);
    const decoders = await measureDecoders(rounds);
    printReport(pictures, batches, decoders);
    if (json !== undefined) saveReport(json, { machine: machineInfo(), settings: BACKEND, rounds, pictures, batches, decoders });
    if (!smoke) writeSection(inferenceSection(machineInfo(), batches));
  } finally {
    await pool.close();
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

/** One picture at a time: JPEG to keypoints through the worker, and the model alone on pixels that are ready. */
async function measurePictures(pool: ModelPool, cacheFolder: string, rounds: Rounds): Promise<object[]> {
  const bare = await openBareModel(cacheFolder);
  const rows: object[] = [];
  for (const size of SIZES) {
    const jpegs = await photographs(size);
    let round = 0;
    const bareCpu = new CpuMeter();
    const workerCpu = new CpuMeter(pool.devices[0]?.pid);
    const times = await inTurn({ rounds: rounds.paired, budgetMs: BUDGET_MS.pictures }, {
      bare: () => bareCpu.measure(bare),
      worker: () => workerCpu.measure(() => runBatch(pool, BODY_MODEL, [jpegs[round++ % jpegs.length] ?? new Uint8Array(0)])),
    });
    rows.push({
      picture: `${size.width}x${size.height}`,
      rounds: times['bare']?.length ?? 0,
      bareMs: middle(times['bare']),
      workerMs: middle(times['worker']),
      ratio: ratio(times, 'worker', 'bare'),
      bareCpuMs: round2(bareCpu.meanMs),
      workerCpuMs: round2(workerCpu.meanMs),
      cpuRatio: round2(workerCpu.meanMs / bareCpu.meanMs),
    });
  }
  return rows;
}

/** Mean CPU time of calls: this process's during each, and all that a child has taken meanwhile (Linux only). */
class CpuMeter {
  readonly #child: number | undefined;
  #ownMs = 0;
  #calls = 0;
  #childStartMs = 0;

  constructor(child?: number) {
    this.#child = child;
    this.#childStartMs = childCpuMs(child);
  }

  get meanMs(): number {
    return (this.#ownMs + childCpuMs(this.#child) - this.#childStartMs) / this.#calls;
  }

  async measure(way: Way): Promise<void> {
    const before = process.cpuUsage();
    await way();
    const { user, system } = process.cpuUsage(before);
    this.#ownMs += (user + system) / 1000;
    this.#calls++;
  }
}

/** What a process has taken so far, to 10 ms; NaN where there is no /proc. */
function childCpuMs(pid: number | undefined): number {
  if (pid === undefined) return 0;
  if (!existsSync(`/proc/${pid}/stat`)) return NaN;
  // After the name in brackets, fields 14 and 15 of proc(5): user and system time in ticks, 100 a second.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The model as ONNX Runtime runs it, in this process, with the worker's settings and tensors that are reused. */
async function openBareModel(cacheFolder: string): Promise<Way> {
  const { graphPath } = await openModelStore({ modelsFolder, cacheFolder }).resolve(BODY_MODEL);
  const { session } = await openSession(graphPath, BACKEND);
  const feeds = { input: new Tensor('uint8', new Uint8Array(SIDE * SIDE * 3).fill(128), [1, SIDE, SIDE, 3]) };
  const fetches = { keypoints: new Tensor('float32', new Float32Array(51), [1, 17, 3]) };
  return () => session.run(feeds, fetches);
}

/** Items a second of every model, batch by batch: through the worker, the same work in one process, and the model's run alone. */
async function measureBatches(pool: ModelPool, cacheFolder: string, rounds: Rounds): Promise<BatchRow[]> {
  const rows: BatchRow[] = [];
  const bare = startBareLoop(cacheFolder);
  for (const model of pool.models) {
    const samples = await samplesOf(model, cacheFolder);
    for (const size of BATCH_SIZES) {
      const items = Array.from({ length: size }, (_, index) => samples[index % samples.length]).filter((item) => item !== undefined);
      const bareMs: number[] = [];
      const workMs: number[] = [];
      const run = { model: model.name, count: size, symbolicSize: symbolicSize(size) };
      const { batch = [] } = await inTurn({ rounds: rounds.batches, budgetMs: BUDGET_MS.batches }, {
        batch: () => runItems(pool, model.name, items),
        work: async () => workMs.push(await bare.run({ ...run, way: 'work' })),
        bare: async () => bareMs.push(await bare.run({ ...run, way: 'run' })),
      });
      const batchMs = median(batch);
      const aloneMs = median(bareMs.slice(WARM_UP_ROUNDS));
      const sameWorkMs = median(workMs.slice(WARM_UP_ROUNDS));
      rows.push({ model: model.name, provider: model.provider, batchSize: size, batchMs: round2(batchMs), workMs: round2(sameWorkMs), bareMs: round2(aloneMs), hopsMs: round2(batchMs - sameWorkMs), itemsPerSecond: perSecond(size, batchMs), workItemsPerSecond: perSecond(size, sameWorkMs), bareItemsPerSecond: perSecond(size, aloneMs), ofWork: round2(sameWorkMs / batchMs), ofBare: round2(aloneMs / batchMs) });
      if (batchMs > SLOWEST_BATCH_MS) break;
    }
  }
  bare.close();
  return rows;
}

function perSecond(count: number, tookMs: number): number {
  return Math.round((count * 1000) / tookMs);
}

/** The bare loop's process. */
function startBareLoop(cacheFolder: string): { run(run: BareRun): Promise<number>; close(): void } {
  const child = fork(new URL('./bare-loop.ts', import.meta.url), [modelsFolder, cacheFolder], { serialization: 'advanced' });
  return {
    run(run) {
      child.send(run);
      return new Promise((resolve) => child.once('message', resolve as (value: unknown) => void));
    },
    close: () => child.disconnect(),
  };
}

/** Each decoder's own way to RGB, and to the model's square. */
async function measureDecoders(rounds: Rounds): Promise<object[]> {
  sharp.concurrency(1);
  sharp.cache(false);
  const decoder = new PictureDecoder();
  const letterbox = new Letterbox(SIDE);
  const target = new Uint8Array(SIDE * SIDE * 3);
  const rows: object[] = [];
  for (const size of SIZES) {
    const jpegs = await photographs(size);
    let round = 0;
    const next = (): Uint8Array => jpegs[Math.floor(round++ / 4) % jpegs.length] ?? new Uint8Array(0);
    const times = await inTurn({ rounds: rounds.paired, budgetMs: BUDGET_MS.decoders }, {
      turboRgb: () => decoder.decode(next()),
      turboSquare: () => {
        const frame = decoder.decode(next());
        if (frame !== undefined) letterbox.draw({ ...frame, target, offset: 0, side: SIDE, placement: placeInSquare(frame, SIDE) });
      },
      sharpRgb: () => sharp(next()).raw().toBuffer(),
      sharpSquare: () => sharp(next()).resize(SIDE, SIDE, { fit: 'contain', kernel: 'linear' }).raw().toBuffer(),
    });
    const picture = `${size.width}x${size.height}`;
    rows.push({ picture, to: 'RGB', turboMs: middle(times['turboRgb']), sharpMs: middle(times['sharpRgb']), ratio: ratio(times, 'sharpRgb', 'turboRgb') });
    rows.push({ picture, to: 'square', turboMs: middle(times['turboSquare']), sharpMs: middle(times['sharpSquare']), ratio: ratio(times, 'sharpSquare', 'turboSquare') });
  }
  return rows;
}

/** Runs every way once a round, one after the other; the first rounds only warm up. */
async function inTurn(limits: { rounds: number; budgetMs: number }, ways: Readonly<Record<string, Way>>): Promise<Times> {
  const times: Times = {};
  const untilMs = clock.nowMs() + limits.budgetMs;
  for (let round = -WARM_UP_ROUNDS; round < limits.rounds && (round < MIN_ROUNDS || clock.nowMs() < untilMs); round++) {
    for (const [name, way] of Object.entries(ways)) {
      const startMs = clock.nowMs();
      await way();
      if (round >= 0) (times[name] ??= []).push(clock.nowMs() - startMs);
    }
  }
  return times;
}

function runBatch(pool: ModelPool, model: string, payloads: readonly Uint8Array[]): Promise<void> {
  return runItems(pool, model, payloads.map((payload) => ({ payload, part: '' })));
}

async function runItems(pool: ModelPool, model: string, items: readonly Omit<TaskItem, 'encoding'>[]): Promise<void> {
  const requests = items.map(({ payload, part, region }, id): InferenceRequest => ({
    ...(region === undefined ? {} : { region }),
    id, task: 'body-pose', model, streamId: '', origin: { sessionId: '', slot: 0, part }, payload, encoding: 'task', tenant: '', captureMs: 0, arrivedMs: 0, deadlineMs: 0, priority: 0,
  }));
  const batch: Batch = { id: 0, model, requests, releasedMs: 0, release: 'full' };
  const outcome = await pool.devices[0]?.run(batch);
  if (outcome?.kind !== 'done' || outcome.items.some((item) => item.kind !== 'done')) throw new Error(`${model} did not answer every item`);
}

/** What the model's own adapter holds for typical inputs. */
async function samplesOf(model: ServedModel, cacheFolder: string): Promise<TaskItem[]> {
  const resolved = await openModelStore({ modelsFolder, cacheFolder }).resolve(model.name, model.version);
  const runner = await openRunner(resolved, { backend: BACKEND, capacity: 1 });
  const samples = Array.from({ length: SAMPLE_COUNT }, (_, index) => runner.sample(index));
  await runner.close();
  return samples;
}

/** People, as a camera of this size would send them. */
async function photographs({ width, height }: (typeof SIZES)[number]): Promise<Uint8Array[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
  const numbers = Array.from({ length: PHOTOGRAPHS }, (_, index) => index + 1);
  return Promise.all(numbers.map(async (number) => {
    const original = await readFile(join(folder, `sample${number}.jpg`));
    return sharp(original).resize(width, height, { fit: 'cover' }).jpeg({ quality: 75 }).toBuffer();
  }));
}

/** The median of each round's ratio. */
function ratio(times: Times, over: string, under: string): number {
  return round2(median((times[over] ?? []).map((time, round) => time / (times[under]?.[round] ?? NaN))));
}

function middle(times: readonly number[] = []): number {
  return round2(median(times));
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function printReport(...tables: readonly object[][]): void {
  const titles = ['one picture, JPEG to keypoints, against the bare model', 'items a second through one worker', 'JPEG decoders, one thread'];
  tables.forEach((rows, index) => {
    console.log(`\n${titles[index]}`);
    printTable(rows as Record<string, string | number>[]);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
