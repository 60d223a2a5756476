/** The Open Inference Protocol over gRPC, against a real scheduler. */
import { status } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import type { GrpcInferResponse } from '../../../protocol/oip/grpc.ts';
import { until } from '../../support/until.ts';
import { adderSums, OipWorld } from './oip-world.ts';

const B = [1, 2, 3];

/** A call of the adder: row r has a = [r, r, r] and b = [1, 2, 3]. */
function typedCall(rows: number, changes: object = {}): object {
  return {
    model_name: 'adder',
    id: 'mine',
    inputs: [
      { name: 'a', datatype: 'FP32', shape: [rows, 3], contents: { fp32_contents: Array.from({ length: rows * 3 }, (_, at) => Math.floor(at / 3)) } },
      { name: 'b', datatype: 'INT32', shape: [rows, 3], contents: { int_contents: Array.from({ length: rows * 3 }, (_, at) => B[at % 3]) } },
    ],
    ...changes,
  };
}

function rawCall(rows: number, changes: object = {}): object {
  return {
    model_name: 'adder',
    inputs: [{ name: 'a', datatype: 'FP32', shape: [rows, 3] }, { name: 'b', datatype: 'INT32', shape: [rows, 3] }],
    raw_input_contents: [
      Buffer.from(Float32Array.from({ length: rows * 3 }, (_, at) => Math.floor(at / 3)).buffer),
      Buffer.from(Int32Array.from({ length: rows * 3 }, (_, at) => B[at % 3] ?? 0).buffer),
    ],
    ...changes,
  };
}

