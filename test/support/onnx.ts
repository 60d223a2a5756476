/** Runs an ONNX model once, for tests of what writes them. */
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface FloatInput {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** One float32 output of a model for float32 inputs by name. */
export async function runOnnx(
  model: Uint8Array,
  inputs: Readonly<Record<string, FloatInput>>,
  output: string,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)]),
  );
  const outputs = await session.run(feeds);
  await session.release();
  return outputs[output]?.data as Float32Array;
}
