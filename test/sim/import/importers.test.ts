/** Importers, on the recordings that the npm packages hold and on what is malformed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Euler, MathUtils, Quaternion } from 'three';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { HAND_JOINTS } from '../../../protocol/joints.ts';
import { createFile } from '../../../recording/sink.ts';
import { importAFrame } from '../../../sim/import/aframe.ts';
import { importIwer } from '../../../sim/import/iwer.ts';
import { sampleTrack, trackDurationMs, trackRateHz, type PoseTrack } from '../../../sim/import/pose-track.ts';
import { importRecording } from '../../../sim/import/session-recording.ts';
import { writeTrack } from '../../../sim/import/write-recording.ts';
import { packagedRecordings } from '../../../sim/source/package-files.ts';

function checkTrack(track: PoseTrack): void {
  expect(track.timesMs[0]).toBe(0);
  for (let index = 1; index < track.timesMs.length; index++) expect(track.timesMs[index]! > track.timesMs[index - 1]!).toBe(true);
  let worst = 0, furthest = 0, lowest = Infinity, highest = -Infinity;
  for (let at = 0; at < track.rigid.length; at += 7) {
    const frame = Math.floor(at / 21);
    if ((track.valid[frame]! & (1 << ((at % 21) / 7))) === 0) continue;
    const [x, y, z, qx, qy, qz, qw] = track.rigid.subarray(at, at + 7) as unknown as [number, number, number, number, number, number, number];
    worst = Math.max(worst, Math.abs(Math.hypot(qx, qy, qz, qw) - 1));
    furthest = Math.max(furthest, Math.abs(x), Math.abs(z));
    lowest = Math.min(lowest, y);
    highest = Math.max(highest, y);
  }
  expect(worst).toBeLessThan(1e-5);
  expect(furthest).toBeLessThan(4);
  expect(lowest).toBeGreaterThan(-0.5);
  expect(highest).toBeLessThan(2.5);
}

describe('the importer for A-Frame', () => {
  it('reads every recording of the npm packages as unit quaternions in a room, at about 90 Hz', async () => {
    const paths = await packagedRecordings();
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      const track = importAFrame(await readFile(path, 'utf8'), path);
      checkTrack(track);
      expect(trackRateHz(track)).toBeGreaterThan(80);
      expect(trackRateHz(track)).toBeLessThan(95);
      expect(trackDurationMs(track)).toBeGreaterThan(5000);
      expect(track.source).toBe('measured');
    }
  });

  it('keeps the first pose of the camera, turned from degrees in the order YXZ', async () => {
    const path = (await packagedRecordings()).find((name) => name.endsWith('grabLeft.json')) ?? '';
    const text = await readFile(path, 'utf8');
    const first = (JSON.parse(text) as { camera: { poses: { position: { x: number }; rotation: { x: number; y: number; z: number } }[] } }).camera.poses[0]!;
    const track = importAFrame(text, 'grabLeft');
    const { x, y, z } = first.rotation;
    const expected = new Quaternion().setFromEuler(new Euler(MathUtils.degToRad(x), MathUtils.degToRad(y), MathUtils.degToRad(z), 'YXZ'));
    expect(track.rigid[0]).toBeCloseTo(first.position.x, 5);
    const dot = expected.toArray().reduce((sum, value, index) => sum + value * track.rigid[3 + index]!, 0);
    expect(Math.abs(dot)).toBeCloseTo(1, 5);
  });

  it('takes quaternions as they are', () => {
    const pose = (timestamp: number) => ({ position: { x: 0, y: 1.6, z: 0 }, rotation: { x: 0, y: Math.SQRT1_2, z: 0, w: Math.SQRT1_2 }, timestamp });
    const track = importAFrame(JSON.stringify({ camera: { poses: [pose(5), pose(15)] } }), 'made up');
    expect(track.rigid[4]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(track.valid[0]).toBe(PART_BITS.head);
  });

  it.each([
    ['{"camera":', /RECORDING_INVALID: not JSON.*/],
    ['{"left": {"poses": []}}', /RECORDING_INVALID: left.poses has fewer than two poses/],
    ['{}', /RECORDING_INVALID: the file has no camera/],
    ['{"camera": {"poses": [{"position": {"x": 1, "y": 1, "z": "far"}, "rotation": {"x": 0, "y": 0, "z": 0}, "timestamp": 1}]}}', /camera\.poses\[0\]\.position\.z is no finite number/],
    ['{"camera": {"poses": {}}}', /camera\.poses is no list/],
    ['[1, 2]', /the file is no object/],
  ])('refuses %s with the place', (text, message) => {
    expect(() => importAFrame(text, 'bad')).toThrow(message);
  });
});

