/** Dense networks as ONNX, against answers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { denseToOnnx, foldStandardisation } from '../../../training/export/dense.ts';
import type { DenseLayer } from '../../../training/export/dense.ts';
import { runOnnx } from '../../support/onnx.ts';

const first: DenseLayer = {
  weights: Float32Array.of(1, -1, 2, 0.5), bias: Float32Array.of(0.5, 0), inputs: 2, outputs: 2, activation: 'relu',
};
const second: DenseLayer = {
  weights: Float32Array.of(1, 2), bias: Float32Array.of(-1), inputs: 2, outputs: 1, activation: 'linear',
};

function run(layers: readonly DenseLayer[], rows: readonly number[]): Promise<Float32Array> {
  const model = denseToOnnx({ name: 'dense', inputName: 'x', outputName: 'y', layers });
  return runOnnx(model, { x: { data: Float32Array.from(rows), dims: [rows.length / 2, 2] } }, 'y');
}

describe('dense networks as ONNX', () => {
  it('a batch of rows goes through weights, bias and rectifier', async () => {
    expect(Array.from(await run([first], [1, 2, -1, 1]))).toEqual([5.5, 0, 1.5, 1.5]);
    expect(Array.from(await run([first, second], [1, 2]))).toEqual([4.5]);
  });

  it('softmax sums to one over the columns and sigmoid stands for itself', async () => {
    const [a = 0, b = 0] = await run([{ ...first, activation: 'softmax' }], [0, 0]);
    expect(a + b).toBeCloseTo(1, 6);
    expect(a / b).toBeCloseTo(Math.exp(0.5), 5);
    const [sigmoid] = await run([{ ...first, activation: 'sigmoid' }], [0, 0]);
    expect(sigmoid).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 6);
  });

  it('a folded standardisation takes raw inputs to the same outputs', async () => {
    const folded = foldStandardisation(first, Float32Array.of(10, -4), Float32Array.of(2, 0.5));
    expect(Array.from(await run([folded], [12, -3]))).toEqual(Array.from(await run([first], [1, 2])));
  });
});
