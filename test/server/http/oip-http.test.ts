/** The Open Inference Protocol over HTTP, against a real scheduler. */
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import { OIP_LIMITS } from '../../../protocol/oip/limits.ts';
import { until } from '../../support/until.ts';
import { ADDER, adderCall, adderSums, OipWorld } from './oip-world.ts';

interface Failure {
  readonly error: string;
  readonly code: string;
}

interface Answer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[]; readonly data?: readonly number[]; readonly parameters?: { readonly binary_data_size: number } }[];
}

const HEADER = 'Inference-Header-Content-Length';

describe('the Open Inference Protocol over HTTP', () => {
  let world: OipWorld;
  beforeAll(async () => {
    world = await OipWorld.start({ clock: systemClock() });
  });
  afterAll(() => world.close());

  const get = async (path: string): Promise<[number, unknown]> => {
    const response = await fetch(`${world.url}${path}`);
    return [response.status, await response.json()];
  };
  const refusal = async (response: Promise<Response>): Promise<[number, string]> => {
    const got = await response;
    return [got.status, ((await got.json()) as Failure).code];
  };

  it('says what it is and what models it has, without a token', async () => {
    expect(await get('/v2')).toEqual([200, { name: 'copresence', version: 'test', extensions: ['binary_tensor_data', 'model_repository'] }]);
    expect(await get('/v2/health/live')).toEqual([200, { live: true }]);
    expect(await get('/v2/health/ready')).toEqual([200, { ready: true }]);
    const metadata = {
      name: 'adder', versions: ['1'], platform: 'simulated',
      inputs: [{ name: 'a', datatype: 'FP32', shape: [-1, 3] }, { name: 'b', datatype: 'INT32', shape: [-1, 3] }],
      outputs: [{ name: 'sum', datatype: 'FP32', shape: [-1, 3] }, { name: 'bytes', datatype: 'INT64', shape: [-1] }],
    };
    expect(await get('/v2/models/adder')).toEqual([200, metadata]);
    expect(await get('/v2/models/adder/versions/1')).toEqual([200, metadata]);
    expect(await get('/v2/models/adder/ready')).toEqual([200, { name: 'adder', ready: true }]);
    expect((await get('/v2/models/adder/versions/2'))[0]).toBe(404);
    expect((await get('/v2/models/%E0%A4%A'))[0]).toBe(404);
    expect((await get('/v2/models/adder/config'))[0]).toBe(404);
  });

  it('lists the models', async () => {
    const response = await fetch(`${world.url}/v2/repository/index`, { method: 'POST', body: '{"ready": true}' });
    expect(await response.json()).toEqual([{ name: 'adder', version: '1', state: 'READY', reason: '' }, { name: 'echo', version: '1', state: 'READY', reason: '' }]);
    expect((await fetch(`${world.url}/v2/repository/index`, { method: 'POST', body: '{'.repeat(5000) })).status).toBe(413);
    expect((await fetch(`${world.url}/v2/repository/index`)).status).toBe(405);
  });

  it('answers each row of a call in its place, over more rows than one batch takes', async () => {
    const response = await world.infer('adder', { id: 'mine', ...adderCall(50) });
    const answer = (await response.json()) as Answer;
    expect([response.status, answer.model_name, answer.model_version, answer.id]).toEqual([200, 'adder', '1', 'mine']);
    expect(answer.outputs[0]).toEqual({ name: 'sum', datatype: 'FP32', shape: [50, 3], data: adderSums(50) });
    expect(answer.outputs[1]).toEqual({ name: 'bytes', datatype: 'INT64', shape: [50], data: new Array(50).fill(24) });
  });

  it('gives the outputs that were asked for, in that order', async () => {
    const answer = (await (await world.infer('adder', { ...adderCall(1), outputs: [{ name: 'bytes' }, { name: 'sum' }] })).json()) as Answer;
    expect(answer.outputs.map(({ name }) => name)).toEqual(['bytes', 'sum']);
    expect(await refusal(world.infer('adder', { ...adderCall(1), outputs: [{ name: 'nothing' }] }))).toEqual([400, 'TENSOR_INVALID']);
    expect(await refusal(world.infer('adder', { ...adderCall(1), outputs: [{ name: 'sum' }, { name: 'sum' }] }))).toEqual([400, 'TENSOR_INVALID']);
  });

  it('takes and gives tensors as bytes behind the JSON', async () => {
    const a = Buffer.from(Float32Array.of(0, 0, 0, 1, 1, 1).buffer);
    const b = Buffer.from(Int32Array.of(1, 2, 3, 1, 2, 3).buffer);
    const json = Buffer.from(JSON.stringify({
      inputs: [{ name: 'b', datatype: 'INT32', shape: [2, 3], parameters: { binary_data_size: 24 } }, { name: 'a', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } }],
      outputs: [{ name: 'sum', parameters: { binary_data: true } }, { name: 'bytes' }],
    }));
    const response = await world.infer('adder', Buffer.concat([json, b, a]), { [HEADER]: String(json.length) });
    const body = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get(HEADER));
    const answer = JSON.parse(body.subarray(0, length).toString()) as Answer;
    expect(answer.outputs[0]).toEqual({ name: 'sum', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } });
    expect(answer.outputs[1]?.data).toEqual([24, 24]);
    expect(Array.from({ length: 6 }, (_, at) => body.readFloatLE(length + at * 4))).toEqual(adderSums(2));
    expect(body.length).toBe(length + 24);
  });

  it('gives every output as bytes where the request says so', async () => {
    const response = await world.infer('adder', { ...adderCall(2), parameters: { binary_data_output: true }, outputs: [{ name: 'sum' }, { name: 'bytes', parameters: { binary_data: false } }] });
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.length - Number(response.headers.get(HEADER))).toBe(24);
  });

  it('takes any size where a dimension is not fixed', async () => {
    const answer = (await (await world.infer('echo', { inputs: [{ name: 'ids', datatype: 'INT32', shape: [2, 4], data: [1, 2, 3, 4, 5, 6, 7, -8] }] })).json()) as Answer;
    expect(answer.outputs[0]).toEqual({ name: 'ids', datatype: 'INT32', shape: [2, 4], data: [1, 2, 3, 4, 5, 6, 7, -8] });
  });

  const broken: [string, (call: ReturnType<typeof adderCall>) => void][] = [
    ['another type', ({ inputs }) => Object.assign(inputs[0] ?? {}, { datatype: 'FP64' })],
    ['another rank', ({ inputs }) => Object.assign(inputs[0] ?? {}, { shape: [3] })],
    ['another size', ({ inputs }) => Object.assign(inputs[0] ?? {}, { shape: [1, 4], data: [1, 2, 3, 4] })],
    ['rows that differ between inputs', ({ inputs }) => Object.assign(inputs[1] ?? {}, { shape: [2, 3], data: [1, 2, 3, 1, 2, 3] })],
    ['too few numbers', ({ inputs }) => Object.assign(inputs[0] ?? {}, { data: [1, 2] })],
    ['too many numbers', ({ inputs }) => Object.assign(inputs[0] ?? {}, { data: [1, 2, 3, 4] })],
    ['text for a number', ({ inputs }) => Object.assign(inputs[0] ?? {}, { data: ['1', 2, 3] })],
    ['a number that no float32 holds', ({ inputs }) => Object.assign(inputs[0] ?? {}, { data: [1e39, 0, 0] })],
    ['a fraction for an integer', ({ inputs }) => Object.assign(inputs[1] ?? {}, { data: [1.5, 0, 0] })],
    ['no rows', ({ inputs }) => inputs.forEach((input) => Object.assign(input, { shape: [0, 3], data: [] }))],
    ['an input too few', ({ inputs }) => inputs.pop()],
    ['an input too many', ({ inputs }) => inputs.push({ name: 'c', datatype: 'FP32', shape: [1], data: [1] })],
    ['an input twice', ({ inputs }) => inputs.push({ name: 'a', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] })],
    ['neither data nor bytes', ({ inputs }) => Object.assign(inputs[0] ?? {}, { data: undefined })],
    ['more rows than a call may have', ({ inputs }) => inputs.forEach((input) => Object.assign(input, { shape: [OIP_LIMITS.rows + 1, 3], data: new Array((OIP_LIMITS.rows + 1) * 3).fill(1) }))],
  ];
  it.each(broken)('refuses %s, and says what was expected', async (_, change) => {
    const call = adderCall(1);
    change(call);
    const response = await world.infer('adder', call);
    expect([response.status, ((await response.json()) as Failure).code]).toEqual([400, 'TENSOR_INVALID']);
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses %s among the bytes of a float tensor', async (bad) => {
    const bytes = Buffer.from(Float32Array.of(0, bad, 0).buffer);
    const call = { inputs: [{ name: 'a', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } }, adderCall(1).inputs[1]] };
    const json = Buffer.from(JSON.stringify(call));
    const response = await world.infer('adder', Buffer.concat([json, bytes]), { [HEADER]: String(json.length) });
    expect(await response.json()).toEqual({ error: 'TENSOR_INVALID: a: number 1 is not finite', code: 'TENSOR_INVALID' });
  });

  it('refuses what is no request', async () => {
    for (const body of ['', 'null', '[]', '{', '{"inputs": 1}', '{"inputs": [null]}', '{"inputs": [], "id": 7}', '{"inputs": [], "parameters": {"timeout": -1}}', '{"inputs": [], "parameters": {"timeout": 1.5}}', `{"inputs": ${'['.repeat(10_000)}`, '\xff\xfe']) {
      expect(await refusal(world.infer('adder', body)), body.slice(0, 40)).toEqual([400, 'MESSAGE_INVALID']);
    }
    for (const length of ['0', '-1', '99999', 'x', '1e2']) {
      expect(await refusal(world.infer('adder', adderCall(1), { [HEADER]: length })), length).toEqual([400, 'MESSAGE_INVALID']);
    }
    expect(await refusal(world.infer('adder', adderCall(1), { 'Content-Encoding': 'gzip' }))).toEqual([400, 'MESSAGE_INVALID']);
    expect(await refusal(world.infer('adder', { ...adderCall(1), outputs: [{ name: 'sum', parameters: { classification: 1 } }] }))).toEqual([400, 'MESSAGE_INVALID']);
    expect((await fetch(`${world.url}/v2/models/adder/infer`)).status).toBe(405);
  });

  it('does not take over properties that everything has', async () => {
    const body = '{"__proto__": {"polluted": 1}, "parameters": {"__proto__": {"polluted": 1}, "constructor": 1}, "inputs": []}';
    expect(await refusal(world.infer('adder', body))).toEqual([400, 'TENSOR_INVALID']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('refuses a model that is not there, another version, and a name with a way out', async () => {
    expect(await refusal(world.infer('nothing', adderCall(1)))).toEqual([404, 'MODEL_NOT_FOUND']);
    expect(await refusal(world.infer('adder/versions/2', adderCall(1)))).toEqual([404, 'MODEL_NOT_FOUND']);
    expect((await world.infer('adder/versions/1', adderCall(1))).status).toBe(200);
    expect(await refusal(world.infer('..%2F..%2Fadder', adderCall(1)))).toEqual([404, 'MODEL_NOT_FOUND']);
  });

  it('refuses a body that is too large before it comes', async () => {
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1').setEncoding('latin1');
    let heard = '';
    socket.on('data', (text: string) => (heard += text));
    socket.write(`POST /v2/models/adder/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${OIP_LIMITS.bodyBytes + 1}\r\n\r\n`);
    await until(() => heard.includes('\r\n\r\n'));
    expect(heard).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
    expect(await refusal(world.infer('adder', `{"inputs": [], "x": "${'x'.repeat(OIP_LIMITS.jsonBytes)}"}`))).toEqual([413, 'PACKET_TOO_LARGE']);
  });

  it('answers anything at all with a status, and lives on', async () => {
    const header = fc.oneof(fc.nat({ max: 400 }).map(String), fc.string({ maxLength: 12 }).filter((text) => /^[\x21-\x7e]*$/.test(text)), fc.constant(undefined));
    const tensor = fc.record({ name: fc.constantFrom('a', 'b', 'c'), datatype: fc.constantFrom('FP32', 'INT32', 'INT64', 'BYTES', 'x'), shape: fc.array(fc.oneof(fc.nat({ max: 5 }), fc.integer(), fc.double())), data: fc.jsonValue(), parameters: fc.oneof(fc.constant(undefined), fc.record({ binary_data_size: fc.oneof(fc.nat({ max: 60 }), fc.integer(), fc.jsonValue()) })) }, { requiredKeys: [] });
    const request = fc.record({ id: fc.jsonValue(), parameters: fc.oneof(fc.jsonValue(), fc.record({ timeout: fc.integer(), priority: fc.integer() })), inputs: fc.oneof(fc.array(tensor, { maxLength: 4 }), fc.jsonValue()), outputs: fc.jsonValue() }, { requiredKeys: [] });
    const body = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.tuple(request, fc.uint8Array({ maxLength: 80 })).map(([json, tail]) => Buffer.concat([Buffer.from(JSON.stringify(json)), tail])));
    await fc.assert(
      fc.asyncProperty(body, header, async (bytes, length) => {
        const response = await world.infer('adder', bytes, length === undefined ? {} : { [HEADER]: length });
        await response.arrayBuffer();
        expect([200, 400, 504]).toContain(response.status);
      }),
      { numRuns: 300 },
    );
    expect(world.counts.has('adder bug')).toBe(false);
    expect((await world.infer('adder', adderCall(1))).status).toBe(200);
  });

  it('reads a valid call with any one byte changed without falling over', async () => {
    const json = Buffer.from(JSON.stringify({ inputs: [{ name: 'a', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } }, adderCall(1).inputs[1]] }));
    const whole = Buffer.concat([json, Buffer.alloc(12)]);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), async (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        const response = await world.infer('adder', changed, { [HEADER]: String(json.length) });
        await response.arrayBuffer();
        expect([200, 400]).toContain(response.status);
      }),
      { numRuns: 200 },
    );
  });
});

