/** Real movements for the benchmark, those that predictors are tuned on apart from those that they are measured on. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Quaternion, Vector3 } from 'three';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { importAFrame } from '../../sim/import/aframe.ts';
import { PoseTrackBuilder, type PoseTrack } from '../../sim/import/pose-track.ts';
import { packagedRecordings } from '../../sim/source/package-files.ts';

export interface Recordings {
  readonly training: readonly PoseTrack[];
  readonly measured: readonly PoseTrack[];
}

/** The sessions of one folder are for tuning; measured are other scenes and those of the other package, which other people made. */
const TRAINING = 'super-hands/machinima_tests/';
/** Inches to metres, and the subject's own scale (mocap.cs.cmu.edu, frequently asked questions). */
const CMU_M = 0.0254 / 0.45;

/** The recordings that npm packages bring along. */
export async function packagedMovements(): Promise<Recordings> {
  const tracks = await Promise.all((await packagedRecordings()).map(async (path) => importAFrame(await readFile(path, 'utf8'), path.slice(path.lastIndexOf('node_modules') + 'node_modules/'.length))));
  return { training: tracks.filter(({ name }) => name.startsWith(TRAINING)), measured: tracks.filter(({ name }) => !name.startsWith(TRAINING)) };
}

/** Heads that watched films in a headset: orientations alone, about 60 a second. Columns are seconds, then a quaternion xyzw. */
export async function headTraces(folder: string): Promise<PoseTrack[]> {
  const root = join(folder, '360dataset-head-traces/Traces');
  const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.csv')).sort();
  return Promise.all(files.map(async (file) => {
    const builder = new PoseTrackBuilder();
    const sample = createPoseSample();
    sample.valid = sample.tracked = PART_BITS.head;
    for (const line of (await readFile(join(root, file), 'utf8')).split('\n')) {
      const [seconds = Number.NaN, ...turn] = line.split(',').map(Number);
      if (turn.length < 4) continue;
      sample.rigid.set([0, 1.6, 0, ...turn.slice(0, 4)]);
      builder.add(seconds * 1000, sample);
    }
    return builder.build(basename(file), 'measured');
  }));
}

/** Bodies in motion capture at 120 Hz: a head and two hands of CMU subject 131. */
export async function bodyMovements(folder: string): Promise<PoseTrack[]> {
  const root = join(folder, 'cmu-131-bvh');
  const files = (await readdir(root)).filter((name) => name.endsWith('.bvh')).sort();
  return Promise.all(files.map(async (file) => bodyTrack(await readFile(join(root, file), 'utf8'), file)));
}

function bodyTrack(text: string, name: string): PoseTrack {
  const { clip, skeleton } = new BVHLoader().parse(text);
  const parts = ['Head', 'lhand', 'rhand'].map((bone) => skeleton.getBoneByName(bone));
  const root = skeleton.bones[0];
  const times = clip.tracks[0]?.times ?? new Float32Array();
  const builder = new PoseTrackBuilder();
  const sample = createPoseSample();
  sample.valid = sample.tracked = PART_BITS.head | PART_BITS.leftController | PART_BITS.rightController;
  const position = new Vector3(), orientation = new Quaternion();
  times.forEach((seconds, frame) => {
    for (const { name: path, values } of clip.tracks) {
      const [bone = '', property] = path.split('.');
      if (property === 'position') skeleton.getBoneByName(bone)?.position.fromArray(values, frame * 3);
      else skeleton.getBoneByName(bone)?.quaternion.fromArray(values, frame * 4);
    }
    root?.updateMatrixWorld(true);
    parts.forEach((part, index) => {
      part?.getWorldPosition(position).multiplyScalar(CMU_M).toArray(sample.rigid, index * 7);
      part?.getWorldQuaternion(orientation).toArray(sample.rigid, index * 7 + 3);
    });
    builder.add(seconds * 1000, sample);
  });
  return builder.build(name, 'measured');
}
