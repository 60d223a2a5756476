/** Recorded poses for the codec benchmark: head and controllers of a real person, with hands put onto the controllers. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pinchHandPose } from 'iwer/lib/device/configs/hand/pinch.js';
import { pointHandPose } from 'iwer/lib/device/configs/hand/point.js';
import { relaxedHandPose } from 'iwer/lib/device/configs/hand/relaxed.js';
import { Euler, MathUtils, Matrix4, Quaternion, Vector3 } from 'three';
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { createPoseSample, PART_BITS, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';
import { HAND_JOINTS } from '../protocol/joints.ts';

const RECORDING = 'aframe-motion-capture-components/examples/assets/tracked-recording.json';
const HAND_POSES = [relaxedHandPose, pointHandPose, pinchHandPose];

interface RecordedPose {
  readonly position: { readonly x: number; readonly y: number; readonly z: number };
  /** Degrees, in A-Frame's order YXZ. */
  readonly rotation: { readonly x: number; readonly y: number; readonly z: number };
  readonly timestamp: number;
}
type Recording = Readonly<Record<'camera' | 'left' | 'right', { readonly poses: readonly RecordedPose[] }>>;

/** `count` consecutive samples with every part valid: a mask picks those that are sent. */
export function recordedSamples(count: number): PoseSample[] {
  const folder = createRequire(import.meta.url).resolve(RECORDING);
  const recording = JSON.parse(readFileSync(folder, 'utf8')) as Recording;
  return Array.from({ length: count }, (_, index) => sampleAt(recording, index));
}

function sampleAt(recording: Recording, index: number): PoseSample {
  const sample = createPoseSample();
  const tracks = [recording.camera, recording.left, recording.right];
  const matrices = tracks.map(({ poses }) => toMatrix(poses[index % poses.length] as RecordedPose));
  matrices.forEach((matrix, part) => write(matrix, sample.rigid, part * POSE_FLOATS));
  [matrices[1], matrices[2]].forEach((controller, side) => {
    HAND_JOINTS.forEach((joint, at) => write(jointMatrix(joint, index, side === 1).premultiply(controller as Matrix4), sample.hands, side * HAND_FLOATS + at * POSE_FLOATS));
  });
  const captureMs = (recording.camera.poses[index % recording.camera.poses.length] as RecordedPose).timestamp;
  const everything = Object.values(PART_BITS).reduce((sum, bit) => sum | bit, 0);
  return Object.assign(sample, { captureMs, valid: everything, tracked: everything });
}

function toMatrix({ position, rotation }: RecordedPose): Matrix4 {
  const euler = new Euler(...[rotation.x, rotation.y, rotation.z].map(MathUtils.degToRad) as [number, number, number], 'YXZ');
  return new Matrix4().compose(new Vector3(position.x, position.y, position.z), new Quaternion().setFromEuler(euler), new Vector3(1, 1, 1));
}

/** A joint relative to the controller; the hand goes slowly from one pose to the next, and the right one is the mirror image. */
function jointMatrix(joint: (typeof HAND_JOINTS)[number], index: number, mirrored: boolean): Matrix4 {
  const phase = (index / 90) % HAND_POSES.length;
  const from = HAND_POSES[Math.floor(phase)];
  const to = HAND_POSES[(Math.floor(phase) + 1) % HAND_POSES.length];
  const a = decompose(from?.jointTransforms[joint].offsetMatrix);
  const b = decompose(to?.jointTransforms[joint].offsetMatrix);
  const position = a.position.lerp(b.position, phase % 1);
  const orientation = a.orientation.slerp(b.orientation, phase % 1);
  if (mirrored) {
    position.x = -position.x;
    orientation.set(orientation.x, -orientation.y, -orientation.z, orientation.w);
  }
  return new Matrix4().compose(position, orientation, new Vector3(1, 1, 1));
}

function decompose(elements: ArrayLike<number> | undefined): { position: Vector3; orientation: Quaternion } {
  const position = new Vector3();
  const orientation = new Quaternion();
  new Matrix4().fromArray(Array.from(elements ?? [])).decompose(position, orientation, new Vector3());
  return { position, orientation };
}

function write(matrix: Matrix4, target: Float32Array, offset: number): void {
  const position = new Vector3();
  const orientation = new Quaternion();
  matrix.decompose(position, orientation, new Vector3());
  target.set([...position.toArray(), ...orientation.toArray()], offset);
}
