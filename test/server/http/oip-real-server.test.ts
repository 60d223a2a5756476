/** The Open Inference Protocol of a server process, with the gesture model that ships, against ONNX Runtime run directly. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, Metadata } from '@grpc/grpc-js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { askGestures } from '../../../examples/inference/gesture.ts';
import { askResiduals, STEPS, swaying } from '../../../examples/inference/prediction.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { MOTION_AXES, MOTION_FEATURE_COUNT } from '../../../features/motion-window.ts';
import { loadOipService, type GrpcInferResponse } from '../../../protocol/oip/grpc.ts';
import { writeHttpRequest } from '../../../protocol/oip/http-request.ts';
import { readHttpResponse } from '../../../protocol/oip/http-response.ts';
import { HEADER_LENGTH } from '../../../protocol/oip/http-tensors.ts';
import { openModelStore } from '../../../registry/store.ts';
import { openOipBackend } from '../../../server/model/backend/oip-backend.ts';
import { allocateBlock, type TensorBlock } from '../../../server/model/tensor-block.ts';
import { signToken } from '../../../server/session/token-signer.ts';
import { startServerProcess, type RunningServer } from '../../../sim/server-process.ts';
import { shippedFolder, shippedVersion } from '../../support/shipped.ts';

const ROWS = 40;
const LABELS = 13;
const VERSION = shippedVersion('gesture-mlp');
const GRAPH = join(shippedFolder('gesture-mlp'), 'model.onnx');
const clock = systemClock();
const random = seededRandom(5);
const features = Float32Array.from({ length: ROWS * HAND_FEATURE_COUNT }, () => randomNormal(random));
/** Rows come in other batches than all at once, whose sums round differently in the last bits. */
const DIGITS = 5;

