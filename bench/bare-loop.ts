/** A process without a worker's messages: what workers are compared with. Its parent asks for one run at a time. */
import { systemClock } from '../core/clock.ts';
import { openModelStore } from '../registry/store.ts';
import { CPU_BACKEND } from '../server/model/backend/choice.ts';
import { openOnnxBackend } from '../server/model/backend/onnx.ts';
import type { Backend } from '../server/model/backend/backend.ts';
import { openRunner } from '../server/model/runner.ts';
import type { Runner } from '../server/model/runner.ts';
import type { TaskItem } from '../server/model/task/adapter.ts';
import { allocateBlock } from '../server/model/tensor-block.ts';

const CAPACITY = 64;
const MAX_SYMBOLIC_SIZE = 512;

/** Different inputs of a batch, as in inference.ts. */
const SAMPLE_COUNT = 4;

/** `run`: ONNX Runtime alone, on tensors that are ready. `work`: all that a worker does between its two messages. */
export interface BareRun {
  readonly way: 'run' | 'work';
  readonly model: string;
  readonly count: number;
  readonly symbolicSize: number;
}

const [modelsFolder = '', cacheFolder = ''] = process.argv.slice(2);
const store = openModelStore({ modelsFolder, cacheFolder });
const clock = systemClock();
const backends = new Map<string, Promise<Backend>>();
const runners = new Map<string, Promise<Runner>>();

process.on('message', (run: BareRun) => void answer(run));
process.on('disconnect', () => process.exit(0));

async function answer(run: BareRun): Promise<void> {
  process.send?.(await (run.way === 'run' ? timeRun(run) : timeWork(run)));
}

async function timeRun({ model, count, symbolicSize }: BareRun): Promise<number> {
  const backend = await (backends.get(model) ?? open(model));
  const startMs = clock.nowMs();
  await backend.run({ first: 0, count, symbolicSize }, Infinity);
  return clock.nowMs() - startMs;
}

async function timeWork({ model, count }: BareRun): Promise<number> {
  const runner = await (runners.get(model) ?? openForWork(model));
  const samples = Array.from({ length: SAMPLE_COUNT }, (_, index) => runner.sample(index));
  // The same payload comes again as the same object, as through a worker's messages.
  const items = Array.from({ length: count }, (_, index) => samples[index % SAMPLE_COUNT]).filter((item): item is TaskItem => item !== undefined);
  const startMs = clock.nowMs();
  const outcomes = await runner.run(items);
  const tookMs = clock.nowMs() - startMs;
  if (outcomes.some(({ kind }) => kind !== 'done')) throw new Error(`${model} did not answer every item`);
  return tookMs;
}

function openForWork(name: string): Promise<Runner> {
  const opening = store.resolve(name).then((model) => openRunner(model, { capacity: CAPACITY, backend: CPU_BACKEND }, clock));
  runners.set(name, opening);
  return opening;
}

/** On inputs that are all zero: what these models cost does not depend on them, but that a line then has no tokens to tag. */
function open(name: string): Promise<Backend> {
  const opening = store.resolve(name).then((model) => {
    const blocksOf = (specs: typeof model.manifest.inputs): Map<string, ReturnType<typeof allocateBlock>> => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, CAPACITY, MAX_SYMBOLIC_SIZE)]));
    return openOnnxBackend(model, { inputs: blocksOf(model.manifest.inputs), outputs: blocksOf(model.manifest.outputs) }, CPU_BACKEND);
  });
  backends.set(name, opening);
  return opening;
}
