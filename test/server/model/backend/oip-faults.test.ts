/** What a remote model's server can do wrong, and what its users hear of it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server as GrpcServer, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { loadOipService } from '../../../../protocol/oip/grpc.ts';
import { openModelStore, type ResolvedModel } from '../../../../registry/store.ts';
import { openOipBackend } from '../../../../server/model/backend/oip-backend.ts';
import type { Backend, ModelBlocks } from '../../../../server/model/backend/backend.ts';
import { Runner } from '../../../../server/model/runner.ts';
import { allocateBlock } from '../../../../server/model/tensor-block.ts';
import { TensorItems } from '../../../../server/model/tensor-items.ts';
import { startOipServer } from './oip-server.ts';
import { INPUTS, onnxFiles, OUTPUTS, publishNetwork } from './tiny-network.ts';

const clock = systemClock();
const METADATA = {
  name: 'tiny', versions: ['1'], platform: 'elsewhere',
  inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }, { name: 'codes', datatype: 'INT32', shape: [-1, 3] }],
  outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 2] }, { name: 'sums', datatype: 'INT32', shape: [-1, 1] }],
};
/** One row of answers. */
const ANSWER = {
  model_name: 'tiny',
  outputs: [{ name: 'scores', datatype: 'FP32', shape: [1, 2], data: [0.5, 0.25] }, { name: 'sums', datatype: 'INT32', shape: [1, 1], data: [7] }],
};
const RANGE = { first: 0, count: 1, symbolicSize: 64 };

