/** The pose that every server of the fan-out benchmark passes on: a head and two controllers, in each one's own format. */
import { assert } from '../../core/assert.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';

/** Of the servers without a codec: three 32-bit numbers that say which pose it is, then three poses of 7 floats and a spare one. */
export const POSE_BYTES = 100;

/** The same 25 numbers as fields of a schema. */
export const POSE_FIELDS: readonly string[] = Array.from({ length: POSE_BYTES / 4 }, (_, index) => `f${index}`);

const POSES = [
  [0.12, 1.64, -0.31, 0.05, -0.21, 0.01, 0.976],
  [0, 0, -0.48, 0.31, 0.12, -0.07, 0.94],
  [0.29, 1.08, -0.52, 0.28, -0.15, 0.09, 0.943],
];

/** Three poses as floats, behind room for 12 bytes, little-endian. */
export function floatPose(): Uint8Array {
  const bytes = new Uint8Array(POSE_BYTES);
  const view = new DataView(bytes.buffer);
  POSES.flat().forEach((value, index) => view.setFloat32(12 + 4 * index, value, true));
  return bytes;
}

/** The same as this protocol's pose sample. The generator writes the sender into the left controller's position. */
export function encodedPose(): Uint8Array {
  const sample = createPoseSample();
  sample.valid = 7;
  sample.tracked = 7;
  sample.rigid.set(POSES.flat());
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  assert(size === 36, `a head and two controllers take 36 bytes, not ${size}`);
  return bytes.slice(0, size);
}
