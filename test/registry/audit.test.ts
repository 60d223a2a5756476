/** The history and the folder held against each other, and against a head that was kept elsewhere. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { auditVersions, headOf, readHead, requireHead } from '../../registry/audit.ts';
import { appendHistory, HISTORY_FILE, readHistory } from '../../registry/history.ts';
import { publishModel, type RegistryOptions } from '../../registry/publish.ts';
import { shippedFolder } from '../support/shipped.ts';

const NAME = 'gesture-mlp';
let folder: string;
let registry: RegistryOptions;

async function publish(threshold: number): Promise<void> {
  const path = join(folder, 'run', 'manifest.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), thresholds: { probabilities: threshold } }));
  await publishModel(registry, join(folder, 'run'), '');
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'));
  await cp(shippedFolder(NAME), join(folder, 'run'), { recursive: true });
  registry = { modelsFolder: join(folder, 'models'), clock: new ManualClock(1_700_000_000_000), by: 'ada' };
  await publish(0.1);
  await publish(0.2);
  return () => rm(folder, { recursive: true });
});

describe('a head that was kept', () => {
  const path = (): string => join(registry.modelsFolder, HISTORY_FILE);

  it('is kept by a history that goes on, and shows one whose end is cut off or that was written anew', async () => {
    const head = await headOf(registry.modelsFolder);
    expect(head.sequence).toBe(2);
    await publish(0.3);
    await requireHead(registry.modelsFolder, head);
    const [first = ''] = (await readFile(path(), 'utf8')).split('\n');
    await writeFile(path(), `${first}\n`);
    expect(await readHistory(registry.modelsFolder)).toHaveLength(1);
    await expect(requireHead(registry.modelsFolder, head)).rejects.toThrow(/MODEL_TAMPERED: the history has 1 entries, and had 2/);
    // A chain that fits, with another second entry.
    await appendHistory(registry.modelsFolder, { wallMs: 1, by: 'eve', reason: '', what: { action: 'alias', model: NAME, version: '1', alias: 'production' } });
    expect(await readHistory(registry.modelsFolder)).toHaveLength(2);
    await expect(requireHead(registry.modelsFolder, head)).rejects.toThrow(/MODEL_TAMPERED: entry 2/);
  });

  it('is read as it is told', async () => {
    const { sequence, sha256 } = await headOf(registry.modelsFolder);
    expect(readHead(`${sequence}:${sha256}\n`)).toEqual({ sequence, sha256 });
    expect(await headOf(join(folder, 'nothing'))).toEqual({ sequence: 0, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' });
    for (const text of ['', '2', `x:${sha256}`, `2:${sha256}0`]) expect(() => readHead(text)).toThrow(/CONFIG_INVALID/);
  });
});

describe('the folder', () => {
  const audit = async (): ReturnType<typeof auditVersions> => auditVersions(registry.modelsFolder, await readHistory(registry.modelsFolder));

  it('is as the history says, or it is said what is not', async () => {
    expect(await audit()).toEqual({ problems: [], unwritten: [] });
    await cp(join(registry.modelsFolder, NAME, '2'), join(registry.modelsFolder, NAME, '7'), { recursive: true });
    await rm(join(registry.modelsFolder, NAME, '1'), { recursive: true });
    await writeFile(join(registry.modelsFolder, NAME, '2', 'manifest.json'), '{}');
    expect(await audit()).toEqual({ problems: [`${NAME} 2 has another manifest than was published`, `${NAME} 1 was published and is not there`], unwritten: [`${NAME} 7`] });
  });
});
