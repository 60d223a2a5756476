/** The model of dynamic gestures that ships, as the server asks it and tells what it says: on drawn circles, and on recordings of people who draw none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assert } from '../../../core/assert.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { openRunner, type Runner } from '../../../server/model/runner.ts';
import { HandMovement } from '../../../server/session/hand-movement.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';
import { sampleTrack, trackDurationMs } from '../../../sim/import/pose-track.ts';

const FOLDER = join(import.meta.dirname, '../../../models/dynamic-gesture-mlp/1');
const HANDS = ['left', 'right'] as const;
const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);

let runner: Runner;
beforeAll(async () => {
  const manifest = modelManifest.parse(JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')));
  runner = await openRunner({ manifest, graphPath: join(FOLDER, 'model.onnx') }, { capacity: 1 });
});
afterAll(() => runner.close());

/** What a session hears of somebody who moves so: label and hand of each movement. @param poseAt - fills in a sample; every `periodMs` of `forMs`. */
async function told(poseAt: (atMs: number, sample: PoseSample) => void, { forMs, periodMs = 14 }: { forMs: number; periodMs?: number }): Promise<string[]> {
  const movements = { left: new HandMovement(), right: new HandMovement() };
  const sample = createPoseSample();
  const heard: string[] = [];
  for (let atMs = 0; atMs <= forMs; atMs += periodMs) {
    poseAt(atMs, sample);
    const size = encodePoseSample(sample, bytes, 0);
    assert(typeof size === 'number', 'a sample that can be sent');
    for (const hand of HANDS) {
      const payload = movements[hand].look(bytes.subarray(0, size), hand, atMs);
      if (payload === undefined) continue;
      const [outcome] = await runner.run([{ payload, encoding: 'task', part: hand }]);
      assert(outcome?.kind === 'done' && outcome.value.task === 'dynamic-gesture', 'an answer');
      expect(outcome.value.hand).toBe(hand);
      if (movements[hand].isBegun(outcome.value.label, atMs)) heard.push(`${hand} ${outcome.value.label}`);
    }
  }
  return heard;
}

interface Drawing {
  readonly turns: number;
  readonly hand: (typeof HANDS)[number];
  readonly radius: number;
  /** Revolutions a second, above 0 clockwise. */
  readonly hz: number;
  /** Radians about +Y that somebody has turned. */
  readonly yaw: number;
}

/** A fingertip that rests for a second, draws circles as its owner sees them, and rests again. */
function drawing({ turns, hand, radius, hz, yaw }: Drawing): (atMs: number, sample: PoseSample) => void {
  const side = hand === 'left' ? -1 : 1;
  return (atMs, sample) => {
    const angle = 2 * Math.PI * Math.sign(hz) * Math.min(turns, (Math.max(0, atMs - 1000) / 1000) * Math.abs(hz));
    const [right, up, ahead] = [side * 0.15 + radius * Math.sin(angle), 1.4 + radius * Math.cos(angle), 0.45];
    const place = [3 + Math.cos(yaw) * right - Math.sin(yaw) * ahead, up, -1 - Math.sin(yaw) * right - Math.cos(yaw) * ahead, 0, 0, 0, 1];
    sample.valid = sample.tracked = PART_BITS.head | PART_BITS[`${hand}Hand`];
    sample.rigid.set([3, 1.65, -1, 0, Math.sin(yaw / 2), 0, Math.cos(yaw / 2)]);
    for (let joint = 0; joint < 50; joint++) sample.hands.set(place, joint * 7);
  };
}

describe('dynamic-gesture-mlp, from poses to movements', () => {
  it.each<[string, Drawing, string]>([
    ['a large circle', { turns: 3, hand: 'right', radius: 0.15, hz: 1, yaw: 0 }, 'right clockwise'],
    ['a small one, the other way', { turns: 3, hand: 'right', radius: 0.04, hz: -1.2, yaw: 0 }, 'right counter-clockwise'],
    ['one of a left hand, clockwise for its owner too', { turns: 3, hand: 'left', radius: 0.1, hz: 1.3, yaw: 2.5 }, 'left clockwise'],
    ['one that goes on', { turns: 20, hand: 'left', radius: 0.1, hz: -1, yaw: -1 }, 'left counter-clockwise'],
  ])('tells %s once', async (_, circle, expected) => {
    expect(await told(drawing(circle), { forMs: 2000 + (circle.turns / Math.abs(circle.hz)) * 1000 })).toEqual([expected]);
    // A camera's rate, and a network's losses.
    expect(await told(drawing(circle), { forMs: 2000 + (circle.turns / Math.abs(circle.hz)) * 1000, periodMs: 66 })).toEqual([expected]);
  });

  it('tells less than one in two minutes of people who do other things with their controllers', async () => {
    const heard: string[] = [];
    let minutes = 0;
    for (const track of await packagedTracks(100)) {
      heard.push(...(await told((atMs, sample) => sampleTrack(track, atMs, sample), { forMs: trackDurationMs(track) })));
      minutes += (HANDS.length * trackDurationMs(track)) / 60_000;
    }
    expect(minutes).toBeGreaterThan(9);
    expect(heard.length / minutes).toBeLessThan(0.5);
  });
});
