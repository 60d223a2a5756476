/** What is written for iwer, played by iwer's own player. */
import { ActionPlayer } from 'iwer/lib/action/ActionPlayer.js';
import { P_SPACE } from 'iwer/lib/private.js';
import { XRReferenceSpace, XRReferenceSpaceType } from 'iwer/lib/spaces/XRReferenceSpace.js';
import { GlobalSpace } from 'iwer/lib/spaces/XRSpace.js';
import { expect, it } from 'vitest';
import { createPoseSample, decodePoseSample } from '../../../protocol/codec/pose-sample.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { toIwer } from '../../../sim/export/iwer.ts';
import { importIwer } from '../../../sim/import/iwer.ts';
import { collect, poseItem } from '../../recording/support.ts';

async function exported(items: readonly RecordingItem[]): Promise<string> {
  return (await collect(toIwer((async function* () { yield* items; })()))).join('');
}

function positionOf(space: { [P_SPACE]: { offsetMatrix: ArrayLike<number> } }): number[] {
  return [12, 13, 14].map((at) => Number(space[P_SPACE].offsetMatrix[at]));
}

it('is played by iwer\'s ActionPlayer, head, controller and hand where they were', async () => {
  const items = [0, 100, 200].map((atMs) => poseItem(1, atMs));
  const recording = JSON.parse(await exported(items)) as ConstructorParameters<typeof ActionPlayer>[1];
  const player = new ActionPlayer(new XRReferenceSpace(XRReferenceSpaceType.Local, new GlobalSpace()), recording, 0.063);
  player.play();
  player.stepFrames(1);
  const sample = createPoseSample();
  decodePoseSample(items[1]?.bytes ?? new Uint8Array(), 0, items[1]?.captureDeviceMs ?? 0, sample);
  expect(positionOf(player.viewerSpace)).toEqual([0, 1, 2].map((at) => expect.closeTo(sample.rigid[at] ?? NaN, 3) as number));
  expect(player.inputSources.map(({ handedness }) => handedness)).toEqual(['left', 'right']);
  const [left, right] = player.inputSources;
  expect(positionOf(left?.gripSpace as never)).toEqual([7, 8, 9].map((at) => expect.closeTo(sample.rigid[at] ?? NaN, 3) as number));
  expect(right?.gripSpace).toBeUndefined();
  expect(right?.hand?.size).toBe(25);
  expect(positionOf(right?.targetRaySpace as never)).toEqual([175, 176, 177].map((at) => expect.closeTo(sample.hands[at] ?? NaN, 3) as number));
});

it('comes back from our importer with the same parts, and each joint within a millimetre', async () => {
  const items = [0, 14, 28].map((atMs) => poseItem(1, atMs));
  const track = importIwer(await exported(items), 'back');
  const sample = createPoseSample();
  for (const [index, { bytes, captureDeviceMs }] of items.entries()) {
    decodePoseSample(bytes, 0, captureDeviceMs, sample);
    expect(track.valid[index]).toBe(sample.valid);
    expect(track.timesMs[index]).toBeCloseTo(index * 14, 1);
    for (let at = 175; at < 350; at += 7) for (const axis of [0, 1, 2]) expect(Math.abs((track.hands?.[index * 350 + at + axis] ?? NaN) - (sample.hands[at + axis] ?? NaN))).toBeLessThan(0.001);
  }
});