describe('a remote model', () => {
  let folder: string;
  let model: ResolvedModel;
  let blocks: ModelBlocks;
  const closings: (() => unknown)[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'remote-'));
    await publishNetwork(join(folder, 'models'), 'tiny', { files: onnxFiles() });
    model = await openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') }).resolve('tiny');
    const allocate = (specs: typeof INPUTS): ModelBlocks['inputs'] => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, 8, 512)]));
    blocks = { inputs: allocate(INPUTS), outputs: allocate(OUTPUTS) };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  afterEach(async () => {
    for (const close of closings.splice(0)) await close();
  });

  const open = async (url: string, token?: string): Promise<Backend> => {
    const backend = await openOipBackend({ clock, model, blocks }, { kind: 'oip', url, ...(token === undefined ? {} : { token }) });
    closings.push(() => backend.close());
    return backend;
  };
  /** Serves the metadata, and whatever `infer` says. */
  const serve = async (infer: (response: ServerResponse, request: IncomingMessage) => void, metadata: object = METADATA): Promise<string> => {
    const server: Server = createServer((request, response) => {
      if (request.method === 'POST') infer(response, request);
      else response.end(JSON.stringify(metadata));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closings.push(() => server.closeAllConnections(), () => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const serveGrpc = async (infer: (callback: sendUnaryData<object>) => void): Promise<{ url: string; server: GrpcServer }> => {
    const server = new GrpcServer();
    server.addService(loadOipService().service, {
      ServerLive: (_: unknown, callback: sendUnaryData<object>) => callback(null, {}),
      ServerReady: (_: unknown, callback: sendUnaryData<object>) => callback(null, {}),
      ModelReady: (_: unknown, callback: sendUnaryData<object>) => callback(null, {}),
      ServerMetadata: (_: unknown, callback: sendUnaryData<object>) => callback(null, {}),
      ModelMetadata: (_: unknown, callback: sendUnaryData<object>) => callback(null, METADATA),
      ModelInfer: (_: unknown, callback: sendUnaryData<object>) => infer(callback),
    });
    const port = await new Promise<number>((resolve, reject) => server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error))));
    closings.push(() => server.forceShutdown());
    return { url: `grpc://127.0.0.1:${port}`, server };
  };

  it('is refused where the url is none, and where nobody answers', async () => {
    for (const url of ['', 'triton:8001', 'ftp://x', 'grpc:', '//x']) await expect(open(url), url).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    for (const url of ['grpc://127.0.0.1:9', 'http://127.0.0.1:9']) await expect(open(url), url).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it.each([
    ['another type', { ...METADATA, inputs: [{ ...METADATA.inputs[0], datatype: 'FP16' }, METADATA.inputs[1]] }, 'SHAPE_MISMATCH'],
    ['another size', { ...METADATA, outputs: [{ ...METADATA.outputs[0], shape: [-1, 3] }, METADATA.outputs[1]] }, 'SHAPE_MISMATCH'],
    ['one row at a time', { ...METADATA, inputs: METADATA.inputs.map((input) => ({ ...input, shape: [1, ...input.shape.slice(1)] })) }, 'SHAPE_MISMATCH'],
    ['an input more', { ...METADATA, inputs: [...METADATA.inputs, { name: 'more', datatype: 'FP32', shape: [-1] }] }, 'SHAPE_MISMATCH'],
    ['an output less', { ...METADATA, outputs: METADATA.outputs.slice(1) }, 'SHAPE_MISMATCH'],
    ['other versions', { ...METADATA, versions: ['2', '3'] }, 'MODEL_INVALID'],
    ['no metadata', { hello: 'world' }, 'MODEL_UNAVAILABLE'],
  ])('is refused with %s', async (_, metadata, code) => {
    await expect(open(await serve(() => undefined, metadata))).rejects.toMatchObject({ code });
  });

  it('is refused without the token, and open with it', async () => {
    const server = await startOipServer(model);
    closings.push(() => server.close());
    for (const url of [server.grpc, server.http]) {
      const closed = await open(url);
      await expect(closed.run(RANGE, 1000)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
      await expect((await open(url, server.token)).run(RANGE, 1000)).resolves.toBeUndefined();
    }
  });

  it('is told how long its answer is of use', async () => {
    let told: unknown;
    const url = await serve((response, request) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        const length = Number(request.headers['inference-header-content-length']);
        told = (JSON.parse(Buffer.concat(chunks).subarray(0, length).toString()) as { parameters: object }).parameters;
        response.end(JSON.stringify(ANSWER));
      });
    });
    await (await open(url)).run(RANGE, 250);
    expect(told).toEqual({ binary_data_output: true, timeout: 250_000 });
    expect([...(blocks.outputs.get('scores')?.data ?? [])].slice(0, 2)).toEqual([0.5, 0.25]);
  });

  it('that does not answer is given up at the deadline', async () => {
    const { url } = await serveGrpc(() => undefined);
    for (const address of [url, await serve(() => undefined)]) await expect((await open(address)).run(RANGE, 30), address).rejects.toMatchObject({ code: 'REQUEST_EXPIRED' });
  });

  it.each([
    ['no JSON', 'hello'],
    ['no response', '{"outputs": 1}'],
    ['an output less', JSON.stringify({ ...ANSWER, outputs: ANSWER.outputs.slice(1) })],
    ['an output of another shape', JSON.stringify({ ...ANSWER, outputs: [{ ...ANSWER.outputs[0], shape: [2, 1] }, ANSWER.outputs[1]] })],
    ['an output of another type', JSON.stringify({ ...ANSWER, outputs: [{ ...ANSWER.outputs[0], datatype: 'INT32' }, ANSWER.outputs[1]] })],
    ['too few numbers', JSON.stringify({ ...ANSWER, outputs: [{ ...ANSWER.outputs[0], data: [1] }, ANSWER.outputs[1]] })],
    ['more than any answer has', 'x'.repeat(4_000_000)],
  ])('that answers %s counts as not there', async (_, answer) => {
    await expect((await open(await serve((response) => response.end(answer)))).run(RANGE, 1000)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it.each([[400, 'MODEL_FAILED'], [500, 'MODEL_FAILED'], [429, 'MODEL_OVERLOADED'], [503, 'MODEL_UNAVAILABLE'], [401, 'MODEL_UNAVAILABLE'], [404, 'MODEL_UNAVAILABLE'], [504, 'REQUEST_EXPIRED'], [302, 'MODEL_UNAVAILABLE']])('that answers with status %i is reported as %s', async (code, expected) => {
    const url = await serve((response) => response.writeHead(code, { Location: '/elsewhere' }).end('{}'));
    await expect((await open(url)).run(RANGE, 1000)).rejects.toMatchObject({ code: expected });
  });

  it.each([[status.INVALID_ARGUMENT, 'MODEL_FAILED'], [status.INTERNAL, 'MODEL_FAILED'], [status.RESOURCE_EXHAUSTED, 'MODEL_OVERLOADED'], [status.UNAVAILABLE, 'MODEL_UNAVAILABLE'], [status.PERMISSION_DENIED, 'MODEL_UNAVAILABLE'], [status.DEADLINE_EXCEEDED, 'REQUEST_EXPIRED']])('that answers with gRPC status %i is reported as %s', async (code, expected) => {
    const { url } = await serveGrpc((callback) => callback({ code, details: 'no' }));
    await expect((await open(url)).run(RANGE, 1000)).rejects.toMatchObject({ code: expected });
  });

  it('that goes away fails at once, and is found again when it is back', async () => {
    const answer = (callback: sendUnaryData<object>): void => callback(null, { ...ANSWER, outputs: [{ name: 'scores', datatype: 'FP32', shape: [1, 2] }, { name: 'sums', datatype: 'INT32', shape: [1, 1] }], raw_output_contents: [Buffer.alloc(8), Buffer.alloc(4)] });
    const { url, server } = await serveGrpc(answer);
    const backend = await open(url);
    await backend.run(RANGE, 1000);
    server.forceShutdown();
    await expect(backend.run(RANGE, 20_000)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    const again = new GrpcServer();
    again.addService(loadOipService().service, Object.fromEntries(Object.keys(loadOipService().service).map((method) => [method, (_: unknown, callback: sendUnaryData<object>) => answer(callback)])));
    await new Promise<void>((resolve) => again.bindAsync(url.slice('grpc://'.length), ServerCredentials.createInsecure(), () => resolve()));
    closings.push(() => again.forceShutdown());
    const untilMs = clock.nowMs() + 20_000;
    let found = false;
    while (!found && clock.nowMs() < untilMs) found = await backend.run(RANGE, 1000).then(() => true, () => false);
    expect(found).toBe(true);
  });

  it('that is down is asked once for a whole batch, and every row hears so', async () => {
    let calls = 0;
    const { url } = await serveGrpc((callback) => {
      calls++;
      callback({ code: status.UNAVAILABLE, details: 'down' });
    });
    const tensors = { manifest: model.manifest, ...blocks, capacity: 8 };
    const adapter = { prepare: () => 'MESSAGE_INVALID' as const, finish: () => expect.unreachable(), sample: () => expect.unreachable() };
    const runner = new Runner({ backend: await open(url), tensors, adapter, tensorItems: new TensorItems(tensors, 512) });
    const outcomes = await runner.run(Array.from({ length: 8 }, () => ({ payload: new Uint8Array(28), encoding: 'tensors' as const, part: '' })), 1000);
    expect(outcomes).toEqual(new Array(8).fill({ kind: 'failed', code: 'MODEL_UNAVAILABLE' }));
    expect(calls).toBe(1);
  });
});
