/** What admins are told of the past of a model, and of alerts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../core/clock.ts';
import { HISTORY_FILE } from '../../../../registry/history.ts';
import { noteRollout, setAlias } from '../../../../registry/publish.ts';
import { ADMIN_TOKEN, ServerInProcess } from '../../../support/running-server.ts';
import { certainGesture, publish } from '../../model/tiny-models.ts';

let folder = '';
let world: ServerInProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'models-'));
  for (const version of ['1', '2']) await publish(folder, certainGesture('tiny', 0.5), version);
  const clock = new ManualClock(1000);
  const registry = { modelsFolder: folder, clock, by: 'ada' };
  await setAlias(registry, { model: 'tiny', version: '1', alias: 'production', reason: 'the first' });
  clock.advance(1000);
  await noteRollout(registry, { model: 'tiny', version: '2', outcome: 'promoted', reason: 'rules' });
  await setAlias(registry, { model: 'tiny', version: '2', alias: 'production', reason: 'rules' });
  await setAlias(registry, { model: 'tiny', version: '1', alias: 'tested', reason: '' });
  world = await ServerInProcess.start(['--admin-token', ADMIN_TOKEN, '--models-folder', folder]);
});
afterAll(async () => {
  await world.server.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (path: string): Promise<unknown> => (await world.admin(path)).json();

describe('the past of a model', () => {
  it('says which version was in production at any time', async () => {
    expect(await ask('/models/tiny/at/999')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await ask('/models/tiny/at/1000')).toEqual({ model: 'tiny', version: '1', sinceMs: 1000, by: 'ada', reason: 'the first' });
    expect(await ask('/models/tiny/at/1999')).toMatchObject({ version: '1' });
    expect(await ask('/models/tiny/at/2000')).toMatchObject({ version: '2', sinceMs: 2000 });
    expect(await ask('/models/tiny/at/99999999')).toMatchObject({ version: '2' });
    expect(await ask('/models/other/at/2000')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await ask('/models/tiny/at/yesterday')).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is told newest first, and not at all once a line of it was changed', async () => {
    expect(await ask('/models/tiny/history')).toMatchObject({ model: 'tiny', entries: [{ action: 'alias', alias: 'tested' }, { action: 'alias', version: '2', alias: 'production' }, { action: 'rollout', outcome: 'promoted' }, { wallMs: 1000, by: 'ada', reason: 'the first' }] });
    expect(await ask('/models/other/history')).toEqual({ model: 'other', entries: [] });
    const path = join(folder, HISTORY_FILE);
    await writeFile(path, (await readFile(path, 'utf8')).replace('the first', 'the last'));
    expect(await (await world.admin('/models/tiny/history')).json()).toMatchObject({ status: 422, code: 'MODEL_TAMPERED' });
  });

  it('has no alerts where nobody watches', async () => {
    expect(await ask('/alerts')).toEqual({ alerts: [], delivery: null });
    expect(await ask('/models/tiny/drift')).toEqual({ versions: [] });
  });
});
