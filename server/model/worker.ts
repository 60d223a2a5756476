/** The entry of a model worker, a child process: loads its models, then runs one batch after the other. */
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { readReference } from '../../registry/reference.ts';
import { openModelStore } from '../../registry/store.ts';
import { CPU_BACKEND } from './backend/choice.ts';
import { openRunner } from './runner.ts';
import type { Runner } from './runner.ts';
import type { FromWorker, LoadMessage, LoadedModel, RebuildMessage, RunMessage, ToWorker } from './worker-messages.ts';

const SAMPLES = 4;

const clock = systemClock();
const runners = new Map<string, Runner>();
/** How each was opened. */
const openings = new Map<string, () => Promise<Runner>>();

process.on('message', (message: ToWorker) => void serve(message));
// Without a parent there is nobody to work for.
process.on('disconnect', () => process.exit(0));
// A terminal's interrupt reaches the whole process group, but the parent decides when its workers end: it drains first.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

async function serve(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'load':
      return answerLoad(message);
    case 'run':
      return answerRun(message);
    case 'rebuild':
      return answerRebuild(message);
    default:
      message satisfies never;
  }
}

async function answerLoad(message: LoadMessage): Promise<void> {
  try {
    send({ kind: 'loaded', models: await load(message) });
  } catch (error) {
    const code = error instanceof CopresenceError ? error.code : 'WORKER_FAILED';
    const text = error instanceof Error ? error.message : String(error);
    send({ kind: 'refused', code, detail: text.replace(`${code}: `, '') });
  }
}

async function load(message: LoadMessage): Promise<LoadedModel[]> {
  const store = openModelStore(message);
  const loaded: LoadedModel[] = [];
  for (const { key, name, version } of message.models) {
    const backend = message.backendOf?.[name] ?? message.backend ?? CPU_BACKEND;
    const resolved = await store.resolve(name, version);
    const reference = await readReference(resolved);
    const open = (): Promise<Runner> => openRunner(resolved, { capacity: message.capacity, backend, reference }, clock);
    const runner = await open();
    runners.set(key, runner);
    openings.set(key, open);
    const { manifest, provider, refusedProviders } = runner;
    const { task, inputs, outputs } = manifest;
    const samples = Array.from({ length: SAMPLES }, (_, index) => runner.sample(index));
    loaded.push({ key, name, version: manifest.version, task, inputs, outputs, provider, refusedProviders, reference, samples });
  }
  return loaded;
}

async function answerRun({ model, items, deadlineInMs }: RunMessage): Promise<void> {
  const runner = runners.get(model);
  if (runner === undefined) throw new Error(`bug: this worker has no model ${model}`);
  const startMs = clock.nowMs();
  const outcomes = await runner.run(items, deadlineInMs);
  const nowMs = clock.nowMs();
  send({ kind: 'ran', items: outcomes, runMs: nowMs - startMs, looks: runner.takeLooks(nowMs) });
}

/** Where it cannot be opened again the worker is of no more use. */
async function answerRebuild({ model }: RebuildMessage): Promise<void> {
  const open = openings.get(model);
  if (open === undefined) throw new Error(`bug: this worker has no model ${model}`);
  try {
    await runners.get(model)?.close();
    runners.set(model, await open());
  } catch {
    process.exit(1);
  }
  send({ kind: 'rebuilt' });
}

function send(message: FromWorker): void {
  process.send?.(message);
}