/** A recording with one hand, in the layout of iwer's ActionRecorder. */
function iwerRecording(): string {
  const ray = [0.2, 1.2, -0.3, 0, Math.SQRT1_2, 0, Math.SQRT1_2];
  const joints = HAND_JOINTS.flatMap((_, index) => [0, 0, -index / 100, 0, 0, 0, 1, 0.01]);
  const frame = (timeMs: number) => [timeMs, 0, 1.6, 0, 0, 0, 0, 1.001, [0, ...ray, [0.25, 1.2, -0.3, 0, 0, 0, 1], joints, [[0, 0, 0]]]];
  const input = { handedness: 'right', targetRayMode: 'tracked-pointer', profiles: [], hasGrip: true, hasHand: true, hasGamepad: true, jointSequence: HAND_JOINTS };
  return JSON.stringify({ schema: [[0, input]], frames: [frame(100), frame(111.1), frame(122.2)] });
}

describe('the importer for iwer', () => {
  it('reads head, grip and hand, and moves the joints from the space of the ray into the room', () => {
    const track = importIwer(iwerRecording(), 'hand');
    checkTrack(track);
    expect(Array.from(track.valid)).toEqual(Array(3).fill(PART_BITS.head | PART_BITS.rightController | PART_BITS.rightHand));
    expect(track.tracked).toEqual(track.valid);
    expect(track.rigid[14]).toBeCloseTo(0.25, 6);
    const tip = 175 + 24 * 7;
    expect(track.hands?.[tip]).toBeCloseTo(0.2 - 0.24, 5);
    expect(track.hands?.[tip + 2]).toBeCloseTo(-0.3, 5);
    expect(track.hands?.[tip + 4]).toBeCloseTo(Math.SQRT1_2, 5);
  });

  it.each([
    ['{"schema": [], "frames": []}', /frames has fewer than two frames/],
    ['{"schema": [], "frames": [[1, 2, 3]]}', /frames\[0\] ends before its pose does/],
    ['{"schema": [], "frames": [[1, 0,0,0, 0,0,0,1, [3, 0,0,0, 0,0,0,1]]]}', /frames\[0\]\[8\] is of an input that the schema does not have/],
    ['{"schema": [[0, {"hasHand": true, "jointSequence": ["elbow"]}]], "frames": []}', /schema\[0\]\[1\]\.jointSequence\[0\] is no joint/],
  ])('refuses %s with the place', (text, message) => {
    expect(() => importIwer(text, 'bad')).toThrow(message);
  });
});

describe('a track', () => {
  it('goes through a recording file with no more than the error of the wire', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'track-'));
    const path = (await packagedRecordings())[0] ?? '';
    const track = importAFrame(await readFile(path, 'utf8'), 'doublegrab');
    await writeTrack(track, { writable: await createFile(join(folder, 'track.mcap')), clock: new ManualClock(1000) });
    const back = await importRecording(join(folder, 'track.mcap'));
    await rm(folder, { recursive: true });
    expect(back.timesMs.length).toBe(track.timesMs.length);
    expect(trackDurationMs(back)).toBeCloseTo(trackDurationMs(track), 0);
    const [before, after] = [createPoseSample(), createPoseSample()];
    for (const timeMs of [0, 1234.5, 7000]) {
      sampleTrack(track, timeMs, before);
      sampleTrack(back, timeMs, after);
      for (let at = 0; at < 21; at += 7) {
        for (let axis = at; axis < at + 3; axis++) expect(Math.abs(before.rigid[axis]! - after.rigid[axis]!)).toBeLessThan(0.002);
        const dot = [3, 4, 5, 6].reduce((sum, index) => sum + before.rigid[at + index]! * after.rigid[at + index]!, 0);
        expect(Math.abs(dot)).toBeGreaterThan(0.99999);
      }
    }
  });
});
