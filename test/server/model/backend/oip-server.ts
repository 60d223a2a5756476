/** A server of the Open Inference Protocol in this process, with a real model on a real runner behind it. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../../core/clock.ts';
import type { Batch, BatchOutcome, Device, DeviceState } from '../../../../server/flow.ts';
import { createHttpServer } from '../../../../server/http/http-server.ts';
import { createMetrics } from '../../../../server/http/metrics.ts';
import { createOip } from '../../../../server/http/oip.ts';
import { CPU_BACKEND } from '../../../../server/model/backend/choice.ts';
import { openBackend } from '../../../../server/model/backend/open.ts';
import { Runner } from '../../../../server/model/runner.ts';
import { MAX_SYMBOLIC_SIZE, type TaskAdapter, type TaskTensors } from '../../../../server/model/task/adapter.ts';
import { allocateBlock } from '../../../../server/model/tensor-block.ts';
import { TensorItems } from '../../../../server/model/tensor-items.ts';
import { createScheduler } from '../../../../server/scheduler/scheduler.ts';
import { createTokenVerifier } from '../../../../server/session/token.ts';
import { signToken } from '../../../../server/session/token-signer.ts';
import type { ResolvedModel } from '../../../../registry/store.ts';
import { latencyTable } from '../../../support/simulated-device.ts';

const CAPACITY = 8;

export interface OipServer {
  readonly http: string;
  readonly grpc: string;
  /** Lets in for an hour. */
  readonly token: string;
  close(): Promise<void>;
}

/** Raw tensors only: no task is known for a network that was made for a test. */
const NO_TASK: TaskAdapter = {
  prepare: () => 'MESSAGE_INVALID',
  finish: () => {
    throw new Error('no task');
  },
  sample: () => {
    throw new Error('no sample');
  },
};

/** @param names - the model is served under each of them. */
export async function startOipServer(model: ResolvedModel, names: readonly string[] = [model.manifest.name]): Promise<OipServer> {
  const clock = systemClock();
  const device = new RunnerDevice(await openRunner(model), names);
  const pool = { devices: [device], onChange: (listener: () => void) => (device.onChange = listener) };
  const scheduler = createScheduler({ clock, pool, onOutcome: () => undefined }, { queueCapacity: 256, budgetMs: () => 1000 });
  const { version, task, inputs, outputs } = model.manifest;
  const models = names.map((name) => ({ name, version, task, provider: 'cpu', inputs, outputs }));
  const tokenKey = randomBytes(32);
  const oip = createOip({ clock, scheduler, pool, version: 'test', models: () => models, notReady: () => undefined, count: () => undefined, tokens: createTokenVerifier(tokenKey, () => clock.wallMs()), open: false });
  const http = createHttpServer({ metrics: createMetrics(), version: 'test', viewerFolder: '', oip: oip.handler });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const grpc = await oip.listenGrpc({ host: '127.0.0.1', port: 0 });
  return {
    http: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    grpc: `grpc://${grpc.address}`,
    token: await signToken(tokenKey, { subject: 'server', session: 'none', role: 'spectator', grants: ['infer'] }, { ttlS: 3600, wallMs: clock.wallMs() }),
    async close() {
      scheduler.close();
      http.closeAllConnections();
      http.close();
      await grpc.close();
      await device.close();
    },
  };
}

async function openRunner(model: ResolvedModel): Promise<Runner> {
  const blocksOf = (specs: ResolvedModel['manifest']['inputs']): TaskTensors['inputs'] => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, CAPACITY, MAX_SYMBOLIC_SIZE)]));
  const tensors = { manifest: model.manifest, inputs: blocksOf(model.manifest.inputs), outputs: blocksOf(model.manifest.outputs), capacity: CAPACITY };
  const backend = await openBackend({ clock: systemClock(), model, blocks: tensors }, CPU_BACKEND);
  return new Runner({ backend, tensors, adapter: NO_TASK, tensorItems: new TensorItems(tensors, MAX_SYMBOLIC_SIZE) });
}

class RunnerDevice implements Device {
  readonly id = 'here';
  readonly latency: Device['latency'];
  state: DeviceState = 'idle';
  onChange: () => void = () => undefined;
  readonly #runner: Runner;

  constructor(runner: Runner, names: readonly string[]) {
    this.#runner = runner;
    this.latency = new Map(names.map((name) => [name, latencyTable(CAPACITY, () => 1)]));
  }

  async run({ requests }: Batch): Promise<BatchOutcome> {
    this.state = 'busy';
    const items = await this.#runner.run(requests.map(({ payload, encoding, origin }) => ({ payload, encoding, part: origin.part })));
    this.state = 'idle';
    return { kind: 'done', items, runMs: 1, modelVersion: this.#runner.manifest.version };
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}
