/** Runs an exported model as the server would: one thread of ONNX Runtime's CPU provider. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { textFeatures } from '../../features/text.ts';
import { TEXT_IDS, toTable } from '../dataset/table.ts';
import type { Encoding } from '../dataset/table.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import { inputSpec, OUTPUT_NAME } from '../models/export.ts';

export interface OnnxClassifier {
  /** [count, classCount] */
  predict(samples: readonly LabelledSample[]): Promise<Float32Array>;
  /** Times one sample at a time, after a warm-up. */
  measureLatency(clock: Clock, samples: readonly LabelledSample[]): Promise<Latency>;
  close(): Promise<void>;
}

/** Milliseconds for one sample, features not counted. */
export interface Latency {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly runs: number;
}

/** Samples that one call takes. */
const BATCH = 256;
const WARM_UP = 20;
const RUNS = 200;

/** A graph of one input and one output. */
export interface OpenGraph {
  run(input: Tensor): Promise<Float32Array>;
  /** Times one input after the other, after a warm-up. */
  measureLatency(clock: Clock, inputs: readonly Tensor[]): Promise<Latency>;
  close(): Promise<void>;
}

/** @throws CopresenceError MODEL_INVALID when the bytes are no graph that runs. */
export async function openGraph(model: Uint8Array, inputName: string, outputName: string): Promise<OpenGraph> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 }).catch((cause: unknown) => {
    throw new CopresenceError('MODEL_INVALID', `not an ONNX graph that runs: ${String(cause)}`, { cause });
  });
  const run = async (input: Tensor): Promise<Float32Array> => (await session.run({ [inputName]: input }))[outputName]?.data as Float32Array;
  return {
    run,
    async measureLatency(clock, inputs) {
      const times: number[] = [];
      for (let at = 0; at < WARM_UP + RUNS; at++) {
        const startedMs = clock.nowMs();
        await run(inputs[at % inputs.length] as Tensor);
        if (at >= WARM_UP) times.push(clock.nowMs() - startedMs);
      }
      times.sort((a, b) => a - b);
      return { medianMs: times[Math.floor(RUNS / 2)] ?? 0, p95Ms: times[Math.floor(RUNS * 0.95)] ?? 0, runs: RUNS };
    },
    close: () => session.release(),
  };
}

/** @throws CopresenceError MODEL_INVALID when the bytes are no graph that runs. */
export async function openOnnx(model: Uint8Array, encoding: Encoding, labels: readonly string[]): Promise<OnnxClassifier> {
  const graph = await openGraph(model, inputSpec(encoding).name, OUTPUT_NAME);
  return {
    async predict(samples) {
      const parts: Float32Array[] = [];
      for (let start = 0; start < samples.length; start += BATCH) parts.push((await graph.run(toTensor(samples.slice(start, start + BATCH), labels, encoding))).slice());
      return Float32Array.from(parts.flatMap((part) => Array.from(part)));
    },
    measureLatency: (clock, samples) => graph.measureLatency(clock, samples.slice(0, 50).map((sample) => toTensor([sample], labels, encoding))),
    close: () => graph.close(),
  };
}

function toTensor(samples: readonly LabelledSample[], labels: readonly string[], encoding: Encoding): Tensor {
  if (encoding.kind === 'text') {
    const ids = new Int32Array(samples.length * TEXT_IDS);
    samples.forEach(({ text }, row) => textFeatures({ text: text ?? '', ids, offset: row * TEXT_IDS, maxFeatures: TEXT_IDS }));
    return new Tensor('int32', ids, [samples.length, TEXT_IDS]);
  }
  const { features } = toTable(samples, labels, encoding);
  const { steps, width } = encoding;
  return new Tensor('float32', features, steps === 1 ? [samples.length, width] : [samples.length, steps, width]);
}
