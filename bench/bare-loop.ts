/** A process with ONNX Runtime alone: the bare loop that workers are compared with. Its parent asks for one run at a time. */
import { systemClock } from '../core/clock.ts';
import { openModelStore } from '../registry/store.ts';
import { CPU_BACKEND } from '../server/model/backend/choice.ts';
import { openOnnxBackend } from '../server/model/backend/onnx.ts';
import type { Backend } from '../server/model/backend/backend.ts';
import { allocateBlock } from '../server/model/tensor-block.ts';

const CAPACITY = 64;
const MAX_SYMBOLIC_SIZE = 512;

export interface BareRun {
  readonly model: string;
  readonly count: number;
  readonly symbolicSize: number;
}

const [modelsFolder = '', cacheFolder = ''] = process.argv.slice(2);
const store = openModelStore({ modelsFolder, cacheFolder });
const clock = systemClock();
const backends = new Map<string, Promise<Backend>>();

process.on('message', (run: BareRun) => void answer(run));
process.on('disconnect', () => process.exit(0));

async function answer({ model, count, symbolicSize }: BareRun): Promise<void> {
  const backend = await (backends.get(model) ?? open(model));
  const startMs = clock.nowMs();
  await backend.run({ first: 0, count, symbolicSize }, Infinity);
  process.send?.(clock.nowMs() - startMs);
}

/** On inputs that are all zero: what these models cost does not depend on them. */
function open(name: string): Promise<Backend> {
  const opening = store.resolve(name).then((model) => {
    const blocksOf = (specs: typeof model.manifest.inputs): Map<string, ReturnType<typeof allocateBlock>> => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, CAPACITY, MAX_SYMBOLIC_SIZE)]));
    return openOnnxBackend(model, { inputs: blocksOf(model.manifest.inputs), outputs: blocksOf(model.manifest.outputs) }, CPU_BACKEND);
  });
  backends.set(name, opening);
  return opening;
}