/** A port that was free a moment ago: the process that takes it is started next. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the models of a server process', () => {
  let server: RunningServer;
  let port: number;
  let token: string;
  let expected: readonly number[];
  const body = (): { inputs: object[] } => ({ inputs: [{ name: 'features', datatype: 'FP32', shape: [ROWS, HAND_FEATURE_COUNT], data: [...features] }] });

  beforeAll(async () => {
    const flags = ['--video-tasks', '', '--called-models', 'pose-prediction', '--grpc-port'];
    port = await freePort();
    server = await startServerProcess(clock, new AbortController().signal, { flags: [...flags, String(port)] });
    token = await tokenFor(server);
    const session = await InferenceSession.create(GRAPH);
    const { probabilities } = await session.run({ features: new Tensor('float32', features, [ROWS, HAND_FEATURE_COUNT]) });
    expected = [...(probabilities?.data as Float32Array)];
    await session.release();
  }, 240_000);
  afterAll(async () => {
    await server?.stop();
  });

  const tokenFor = ({ tokenKey }: RunningServer): Promise<string> => signToken(Buffer.from(tokenKey, 'utf8'), { subject: 'test', session: 'none', role: 'spectator', grants: ['infer'] }, { ttlS: 3600, wallMs: clock.wallMs() });
  const expectAnswer = (values: Iterable<number>): void => {
    const got = [...values];
    expect(got).toHaveLength(ROWS * LABELS);
    got.forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, DIGITS));
  };
  const post = (payload: string | Uint8Array, headers: Record<string, string>): Promise<Response> => fetch(`${server.url}/v2/models/gesture-mlp/infer`, { method: 'POST', body: typeof payload === 'string' ? payload : new Uint8Array(payload), headers });
  const callGrpc = (request: object): Promise<GrpcInferResponse> => {
    const Service = loadOipService();
    const client = new Service(`127.0.0.1:${port}`, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const method = Service.service['ModelInfer'];
    if (method === undefined) throw new Error('no ModelInfer');
    return new Promise<GrpcInferResponse>((resolve, reject) => {
      client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadata, (error, response?: unknown) => {
        client.close();
        if (error === null) resolve(response as GrpcInferResponse);
        else reject(error);
      });
    });
  };

  it('are those too that no session asks: where a head is in 50 to 150 ms', async () => {
    const window = swaying();
    const { values, horizonsMs } = await askResiduals({ url: server.url, token, window, part: 'head' });
    const rows = new Float32Array(MOTION_AXES * STEPS * MOTION_FEATURE_COUNT);
    window.writeFeatures('head', rows, 0);
    const session = await InferenceSession.create(join(shippedFolder('pose-prediction'), 'model.onnx'));
    const { residuals } = await session.run({ features: new Tensor('float32', rows, [MOTION_AXES, STEPS, MOTION_FEATURE_COUNT]) });
    await session.release();
    expect(values).toHaveLength(MOTION_AXES * horizonsMs.length);
    (residuals?.data as Float32Array).forEach((value, index) => expect(values[index]).toBeCloseTo(value, DIGITS));
    // Its way slows down, and the model says so.
    const places = [new Float32Array(7), new Float32Array(7)] as const;
    window.continue({ values, at: 0, horizonsMs }, 150, places[0], 0);
    window.continue({ values: new Float32Array(values.length), at: 0, horizonsMs }, 150, places[1], 0);
    expect(places[0][0]).toBeLessThan(places[1][0]!);
  });

  it('answer in JSON as ONNX Runtime does', async () => {
    const response = await post(JSON.stringify(body()), { Authorization: `Bearer ${token}` });
    const answer = (await response.json()) as { model_version: string; outputs: { shape: number[]; data: number[] }[] };
    expect([response.status, answer.model_version, answer.outputs[0]?.shape]).toEqual([200, VERSION, [ROWS, LABELS]]);
    expectAnswer(answer.outputs[0]?.data ?? []);
  });

  it('answer in binary as ONNX Runtime does', async () => {
    const { headers, body: payload } = writeHttpRequest([{ name: 'features', datatype: 'FP32', shape: [ROWS, HAND_FEATURE_COUNT], bytes: new Uint8Array(features.buffer) }], 1_000_000);
    const response = await post(payload, { ...headers, Authorization: `Bearer ${token}` });
    const [tensor] = readHttpResponse(new Uint8Array(await response.arrayBuffer()), response.headers.get(HEADER_LENGTH) ?? undefined);
    const bytes = tensor?.content.kind === 'raw' ? Uint8Array.from(tensor.content.bytes) : new Uint8Array();
    expectAnswer(new Float32Array(bytes.buffer));
  });

  it('answer over gRPC as ONNX Runtime does, raw and typed', async () => {
    const head = { name: 'features', datatype: 'FP32', shape: [ROWS, HAND_FEATURE_COUNT] };
    const raw = await callGrpc( { model_name: 'gesture-mlp', model_version: VERSION, inputs: [head], raw_input_contents: [Buffer.from(features.buffer)] });
    expectAnswer(new Float32Array(Uint8Array.from(raw.raw_output_contents[0] ?? []).buffer));
    const typed = await callGrpc( { model_name: 'gesture-mlp', inputs: [{ ...head, contents: { fp32_contents: [...features] } }] });
    expectAnswer((typed.outputs[0]?.contents?.fp32_contents ?? []).map(Number));
  });

  it('answer as the backend of another server', async () => {
    const model = await openModelStore({ modelsFolder: fileURLToPath(new URL('../../../models', import.meta.url)), cacheFolder: '' }).resolve('gesture-mlp');
    const blocksOf = (specs: typeof model.manifest.inputs): ReadonlyMap<string, TensorBlock> => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, ROWS, 1)]));
    const blocks = { inputs: blocksOf(model.manifest.inputs), outputs: blocksOf(model.manifest.outputs) };
    (blocks.inputs.get('features')?.data as Float32Array).set(features);
    for (const url of [server.url, `grpc://127.0.0.1:${port}`]) {
      (blocks.outputs.get('probabilities')?.data as Float32Array).fill(-1);
      const backend = await openOipBackend({ clock, model, blocks }, { kind: 'oip', url, token });
      await backend.run({ first: 0, count: ROWS, symbolicSize: 1 }, 10_000);
      expectAnswer(blocks.outputs.get('probabilities')?.data as Float32Array);
      await backend.close();
    }
  });

  it('are for the example to ask', async () => {
    const hands = [0, 1].map((row) => [...features.subarray(row * HAND_FEATURE_COUNT, (row + 1) * HAND_FEATURE_COUNT)]);
    const rows = await askGestures({ url: server.url, token, hands });
    expect(rows.map((row) => row.length)).toEqual([LABELS, LABELS]);
    rows.flat().forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, DIGITS));
    await expect(askGestures({ url: server.url, token: 'x', hands })).rejects.toThrow('TOKEN_INVALID');
  });

  it('are not for a token without the grant, and are counted', async () => {
    const host = await signToken(Buffer.from(server.tokenKey, 'utf8'), { subject: 'test', session: '*', role: 'host' }, { ttlS: 60, wallMs: clock.wallMs() });
    expect((await post(JSON.stringify(body()), { Authorization: `Bearer ${host}` })).status).toBe(403);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/copresence_oip_calls(_total)?\{model="gesture-mlp",outcome="ok"[^}]*\} \d/);
    expect(metrics).toMatch(/copresence_oip_calls(_total)?\{model="gesture-mlp",outcome="GRANT_MISSING"[^}]*\} 1/);
  });
});