describe('who may call over HTTP', () => {
  let world: OipWorld;
  beforeAll(async () => {
    world = await OipWorld.start({ clock: systemClock(), open: false });
  });
  afterAll(() => world.close());

  const call = async (authorization?: string): Promise<number> => (await world.infer('adder', adderCall(1), authorization === undefined ? {} : { Authorization: authorization })).status;

  it('[GRT3] lets in a token with the grant infer, and nobody else', async () => {
    expect(await call(`Bearer ${await world.token(['infer'])}`)).toBe(200);
    expect(await call()).toBe(401);
    expect(await call('Bearer x')).toBe(401);
    expect(await call(`Basic ${await world.token(['infer'])}`)).toBe(401);
    expect(await call(`Bearer ${'x'.repeat(6000)}`)).toBe(401);
    expect(await call(`Bearer ${await world.token(['publish-pose', 'admin'])}`)).toBe(403);
    const [head, claims] = (await world.token(['infer'])).split('.');
    expect(await call(`Bearer ${head}.${claims}.`)).toBe(401);
  });

  it('counts each call once, by how it ended', () => {
    expect(Object.fromEntries(world.counts)).toEqual({ 'adder ok': 1, 'adder TOKEN_INVALID': 5, 'adder GRANT_MISSING': 1 });
  });

  it('tells health and metadata to anybody', async () => {
    for (const path of ['/v2', '/v2/health/live', '/v2/health/ready', '/v2/models/adder', '/v2/models/adder/ready']) expect((await fetch(`${world.url}${path}`)).status, path).toBe(200);
  });
});

