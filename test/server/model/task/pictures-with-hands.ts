/** Models that look at pictures, opened for a test, and pictures with hands in them. */
import { join } from 'node:path';
import { assert } from '../../../../core/assert.ts';
import { openModelStore } from '../../../../registry/store.ts';
import type { DetectedHand, PictureRegion, StageValue } from '../../../../server/flow.ts';
import { openRunner, type Runner } from '../../../../server/model/runner.ts';

const root = join(import.meta.dirname, '../../../..');

export async function openModel(name: string): Promise<Runner> {
  const store = openModelStore({ modelsFolder: join(root, 'models'), cacheFolder: join(root, '.cache/models') });
  return openRunner(await store.resolve(name), { capacity: 4 });
}

/** The hands that a detector finds, best first. */
export async function detect(runner: Runner, payload: Uint8Array): Promise<readonly DetectedHand[]> {
  const [outcome] = await runner.run([{ payload, encoding: 'task', part: '' }]);
  assert(outcome?.kind === 'done' && outcome.value.task === 'hand-detection', 'the picture was searched');
  return outcome.value.hands;
}

type Look<Task extends StageValue['task']> = Extract<StageValue, { task: Task }>;

export async function lookAtHand(runner: Runner, payload: Uint8Array, region: PictureRegion): Promise<Look<'hand-landmarks'>> {
  const [outcome] = await runner.run([{ payload, encoding: 'task', region, part: '' }]);
  assert(outcome?.kind === 'done' && outcome.value.task === 'hand-landmarks', 'the region was looked at');
  return outcome.value;
}

export async function lookAtBody(runner: Runner, payload: Uint8Array, region?: PictureRegion): Promise<Look<'body-landmarks'>> {
  const [outcome] = await runner.run([{ payload, encoding: 'task', ...(region === undefined ? {} : { region }), part: '' }]);
  assert(outcome?.kind === 'done' && outcome.value.task === 'body-landmarks', 'the region was looked at');
  return outcome.value;
}
