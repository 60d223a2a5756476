/** The model workers behind the scheduler: one process a device, each with every model. */
import type { Clock } from '../../core/clock.ts';
import type { DevicePool } from '../flow.ts';
import { CPU_BACKEND } from './backend/choice.ts';
import type { BackendChoice } from './backend/choice.ts';
import type { LookTaker } from '../watch-flow.ts';
import { WorkerDevice } from './worker-device.ts';
import type { ModelLog } from './worker-device.ts';
import type { LoadedModel, ModelToLoad } from './worker-messages.ts';

export interface ModelPoolOptions {
  /** Processes, 1.., for each of `gpus` where there are any; a CPU gains nothing from more than its cores less the one that the gateway needs. */
  readonly workerCount: number;
  /** What each worker runs. A batch that takes longer than `deadlineMs` is of no use, so none so large is announced. */
  readonly models: readonly { readonly name: string; readonly deadlineMs: number }[];
  readonly modelsFolder: string;
  /** Where converted graphs are kept. */
  readonly cacheFolder: string;
  /** Whose signatures count; without one models need none. */
  readonly signersFile?: string | undefined;
  /** What computes the models; ONNX Runtime on the CPU where left out. */
  readonly backend?: BackendChoice;
  /** By model, what computes it instead. */
  readonly backendOf?: Readonly<Record<string, BackendChoice>>;
  /** Numbers of the accelerators that ONNX Runtime uses; what the backend says where left out. */
  readonly gpus?: readonly number[];
  /** A batch is given at least so long before its worker counts as hung and is killed. */
  readonly watchdogFloorMs?: number;
  /** How often a model that is too slow for its deadline is tried on a sample. */
  readonly probeMs?: number;
}

/** A model that the pool serves. */
export type ServedModel = Omit<LoadedModel, 'samples'>;

export interface ModelPool extends DevicePool {
  readonly devices: readonly WorkerDevice[];
  /** As they are served now. */
  readonly models: readonly ServedModel[];
  /**
   * Has every worker serve these models from now on, in a new process beside each old one, one worker after the other; the old one
   * serves until the new one has loaded and measured what is new to it.
   *
   * @throws CopresenceError as `startModelPool`; then every worker serves what it did before.
   */
  serve(models: readonly ModelToLoad[]): Promise<void>;
  /** Ends every worker; what they work on is lost. */
  close(): Promise<void>;
}

const MAX_BATCH_SIZE = 64;
const WATCHDOG_FLOOR_MS = 2000;
const PROBE_MS = 2000;

/**
 * Starts the workers and resolves when every one has loaded and measured its models.
 *
 * The first starts alone: it converts what has to be converted, and a model that cannot be loaded stops everything
 * before more processes have come up.
 *
 * @throws CopresenceError MODEL_INVALID, MODEL_TAMPERED, MODEL_UNSIGNED, SHAPE_MISMATCH or GRAPH_UNSUPPORTED for a model that cannot
 * be served, WORKER_FAILED when a process ends or hangs while it starts; then no worker is left running.
 */
export async function startModelPool(deps: { readonly clock: Clock; readonly log?: ModelLog; readonly looks?: LookTaker | undefined }, options: ModelPoolOptions): Promise<ModelPool> {
  let listener = (): void => undefined;
  const parts = { clock: deps.clock, log: deps.log, looks: deps.looks, onChange: () => listener() };
  const { gpus = [], workerCount } = options;
  const devices = Array.from({ length: workerCount * Math.max(1, gpus.length) }, (_, index) => new WorkerDevice(parts, deviceOptions(options, index)));
  let serving = Promise.resolve();
  const close = async (): Promise<void> => {
    await Promise.all(devices.map((device) => device.close()));
  };
  try {
    const [first, ...others] = devices;
    await first?.start();
    await Promise.all(others.map((device) => device.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    devices,
    get models() {
      return devices[0]?.models.map(({ samples: _, ...served }) => served) ?? [];
    },
    serve: (models) => (serving = serving.then(() => serveByAll(devices, models), () => serveByAll(devices, models))),
    onChange(next) {
      listener = next;
    },
    close,
  };
}

async function serveByAll(devices: readonly WorkerDevice[], models: readonly ModelToLoad[]): Promise<void> {
  const before = devices.map((device) => device.wanted);
  for (const [index, device] of devices.entries()) {
    try {
      await device.serve(models);
    } catch (error) {
      for (const [earlier, changed] of devices.slice(0, index).entries()) await changed.serve(before[earlier] ?? []);
      throw error;
    }
  }
}

function deviceOptions(options: ModelPoolOptions, index: number): ConstructorParameters<typeof WorkerDevice>[1] {
  const { models, modelsFolder, cacheFolder, signersFile, backend = CPU_BACKEND, backendOf = {}, gpus = [], watchdogFloorMs = WATCHDOG_FLOOR_MS, probeMs = PROBE_MS } = options;
  // The first worker of every GPU, then the second of every one.
  const gpu = gpus[index % Math.max(1, gpus.length)];
  const onGpu = (choice: BackendChoice): BackendChoice => (choice.kind === 'onnx' && gpu !== undefined ? { ...choice, deviceId: gpu } : choice);
  return {
    id: gpu === undefined ? `worker-${index}` : `gpu-${gpu}-worker-${Math.floor(index / gpus.length)}`,
    deadlineMs: new Map(models.map(({ name, deadlineMs }) => [name, deadlineMs])),
    watchdogFloorMs,
    probeMs,
    load: { kind: 'load', models: models.map(({ name }) => ({ key: name, name })), modelsFolder, cacheFolder, signersFile, backend: onGpu(backend), backendOf: mapValues(backendOf, onGpu), capacity: MAX_BATCH_SIZE },
  };
}

function mapValues<Value>(record: Readonly<Record<string, Value>>, change: (value: Value) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
