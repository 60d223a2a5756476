/** What a worker counts of its inputs and answers, with a real model. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CONFIDENCE_EDGES } from '../../../features/bins.ts';
import { HAND_FEATURE_COUNT, handFeatureNames } from '../../../features/hand.ts';
import { digestOf } from '../../../registry/digest.ts';
import { readReference, type ModelReference } from '../../../registry/reference.ts';
import { openModelStore } from '../../../registry/store.ts';
import { LookCounter } from '../../../server/model/look-counter.ts';
import { openRunner } from '../../../server/model/runner.ts';
import { certainGesture, publish } from './tiny-models.ts';

const folder = await mkdtemp(join(tmpdir(), 'looks-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const columns = handFeatureNames().map((name) => ({ name, edges: [0], shares: [0.5, 0.5] }));
const reference: ModelReference = { format: 'copresence.reference.v1', inputs: { samples: 100, participants: 10, columns } };

describe('looks at a model\'s work', () => {
  it('count watched inputs alone, in the bins of the reference, and are told once a second', async () => {
    await publish(folder, certainGesture('tiny', 0.5));
    const model = await openModelStore({ modelsFolder: folder, cacheFolder: folder }).resolve('tiny');
    const runner = await openRunner(model, { capacity: 8, reference });
    const sample = runner.sample(0);
    await runner.run([sample, { ...sample, isWatched: true }, { ...sample, part: 'nobody', isWatched: true }]);
    const looks = runner.takeLooks(0);
    expect(looks).toMatchObject({ samples: 1, labels: { first: 1 } });
    expect(looks?.columns).toHaveLength(2 * HAND_FEATURE_COUNT);
    for (let column = 0; column < HAND_FEATURE_COUNT; column++) expect((looks?.columns[column * 2] ?? 0) + (looks?.columns[column * 2 + 1] ?? 0)).toBe(1);
    // The last feature says that the depth is known: 1, above the edge.
    expect([...(looks?.columns.slice(-2) ?? [])]).toEqual([0, 1]);
    // It is called `first` with a probability of 0.75.
    expect(looks?.confidence[CONFIDENCE_EDGES.findIndex((edge) => edge >= 0.75)]).toBe(1);
    await runner.run([{ ...sample, isWatched: true }]);
    expect(runner.takeLooks(999)).toBeUndefined();
    expect(runner.takeLooks(1000)).toMatchObject({ samples: 1 });
    expect(runner.takeLooks(5000)).toBeUndefined();
    await runner.close();
  });

  it('keep a bounded number of labels', () => {
    const counter = new LookCounter(undefined, 0);
    for (let label = 0; label < 100; label++) counter.look({ task: 'gesture', source: 'tracking', hand: 'left', label: `label ${label}`, score: 1 }, undefined);
    const labels = counter.take(0)?.labels ?? {};
    expect(Object.keys(labels)).toHaveLength(65);
    expect(labels['other']).toBe(36);
  });

  it('are refused with a reference of other features', () => {
    expect(() => new LookCounter({ ...reference, inputs: { samples: 1, participants: 1, columns: columns.slice(1) } }, HAND_FEATURE_COUNT)).toThrow(/MODEL_INVALID.*87 columns/);
  });
});

describe('a reference', () => {
  const read = async (content: string, digest = digestOf(Buffer.from(content))): Promise<unknown> => {
    await writeFile(join(folder, 'reference.json'), content);
    return readReference({ folder, manifest: { files: { 'reference.json': digest } } });
  };

  it('is read as it was written, if its digest is that of the manifest', async () => {
    expect(await read(JSON.stringify(reference))).toEqual(reference);
    expect(await readReference({ folder, manifest: { files: {} } })).toBeUndefined();
    await expect(read(JSON.stringify(reference), digestOf(Buffer.from('x')))).rejects.toThrow(/MODEL_TAMPERED/);
  });

  it('is refused when it is none', async () => {
    await expect(read('{')).rejects.toThrow(/MODEL_INVALID.*no JSON/);
    for (const column of [{ name: 'a', edges: [1, 1], shares: [0.2, 0.3, 0.5] }, { name: 'a', edges: [1], shares: [1] }, { name: 'a', edges: [], shares: [2] }]) {
      await expect(read(JSON.stringify({ ...reference, inputs: { samples: 1, participants: 1, columns: [column] } }))).rejects.toThrow(/MODEL_INVALID/);
    }
  });
});