describe('the Open Inference Protocol over gRPC', () => {
  let world: OipWorld;
  beforeAll(async () => {
    world = await OipWorld.start({ clock: systemClock() });
  });
  afterAll(() => world.close());

  it('says what it is and what models it has', async () => {
    expect(await world.call('ServerLive', {})).toEqual({ live: true });
    expect(await world.call('ServerReady', {})).toEqual({ ready: true });
    expect(await world.call('ServerMetadata', {})).toEqual({ name: 'copresence', version: 'test', extensions: ['binary_tensor_data', 'model_repository'] });
    expect(await world.call('ModelReady', { name: 'adder', version: '1' })).toEqual({ ready: true });
    expect(await world.call('ModelMetadata', { name: 'echo' })).toEqual({
      name: 'echo', versions: ['1'], platform: 'simulated',
      inputs: [{ name: 'ids', datatype: 'INT32', shape: ['-1', '-1'] }], outputs: [{ name: 'ids', datatype: 'INT32', shape: ['-1', '-1'] }],
    });
    await expect(world.call('ModelMetadata', { name: 'nothing' })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(world.call('ModelReady', { name: 'adder', version: '2' })).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('answers typed contents with typed contents', async () => {
    const response = await world.call<GrpcInferResponse>('ModelInfer', typedCall(20));
    expect([response.model_name, response.model_version, response.id]).toEqual(['adder', '1', 'mine']);
    expect(response.raw_output_contents).toEqual([]);
    expect(response.outputs[0]).toMatchObject({ name: 'sum', datatype: 'FP32', shape: ['20', '3'], contents: { fp32_contents: adderSums(20) } });
    expect(response.outputs[1]).toMatchObject({ name: 'bytes', datatype: 'INT64', shape: ['20'], contents: { int64_contents: new Array(20).fill('24') } });
  });

  it('answers raw contents with raw contents', async () => {
    const response = await world.call<GrpcInferResponse>('ModelInfer', rawCall(20, { outputs: [{ name: 'sum' }] }));
    const [sum] = response.raw_output_contents.map((bytes) => Buffer.from(bytes));
    expect(response.outputs).toMatchObject([{ name: 'sum', datatype: 'FP32', shape: ['20', '3'], contents: null }]);
    expect(Array.from({ length: 60 }, (_, at) => sum?.readFloatLE(at * 4))).toEqual(adderSums(20));
  });

  it('refuses a call that does not fit, and says what was expected', async () => {
    const refusals: [object, status][] = [
      [rawCall(2, { raw_input_contents: [Buffer.alloc(24)] }), status.INVALID_ARGUMENT],
      [rawCall(2, { raw_input_contents: [Buffer.alloc(24), Buffer.alloc(23)] }), status.INVALID_ARGUMENT],
      [rawCall(1, { raw_input_contents: [Buffer.from(Float32Array.of(0, Number.NaN, 0).buffer), Buffer.alloc(12)] }), status.INVALID_ARGUMENT],
      [rawCall(1, { inputs: [{ name: 'a', datatype: 'FP32', shape: ['-1', 3] }, { name: 'b', datatype: 'INT32', shape: [1, 3] }] }), status.INVALID_ARGUMENT],
      [typedCall(2, { raw_input_contents: [Buffer.alloc(24), Buffer.alloc(24)] }), status.INVALID_ARGUMENT],
      [typedCall(1, { parameters: { timeout: { string_param: 'soon' } } }), status.INVALID_ARGUMENT],
      [typedCall(1, { outputs: [{ name: 'sum', parameters: { classification: { int64_param: 1 } } }] }), status.INVALID_ARGUMENT],
      [typedCall(1, { model_name: 'nothing' }), status.NOT_FOUND],
      [typedCall(1, { model_version: '2' }), status.NOT_FOUND],
      [{}, status.NOT_FOUND],
    ];
    for (const [request, code] of refusals) await expect(world.call('ModelInfer', request)).rejects.toMatchObject({ code });
    await expect(world.call('ModelInfer', typedCall(1, { inputs: [] }))).rejects.toThrow('TENSOR_INVALID: an input is missing; expected a FP32 [-1, 3], b INT32 [-1, 3]');
  });

  it('leaves parameters alone that it does not know, as clients send them', async () => {
    const parameters = { priority: { uint64_param: 1 }, timeout: { int64_param: 5_000_000 }, sequence_id: { int64_param: 7 }, triton_enable_empty_final_response: { bool_param: true } };
    expect((await world.call<GrpcInferResponse>('ModelInfer', typedCall(1, { parameters }))).outputs).toHaveLength(2);
  });

  it('refuses a message that is larger than allowed', async () => {
    await expect(world.call('ModelInfer', rawCall(1, { raw_input_contents: [Buffer.alloc(17 * 1024 * 1024)] }))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('answers any message with a status, and lives on', async () => {
    const tensor = fc.record({ name: fc.constantFrom('a', 'b', '__proto__'), datatype: fc.constantFrom('FP32', 'INT32', 'FP16', ''), shape: fc.array(fc.integer({ min: -2, max: 4 })), contents: fc.record({ fp32_contents: fc.array(fc.float(), { maxLength: 6 }), int_contents: fc.array(fc.integer(), { maxLength: 6 }) }, { requiredKeys: [] }) }, { requiredKeys: [] });
    const request = fc.record({ model_name: fc.constantFrom('adder', 'echo', 'adder', ''), inputs: fc.array(tensor, { maxLength: 3 }), outputs: fc.array(fc.record({ name: fc.string() }), { maxLength: 2 }), raw_input_contents: fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 3 }), id: fc.string() }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(request, async (message) => {
        const code = await world.call('ModelInfer', { ...message, raw_input_contents: message.raw_input_contents?.map((bytes) => Buffer.from(bytes)) ?? [] }).then(() => status.OK, (error: { code: status }) => error.code);
        expect([status.OK, status.INVALID_ARGUMENT, status.NOT_FOUND]).toContain(code);
      }),
      { numRuns: 100 },
    );
    expect(await world.call('ServerLive', {})).toEqual({ live: true });
    expect([...world.counts.keys()].filter((key) => key.endsWith('bug'))).toEqual([]);
  });
});

describe('who may call over gRPC', () => {
  it('[GRT3] lets in a token with the grant infer, and nobody else; health is for anybody', async () => {
    const world = await OipWorld.start({ clock: systemClock(), open: false });
    expect((await world.call<GrpcInferResponse>('ModelInfer', typedCall(1), { token: await world.token(['infer']) })).outputs).toHaveLength(2);
    await expect(world.call('ModelInfer', typedCall(1))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(world.call('ModelInfer', typedCall(1), { token: 'x' })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(world.call('ModelInfer', typedCall(1), { token: await world.token(['publish-pose']) })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(await world.call('ServerReady', {})).toEqual({ ready: true });
    expect(Object.fromEntries(world.counts)).toEqual({ 'adder ok': 1, ' TOKEN_INVALID': 2, ' GRANT_MISSING': 1 });
    await world.close();
  });

  it('takes the tenant from the token', async () => {
    const world = await OipWorld.start({ clock: systemClock(), open: false });
    await world.call('ModelInfer', typedCall(1), { token: await world.token(['infer'], 'studio') });
    expect(world.pool.devices[0]?.batches[0]?.requests[0]?.tenant).toBe('studio');
    await world.close();
  });
});

describe('a gRPC call that gets no answer', () => {
  it.each([['its timeout', { timeout: 40_000, leftMs: 1e6 }], ['its deadline', { timeout: 1e9, leftMs: 8000 }]])('expires at %s where that is sooner, even while a device works on it', async (_, { timeout, leftMs }) => {
    // grpc-js reads its deadlines on the machine's clock, so that this one has to start there; and what has not even arrived by then is never counted.
    const clock = new ManualClock(systemClock().wallMs());
    const world = await OipWorld.start({ clock, runMs: () => 1e9 });
    const late = expect(world.call('ModelInfer', typedCall(1, { parameters: { timeout: { int64_param: timeout } } }), { deadlineMs: clock.wallMs() + leftMs })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await until(() => [...world.counts.keys()].some((key) => /REQUEST_EXPIRED|CONNECTION_LOST/.test(key)), () => clock.advance(1));
    await late;
    await world.close();
  });

  it('says that it is busy, and when to come back', async () => {
    const clock = new ManualClock();
    const world = await OipWorld.start({ clock, runMs: () => 1e9, queueCapacity: 2 });
    const error = await world.call('ModelInfer', typedCall(10)).then(() => undefined, (reason: { code: status; metadata: { get(key: string): unknown[] } }) => reason);
    expect([error?.code, error?.metadata.get('grpc-retry-pushback-ms')]).toEqual([status.RESOURCE_EXHAUSTED, ['1000']]);
    await world.close();
  });

  it('takes its waiting rows along when the caller goes, and frees its place', async () => {
    const clock = new ManualClock();
    const world = await OipWorld.start({ clock, runMs: () => 1000 });
    const { answer, cancel } = world.start('ModelInfer', typedCall(20, { parameters: { timeout: { int64_param: 10_000_000 } } }));
    const ended = expect(answer).rejects.toMatchObject({ code: status.CANCELLED });
    await until(() => world.pool.devices[0]?.batches.length === 1);
    cancel();
    await ended;
    await until(() => world.counts.get('adder CONNECTION_LOST') === 1);
    await clock.advanceAsync(5000);
    expect(world.pool.devices[0]?.batches.length).toBe(1);
    await world.close();
  });
});