describe('a call that gets no answer', () => {
  it('expires at its own timeout, in microseconds', async () => {
    const clock = new ManualClock();
    const world = await OipWorld.start({ clock, runMs: () => 1e9 });
    const first = world.infer('adder', { ...adderCall(20), parameters: { timeout: 50_000 } });
    await until(() => (world.pool.devices[0]?.batches.length ?? 0) > 0);
    clock.advance(49);
    expect(world.counts.size).toBe(0);
    clock.advance(1.5);
    const response = await first;
    expect([response.status, response.headers.get('retry-after'), ((await response.json()) as Failure).code]).toEqual([504, null, 'REQUEST_EXPIRED']);
    await world.close();
  });

  it('is told to come back when the queue is full, and when no device is there', async () => {
    const clock = new ManualClock();
    const busy = await OipWorld.start({ clock, runMs: () => 1e9, queueCapacity: 4 });
    const shed = await busy.infer('adder', adderCall(20));
    expect([shed.status, shed.headers.get('retry-after'), ((await shed.json()) as Failure).code]).toEqual([429, '1', 'MODEL_OVERLOADED']);
    await busy.close();
    const empty = await OipWorld.start({ clock, devices: 0 });
    const call = empty.infer('adder', { ...adderCall(1), parameters: { timeout: 1000 } });
    await until(() => empty.counts.size > 0, () => clock.advance(1));
    const none = await call;
    expect([none.status, none.headers.get('retry-after'), ((await none.json()) as Failure).code]).toEqual([503, '1', 'MODEL_UNAVAILABLE']);
    expect((await fetch(`${empty.url}/v2/models/${ADDER.name}/ready`)).status).toBe(503);
    await empty.close();
  });

  it('takes its waiting rows along when the caller goes', async () => {
    const clock = new ManualClock();
    const world = await OipWorld.start({ clock, runMs: () => 1000 });
    const gone = new AbortController();
    const call = fetch(`${world.url}/v2/models/adder/infer`, { method: 'POST', body: JSON.stringify({ ...adderCall(20), parameters: { timeout: 10_000_000 } }), signal: gone.signal });
    await until(() => (world.pool.devices[0]?.batches.length ?? 0) === 1);
    gone.abort();
    await expect(call).rejects.toThrow();
    await until(() => world.counts.get('adder CONNECTION_LOST') === 1);
    await clock.advanceAsync(5000);
    expect(world.pool.devices[0]?.batches.length).toBe(1);
    await world.close();
  });

  it('is refused while as many are inside as may be', async () => {
    const clock = new ManualClock();
    const world = await OipWorld.start({ clock, runMs: () => 1000 });
    const inside = Array.from({ length: OIP_LIMITS.calls }, () => world.infer('adder', { ...adderCall(1), parameters: { timeout: 60_000_000 } }));
    const more = Promise.all(Array.from({ length: 3 }, () => world.infer('adder', adderCall(1))));
    await until(() => world.counts.get('adder RATE_LIMITED') === 3);
    await until(() => world.counts.get('adder ok') === OIP_LIMITS.calls, () => clock.advance(10));
    const statuses = [...(await Promise.all(inside)), ...(await more)].map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    const after = world.infer('adder', adderCall(1));
    await until(() => world.counts.get('adder ok') === OIP_LIMITS.calls + 1, () => clock.advance(10));
    expect((await after).status).toBe(200);
    await world.close();
  });
});
