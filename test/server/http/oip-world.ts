/** The Open Inference Protocol over a real scheduler and devices that add numbers up, on any clock. */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { credentials, Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../../core/clock.ts';
import { loadOipService } from '../../../protocol/oip/grpc.ts';
import type { Grant } from '../../../protocol/roles.ts';
import type { Batch, InferenceScheduler, ItemOutcome } from '../../../server/flow.ts';
import { createHttpServer } from '../../../server/http/http-server.ts';
import { createMetrics } from '../../../server/http/metrics.ts';
import { createOip } from '../../../server/http/oip.ts';
import type { OipGrpcServer } from '../../../server/http/oip-grpc.ts';
import type { OipModel } from '../../../server/http/oip-service.ts';
import { createScheduler } from '../../../server/scheduler/scheduler.ts';
import { createTokenVerifier } from '../../../server/session/token.ts';
import { signToken } from '../../../server/session/token-signer.ts';
import { latencyTable, SimulatedDevice, SimulatedPool } from '../../support/simulated-device.ts';

const meaning = 'made for a test';

/** a and b of three numbers each; gives their sum, number by number, and how many bytes came. */
export const ADDER: OipModel = {
  name: 'adder',
  version: '1',
  task: 'gesture',
  provider: 'simulated',
  inputs: [
    { name: 'a', dtype: 'float32', shape: ['N', 3], meaning },
    { name: 'b', dtype: 'int32', shape: ['N', 3], meaning },
  ],
  outputs: [
    { name: 'sum', dtype: 'float32', shape: ['N', 3], meaning },
    { name: 'bytes', dtype: 'int64', shape: ['N'], meaning },
  ],
};
/** One input with a size that is not fixed; gives it back. */
export const ECHO: OipModel = {
  name: 'echo',
  version: '1',
  task: 'language',
  provider: 'simulated',
  inputs: [{ name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning }],
  outputs: [{ name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning }],
};

export interface OipWorldOptions {
  readonly clock: Clock;
  readonly open?: boolean;
  readonly devices?: number;
  readonly queueCapacity?: number;
  readonly runMs?: (batch: Batch) => number;
  readonly itemFor?: (batch: Batch, at: number) => ItemOutcome;
}

export class OipWorld {
  readonly url: string;
  readonly grpcAddress: string;
  readonly scheduler: InferenceScheduler;
  readonly pool: SimulatedPool;
  readonly counts = new Map<string, number>();
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #http: Server;
  readonly #grpc: OipGrpcServer;
  readonly #clients: Client[] = [];

  private constructor(parts: { clock: Clock; key: Uint8Array; http: Server; grpc: OipGrpcServer; scheduler: InferenceScheduler; pool: SimulatedPool; counts: Map<string, number> }) {
    this.#clock = parts.clock;
    this.#key = parts.key;
    this.#http = parts.http;
    this.#grpc = parts.grpc;
    this.scheduler = parts.scheduler;
    this.pool = parts.pool;
    this.counts = parts.counts;
    this.url = `http://127.0.0.1:${(parts.http.address() as AddressInfo).port}`;
    this.grpcAddress = parts.grpc.address;
  }

  static async start(options: OipWorldOptions): Promise<OipWorld> {
    const { clock, open = true, devices = 1, queueCapacity = 4096 } = options;
    const key = randomBytes(32);
    const latency = new Map([ADDER, ECHO].map(({ name }) => [name, latencyTable(8, () => 1)]));
    const device = (index: number): SimulatedDevice => new SimulatedDevice({ clock, id: `device-${index}`, latency, runMs: options.runMs ?? (() => 0), itemFor: options.itemFor ?? compute });
    const pool = new SimulatedPool(Array.from({ length: devices }, (_, index) => device(index)));
    const scheduler = createScheduler({ clock, pool, onOutcome: () => undefined }, { queueCapacity, budgetMs: () => 2000 });
    const counts = new Map<string, number>();
    const count = (model: string, outcome: string): void => void counts.set(`${model} ${outcome}`, (counts.get(`${model} ${outcome}`) ?? 0) + 1);
    const oip = createOip({ clock, scheduler, pool, version: 'test', models: () => [ADDER, ECHO], notReady: () => (devices === 0 ? 'models are loading' : undefined), count, tokens: createTokenVerifier(key, () => clock.wallMs()), open });
    const http = createHttpServer({ metrics: createMetrics(), version: 'test', viewerFolder: '', oip: oip.handler });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new OipWorld({ clock, key, http, grpc: await oip.listenGrpc({ host: '127.0.0.1', port: 0 }), scheduler, pool, counts });
  }

  token(grants: readonly Grant[], tenant = ''): Promise<string> {
    return signToken(this.#key, { subject: 'caller', session: 'none', role: 'spectator', grants, tenant }, { ttlS: 60, wallMs: this.#clock.wallMs() });
  }

  infer(model: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/v2/models/${model}/infer`, { method: 'POST', body: typeof body === 'string' || body instanceof Uint8Array ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body), headers });
  }

  /** Calls a method of the gRPC service; rejects with grpc-js's error. */
  call<Response>(method: string, request: object, options: { readonly token?: string; readonly deadlineMs?: number } = {}): Promise<Response> {
    return this.start<Response>(method, request, options).answer;
  }

  /** The same, with a way to give up. */
  start<Response>(method: string, request: object, { token, deadlineMs }: { readonly token?: string; readonly deadlineMs?: number } = {}): { answer: Promise<Response>; cancel: () => void } {
    const Service = loadOipService();
    const client = new Service(this.grpcAddress, credentials.createInsecure());
    this.#clients.push(client);
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const definition = Service.service[method];
    if (definition === undefined) throw new Error(`no method ${method}`);
    let cancel = (): void => undefined;
    const answer = new Promise<Response>((resolve, reject) => {
      const options = deadlineMs === undefined ? {} : { deadline: deadlineMs };
      const call = client.makeUnaryRequest(definition.path, definition.requestSerialize, definition.responseDeserialize, request, metadata, options, (error: ServiceError | null, response?: unknown) => {
        if (error === null) resolve(response as Response);
        else reject(error);
      });
      cancel = () => call.cancel();
    });
    return { answer, cancel: () => cancel() };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.scheduler.close();
    this.#http.closeAllConnections();
    this.#http.close();
    await this.#grpc.close();
  }
}

/** What the models say, from the bytes of one request. */
function compute(batch: Batch, at: number): ItemOutcome {
  const payload = Buffer.from(batch.requests[at]?.payload ?? []);
  if (batch.model === ECHO.name) return { kind: 'done', value: { task: 'tensors', outputs: new Uint8Array(payload) } };
  const outputs = Buffer.alloc(3 * 4 + 8);
  for (let index = 0; index < 3; index++) outputs.writeFloatLE(payload.readFloatLE(index * 4) + payload.readInt32LE(12 + index * 4), index * 4);
  outputs.writeBigInt64LE(BigInt(payload.length), 12);
  return { kind: 'done', value: { task: 'tensors', outputs: new Uint8Array(outputs) } };
}

/** A call of the adder in JSON: row r has a = [r, r, r] and b = [1, 2, 3]. */
export function adderCall(rows: number): { inputs: { name: string; datatype: string; shape: number[]; data: unknown[] }[] } {
  return {
    inputs: [
      { name: 'a', datatype: 'FP32', shape: [rows, 3], data: Array.from({ length: rows }, (_, row) => [row, row, row]) },
      { name: 'b', datatype: 'INT32', shape: [rows, 3], data: Array.from({ length: rows * 3 }, (_, at) => (at % 3) + 1) },
    ],
  };
}

/** What the adder says to `adderCall`. */
export function adderSums(rows: number): number[] {
  return Array.from({ length: rows * 3 }, (_, at) => Math.floor(at / 3) + (at % 3) + 1);
}
