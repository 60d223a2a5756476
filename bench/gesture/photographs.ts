/** Right hands in photographs of people who make gestures, found by the models that the server finds them with. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModelStore } from '../../registry/store.ts';
import type { StageValue } from '../../server/flow.ts';
import { openRunner } from '../../server/model/runner.ts';
import type { Runner } from '../../server/model/runner.ts';
import { NONE } from './test-hands.ts';

/** One picture, and what its right hands look like. */
export interface Photograph {
  readonly name: string;
  /** What is shown; `none` for no gesture. */
  readonly label: string;
  /** Each [21, 2], y up. */
  readonly hands: readonly (readonly number[])[];
}

/** What each folder shows with the raised right hand, in the words of the gesture model. */
const SHOWN: Readonly<Record<string, string>> = {
  closer: 'peace', down: 'thumb', emergency: 'fist', follow: 'call-me', further: 'peace', left: 'thumb', palm: 'open-palm',
  photo: 'rock', right: 'thumb', take_off: 'point', up: 'thumb', video: 'three', video_pause: 'four', no_class: NONE,
};
const LEAST_PRESENCE = 0.5;

/** @param folder - with a folder for each gesture. @returns undefined when there is none. */
export async function readPhotographs(folder: string, modelsFolder: string): Promise<Photograph[] | undefined> {
  if (!existsSync(folder)) return undefined;
  const store = openModelStore({ modelsFolder, cacheFolder: join(modelsFolder, '../.cache/models') });
  const palms = await openRunner(await store.resolve('handdetect'), { capacity: 1 });
  const landmarks = await openRunner(await store.resolve('handlandmark-lite'), { capacity: 1 });
  const found: Photograph[] = [];
  for (const [gesture, label] of Object.entries(SHOWN)) {
    for (const file of readdirSync(join(folder, gesture)).sort()) {
      found.push({ name: `${gesture}/${file.slice(0, 8)}`, label, hands: await rightHands(readFileSync(join(folder, gesture, file)), palms, landmarks) });
    }
  }
  await Promise.all([palms.close(), landmarks.close()]);
  return found;
}

async function rightHands(payload: Uint8Array, palms: Runner, landmarks: Runner): Promise<number[][]> {
  const detected = await runOne(palms, { payload, encoding: 'task', part: '' });
  const hands: number[][] = [];
  for (const { region } of detected?.task === 'hand-detection' ? detected.hands : []) {
    const look = await runOne(landmarks, { payload, encoding: 'task', region, part: '' });
    if (look?.task !== 'hand-landmarks' || look.hand !== 'right' || look.presence < LEAST_PRESENCE) continue;
    // Metres, y down.
    hands.push(look.world.flatMap((value, at) => (at % 3 === 2 ? [] : [at % 3 === 1 ? -value : value])));
  }
  return hands;
}

async function runOne(runner: Runner, item: Parameters<Runner['run']>[0][number]): Promise<StageValue | undefined> {
  const [outcome] = await runner.run([item]);
  return outcome?.kind === 'done' ? outcome.value as StageValue : undefined;
}
