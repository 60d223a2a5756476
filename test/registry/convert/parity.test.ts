import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Tensorflow from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertGraph } from '../../../registry/convert/graph.ts';
import { parseGraphModel } from '../../../registry/convert/graph-model.ts';
import type { GraphModel } from '../../../registry/convert/graph-model.ts';
import { convertMovenet } from '../../../registry/convert/movenet.ts';
import { loadGraph, MODELS_FOLDER, startTensorflow } from './tfjs.ts';

const photographs = join(
  dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

let tf: typeof Tensorflow;
beforeAll(async () => {
  tf = await startTensorflow();
});

function readGraph(name: string): GraphModel {
  const read = (path: string): Uint8Array => readFileSync(join(MODELS_FOLDER, path));
  return parseGraphModel(read(`${name}.json`), read);
}

/** A photograph scaled to fit a square with black around it; RGB, uint8 [side, side, 3]. */
async function photograph(index: number, side: number): Promise<Uint8Array> {
  const file = join(photographs, `sample${index}.jpg`);
  const resized = sharp(file).resize(side, side, { fit: 'contain', background: 'black' }).removeAlpha();
  return resized.raw().toBuffer();
}

function joined(pictures: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pictures));
}

function largestDifference(left: ArrayLike<number>, right: ArrayLike<number>): number {
  expect(left.length).toBe(right.length);
  let largest = 0;
  for (let index = 0; index < left.length; index++) {
    const difference = Math.abs((left[index] as number) - (right[index] as number));
    // A NaN has to count, so the comparison is the one that it fails.
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

async function keypointsOf(session: InferenceSession, pictures: readonly Uint8Array[], side: number): Promise<Float32Array> {
  const input = new Tensor('uint8', joined(pictures), [pictures.length, side, side, 3]);
  const { keypoints } = await session.run({ input });
  expect(keypoints?.dims).toEqual([pictures.length, 17, 3]);
  return keypoints?.data as Float32Array;
}

describe.each([
  ['movenet-lightning', 192],
  ['movenet-thunder', 256],
] as const)('%s as ONNX', (name, side) => {
  const perPicture = 17 * 3;
  let session: InferenceSession;
  let pictures: Uint8Array[];
  let keypoints: Float32Array;

  beforeAll(async () => {
    session = await InferenceSession.create(convertMovenet(readGraph(name)), { intraOpNumThreads: 1 });
    pictures = await Promise.all([1, 2, 4, 6].map((index) => photograph(index, side)));
    keypoints = await keypointsOf(session, pictures, side);
  });

  it('gives for a batch of four photographs what TensorFlow.js gives for each', async () => {
    const reference = await loadGraph(name);
    for (const [row, picture] of pictures.entries()) {
      const input = tf.tensor(Int32Array.from(picture), [1, side, side, 3], 'int32');
      const expected = (reference.execute(input) as Tensorflow.Tensor).dataSync();
      const actual = keypoints.subarray(row * perPicture, (row + 1) * perPicture);
      expect(largestDifference(actual, expected)).toBeLessThanOrEqual(1e-3);
    }
    reference.dispose();
  });

  it('finds somebody in a photograph of people, within the picture and with scores in 0..1', () => {
    const scores = keypoints.filter((_, index) => index % 3 === 2);
    expect(Math.max(...scores)).toBeGreaterThan(0.5);
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(keypoints.every((value) => value > -0.1 && value < 1.1)).toBe(true);
  });

  it('gives each row the same result whatever the other rows are', async () => {
    for (const [row, picture] of pictures.entries()) {
      const alone = await keypointsOf(session, [picture], side);
      expect(largestDifference(keypoints.subarray(row * perPicture, (row + 1) * perPicture), alone)).toBeLessThan(1e-5);
    }
    const reversed = await keypointsOf(session, [...pictures].reverse(), side);
    expect(largestDifference(reversed.subarray(0, perPicture), keypoints.subarray(3 * perPicture))).toBeLessThan(1e-5);
  });
});

/** Each graph's input and the TensorFlow.js node behind each output. */
const GRAPHS = {
  'blazepose-lite': {
    input: { node: 'input_1', sizes: [256, 256, 3] },
    outputs: {
      landmarks: 'Identity_2',
      world: 'Identity_4',
      presence: 'Identity_3',
      heatmap: 'Identity',
      // Before its sigmoid, which is steep enough that TensorFlow.js's own backends differ by 2e-3 behind it.
      mask: 'StatefulPartitionedCall/model/output_segmentation/BiasAdd',
    },
  },
  handdetect: { input: { node: 'input', sizes: [256, 256, 3] }, outputs: { boxes: 'Identity' } },
  'handlandmark-lite': {
    input: { node: 'input_1', sizes: [224, 224, 3] },
    outputs: { landmarks: 'Identity', presence: 'Identity_1', handedness: 'Identity_2', world: 'Identity_3' },
  },
} as const;

describe.each(Object.entries(GRAPHS))('%s as ONNX', (name, options) => {
  it('gives for a batch of two what TensorFlow.js gives for each', async () => {
    const { input, outputs } = options;
    const size = input.sizes[0] * input.sizes[1] * input.sizes[2];
    const photographs = await Promise.all([1, 2].map((index) => photograph(index, input.sizes[0])));
    const pictures = Float32Array.from(joined(photographs), (value) => value / 255);
    const model = convertGraph(readGraph(name), { name, input, outputs });
    const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
    const actual = await session.run({ input: new Tensor('float32', pictures, [2, ...input.sizes]) });
    const reference = await loadGraph(name);
    for (const row of [0, 1]) {
      const picture = tf.tensor(pictures.subarray(row * size, (row + 1) * size), [1, ...input.sizes]);
      for (const [output, node] of Object.entries(outputs)) {
        const expected = (reference.execute(picture, node) as Tensorflow.Tensor).dataSync();
        const values = actual[output]?.data as Float32Array;
        const own = values.subarray(row * expected.length, (row + 1) * expected.length);
        // Landmarks are in pixels and scores are logits here and there, so the difference is relative to the largest.
        const range = Math.max(1, largestDifference(expected, new Float32Array(expected.length)));
        expect(largestDifference(own, expected) / range, output).toBeLessThan(5e-4);
      }
    }
    reference.dispose();
  });
});
