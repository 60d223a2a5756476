import type * as Tensorflow from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeWeights, float16ToNumber } from '../../../registry/convert/weights.ts';
import type { WeightSpec } from '../../../registry/convert/weights.ts';
import { startTensorflow } from './tfjs.ts';

let tf: typeof Tensorflow;
beforeAll(async () => {
  tf = await startTensorflow();
});

/** One weight of each kind of storage, three values each: 12 + 12 + 6 + 3 + 6 bytes. */
const SPECS: WeightSpec[] = [
  { name: 'plain', shape: [3], dtype: 'float32' },
  { name: 'whole', shape: [3, 1], dtype: 'int32' },
  { name: 'half', shape: [1, 3], dtype: 'float32', quantization: { dtype: 'float16', scale: 1, min: 0 } },
  { name: 'byte', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.1, min: -3 } },
  { name: 'short', shape: [3], dtype: 'float32', quantization: { dtype: 'uint16', scale: 0.01, min: 2 } },
];
const STORED_BYTES = 39;

describe('the weight reader', () => {
  it('reads every kind of storage as TensorFlow.js does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: STORED_BYTES, maxLength: STORED_BYTES }), (bytes) => {
        const expected = tf.io.decodeWeights(new Uint8Array(bytes).buffer, SPECS as Tensorflow.io.WeightsManifestEntry[]);
        for (const [name, weight] of decodeWeights(SPECS, bytes)) {
          const reference = expected[name] as Tensorflow.Tensor;
          expect(weight.shape).toEqual(reference.shape);
          expect(weight.values).toEqual(reference.dataSync());
        }
        tf.dispose(expected);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x0001, 2 ** -24],
    [0x7bff, 65504],
    [0xfc00, -Infinity],
  ])('reads the half-precision pattern %i as %d', (bits, value) => {
    expect(float16ToNumber(bits)).toBe(value);
  });

  it('reads a half-precision not-a-number as one', () => {
    expect(float16ToNumber(0x7e00)).toBeNaN();
  });

  it('refuses weights that are cut off or that nothing describes', () => {
    const bytes = new Uint8Array(STORED_BYTES);
    expect(() => decodeWeights(SPECS, bytes.subarray(0, 20))).toThrow('MODEL_INVALID: weight whole ends at byte 24 of 20');
    expect(() => decodeWeights(SPECS.slice(0, 2), bytes)).toThrow('39 bytes of weights, of which 24 are described');
  });
});
