/** Publishing, signing, aliases and the history, on real folders. */
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../core/clock.ts';
import { auditVersions } from '../../registry/audit.ts';
import { digestOf } from '../../registry/digest.ts';
import { aliasesOf, aliasHistory, appendHistory, HISTORY_FILE, readHistory } from '../../registry/history.ts';
import { publishModel, rollBackAlias, setAlias, signModel, type RegistryOptions } from '../../registry/publish.ts';
import { createKeyPair, readSigners, readSigningKey, type SigningKey } from '../../registry/signers.ts';
import { openModelStore } from '../../registry/store.ts';
import { shippedFolder } from '../support/shipped.ts';

const NAME = 'gesture-mlp';
const shipped = shippedFolder(NAME);

let folder: string;
let source: string;
let clock: ManualClock;
let registry: RegistryOptions & { readonly clock: ManualClock };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-'));
  source = join(folder, 'run');
  await cp(shipped, source, { recursive: true });
  clock = new ManualClock(1_700_000_000_000);
  registry = { modelsFolder: join(folder, 'models'), clock, by: 'ada' };
  return () => rm(folder, { recursive: true });
});

/** Changes a field of the model to be published, so that it is another model. */
async function change(fields: object): Promise<void> {
  const path = join(source, 'manifest.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
}

async function publishVersions(count: number, options: RegistryOptions = registry): Promise<void> {
  for (let version = 1; version <= count; version++) {
    await change({ thresholds: { probabilities: version / 100 } });
    clock.advance(1000);
    await publishModel(options, source, `try ${version}`);
  }
}

const store = (signersFile?: string) => openModelStore({ modelsFolder: registry.modelsFolder, cacheFolder: join(folder, 'cache'), signersFile });
const versionOf = async (signersFile?: string): Promise<string> => (await store(signersFile).resolve(NAME)).manifest.version;

async function keyFor(name: string): Promise<{ key: SigningKey; publicKey: string }> {
  const { publicKey, privateKey } = createKeyPair();
  await writeFile(join(folder, `${name}.key`), privateKey);
  return { key: readSigningKey(privateKey), publicKey };
}

async function writeSigners(...signers: { name: string; publicKey: string; roles: string[] }[]): Promise<string> {
  const path = join(folder, 'signers.json');
  await writeFile(path, JSON.stringify({ signers }));
  return path;
}

describe('publishing', () => {
  it('says of a model what its training could not know, where whoever publishes says it', async () => {
    const said = await publishModel(registry, source, 'for all', { licence: 'MIT', summary: 'Names hands' });
    expect(said).toMatchObject({ licence: 'MIT', summary: 'Names hands', task: 'gesture' });
    expect((await store().resolve(NAME)).manifest).toEqual(said);
  });

  it('leaves out the files that are named, and never the graph', async () => {
    await writeFile(join(source, 'notes'), 'x');
    const { files } = JSON.parse(await readFile(join(source, 'manifest.json'), 'utf8')) as { files: object };
    await change({ files: { ...files, notes: digestOf(Buffer.from('x')) } });
    await expect(publishModel(registry, source, '', { leaveOut: ['model.onnx'] })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await expect(publishModel(registry, source, '', { leaveOut: ['other'] })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const published = await publishModel(registry, source, '', { leaveOut: ['notes'] });
    expect(published.files).toEqual(files);
    expect(await readdir(join(registry.modelsFolder, NAME, published.version))).not.toContain('notes');
  });

  it('makes the next version with every file, and never changes one that is there', async () => {
    await publishVersions(2);
    const first = await readFile(join(registry.modelsFolder, NAME, '1/manifest.json'));
    await publishVersions(3);
    expect(await readdir(join(registry.modelsFolder, NAME))).toEqual(['1', '2', '3', '4', '5']);
    expect(await readFile(join(registry.modelsFolder, NAME, '1/manifest.json'))).toEqual(first);
    expect((await store().resolve(NAME, '2')).manifest.thresholds).toEqual({ probabilities: 0.02 });
  });

  it.each([
    ['a file that differs from its digest', 'MODEL_TAMPERED', () => appendFile(join(source, 'model.onnx'), 'x')],
    ['a file that is missing', 'MODEL_INVALID', () => rm(join(source, 'model.onnx'))],
    ['a name that leads out of the folder', 'MODEL_INVALID', () => change({ name: '../gesture' })],
    ['a file name that leads out of the folder', 'MODEL_INVALID', () => change({ files: { 'model.onnx': { sha256: 'a'.repeat(64), bytes: 1 }, '../x': { sha256: 'a'.repeat(64), bytes: 1 } } })],
    ['a manifest that is no JSON', 'MODEL_INVALID', () => writeFile(join(source, 'manifest.json'), '{')],
    ['files that are too large', 'MODEL_INVALID', () => change({ files: { 'model.onnx': { sha256: 'a'.repeat(64), bytes: 2 ** 33 } } })],
  ])('refuses %s, and leaves nothing', async (_what, code, spoil) => {
    await spoil();
    await expect(publishModel(registry, source, '')).rejects.toMatchObject({ code });
    expect(await readdir(join(registry.modelsFolder, NAME)).catch(() => [])).toEqual([]);
    expect(await readHistory(registry.modelsFolder)).toEqual([]);
  });

  it('refuses the same model a second time', async () => {
    await publishModel(registry, source, '');
    await expect(publishModel(registry, source, '')).rejects.toMatchObject({ code: 'MODEL_EXISTS' });
  });

  it('takes away what a publisher that was ended has left', async () => {
    await mkdir(join(registry.modelsFolder, NAME, '.staging-abc'), { recursive: true });
    await publishModel(registry, source, '');
    expect(await readdir(join(registry.modelsFolder, NAME))).toEqual(['1']);
  });

  it.each([
    ['another publishing', (): Promise<unknown> => publishModel(registry, source, 'next'), ['1', '2', '3']],
    ['an alias', (): Promise<unknown> => setAlias(registry, { model: NAME, version: '2', alias: 'production', reason: '' }), ['1', '2']],
  ] as const)('whose publisher was ended behind the entry in the history appears with %s', async (_, alter, versions) => {
    await publishVersions(2);
    await rename(join(registry.modelsFolder, NAME, '2'), join(registry.modelsFolder, NAME, '.staging-abc'));
    await mkdir(join(registry.modelsFolder, NAME, '.staging-abd'));
    expect(await versionOf()).toBe('1');
    await change({ thresholds: { probabilities: 0.9 } });
    await alter();
    expect((await readdir(join(registry.modelsFolder, NAME))).filter((name) => !name.startsWith('.'))).toEqual(versions);
    expect(await auditVersions(registry.modelsFolder, await readHistory(registry.modelsFolder))).toEqual({ problems: [], unwritten: [] });
  });

  it('gets no number that another version had, though it is gone', async () => {
    await publishVersions(2);
    await rm(join(registry.modelsFolder, NAME, '2'), { recursive: true });
    await expect(publishModel(registry, source, '')).resolves.toMatchObject({ version: '3' });
  });

  it('goes on where a lock was left empty, by a full disk or a process that was ended', async () => {
    await mkdir(registry.modelsFolder);
    await writeFile(join(registry.modelsFolder, '.lock'), '');
    await writeFile(join(registry.modelsFolder, '.lock.orphan'), '99999999');
    await expect(publishModel({ ...registry, clock: systemClock() }, source, '')).resolves.toMatchObject({ version: '1' });
    expect((await readdir(registry.modelsFolder)).sort()).toEqual([NAME, HISTORY_FILE]);
  });

  it('leaves nothing where it cannot be written into the history, and can be done again when it can', async () => {
    await publishVersions(1);
    const history = join(registry.modelsFolder, HISTORY_FILE);
    const whole = await readFile(history, 'utf8');
    await writeFile(history, `x${whole}`);
    await change({ thresholds: { probabilities: 0.5 } });
    await expect(publishModel(registry, source, '')).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    expect(await readdir(join(registry.modelsFolder, NAME))).toEqual(['1']);
    await writeFile(history, whole);
    // Who it is by has at most 64 characters: it fails when all of the version is copied.
    await expect(publishModel({ ...registry, by: 'x'.repeat(65) }, source, '')).rejects.toThrow();
    expect(await readdir(join(registry.modelsFolder, NAME))).toEqual(['1']);
    await expect(publishModel(registry, source, '')).resolves.toMatchObject({ version: '2' });
  });

  it('with a reason that the history does not take does nothing', async () => {
    await expect(publishModel(registry, source, 'x'.repeat(501))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(readdir(registry.modelsFolder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is done by one at a time, and takes over the lock of a process that is gone', async () => {
    await mkdir(registry.modelsFolder);
    // No process has this number: the largest that Linux gives is 2^22.
    await writeFile(join(registry.modelsFolder, '.lock'), '99999999');
    const sources = [1, 2, 3].map((index) => join(folder, `run-${index}`));
    for (const [index, copy] of sources.entries()) {
      await change({ thresholds: { probabilities: index / 10 } });
      await cp(source, copy, { recursive: true });
    }
    const published = await Promise.all(sources.map((each) => publishModel({ ...registry, clock: systemClock() }, each, '')));
    expect(published.map(({ version }) => version).sort()).toEqual(['1', '2', '3']);
    expect((await readHistory(registry.modelsFolder)).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe('aliases', () => {
  it('say what a server loads, and the highest version is loaded where there is none', async () => {
    await publishVersions(3);
    expect(await versionOf()).toBe('3');
    await setAlias(registry, { model: NAME, version: '1', alias: 'production', reason: '' });
    expect(await versionOf()).toBe('1');
  });

  it('go back to what they named before, and the history tells what was in production when', async () => {
    await publishVersions(3);
    for (const version of ['1', '2', '3']) {
      clock.advance(60_000);
      await setAlias(registry, { model: NAME, version, alias: 'production', reason: `to ${version}` });
    }
    expect(await rollBackAlias(registry, { model: NAME, alias: 'production', reason: 'worse' })).toBe('2');
    expect(await versionOf()).toBe('2');
    const told = aliasHistory(await readHistory(registry.modelsFolder), NAME, 'production');
    expect(told.map(({ version, reason }) => [version, reason])).toEqual([['2', 'worse'], ['3', 'to 3'], ['2', 'to 2'], ['1', 'to 1']]);
    expect(told.map(({ sinceMs }) => sinceMs)).toEqual([1_700_000_183_000, 1_700_000_183_000, 1_700_000_123_000, 1_700_000_063_000]);
  });

  it.each([['production', '9'], ['../x', '1'], ['', '1']])('refuse the alias %j for version %s', async (alias, version) => {
    await publishVersions(1);
    await expect(setAlias(registry, { model: NAME, version, alias, reason: '' })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('have nothing to go back to at first', async () => {
    await publishVersions(1);
    await setAlias(registry, { model: NAME, version: '1', alias: 'production', reason: '' });
    await expect(rollBackAlias(registry, { model: NAME, alias: 'production', reason: '' })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('signatures', () => {
  it('are needed of every version and alias where signers are given', async () => {
    const { key, publicKey } = await keyFor('ada');
    const signers = await writeSigners({ name: 'ada', publicKey, roles: ['publish', 'promote'] });
    await publishVersions(1);
    await expect(store(signers).resolve(NAME, '1')).rejects.toMatchObject({ code: 'MODEL_UNSIGNED' });
    await signModel(registry, key, NAME, '1');
    expect((await store(signers).resolve(NAME, '1')).manifest.version).toBe('1');
    // The entry of the unsigned publishing is still without one.
    await expect(versionOf(signers)).rejects.toMatchObject({ code: 'MODEL_UNSIGNED' });
  });

  it('count by role: who may publish may not promote', async () => {
    const [ada, bob] = [await keyFor('ada'), await keyFor('bob')];
    const signers = await writeSigners({ name: 'ada', publicKey: ada.publicKey, roles: ['publish'] }, { name: 'bob', publicKey: bob.publicKey, roles: ['promote'] });
    await publishVersions(2, { ...registry, key: ada.key });
    await setAlias({ ...registry, key: bob.key }, { model: NAME, version: '1', alias: 'production', reason: '' });
    expect(await versionOf(signers)).toBe('1');
    await setAlias({ ...registry, key: ada.key }, { model: NAME, version: '2', alias: 'production', reason: '' });
    await expect(versionOf(signers)).rejects.toThrow('ada, who may not promote');
    await rm(join(registry.modelsFolder, HISTORY_FILE));
    await signModel(registry, bob.key, NAME, '2');
    await expect(versionOf(signers)).rejects.toThrow('bob, who may not publish');
  });

  it('break with a manifest or a file that was changed, and with a stranger\'s key', async () => {
    const { key, publicKey } = await keyFor('ada');
    const signers = await writeSigners({ name: 'ada', publicKey, roles: ['publish', 'promote'] });
    await publishVersions(1, { ...registry, key });
    const path = join(registry.modelsFolder, NAME, '1/manifest.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('0.01', '0.99'));
    await expect(versionOf(signers)).rejects.toMatchObject({ code: 'MODEL_UNSIGNED' });
    await writeFile(path, text);
    await appendFile(join(registry.modelsFolder, NAME, '1/model.onnx'), 'x');
    await expect(versionOf(signers)).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    await expect(signModel(registry, key, NAME, '1')).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
  });

  it.each([
    ['no JSON', '{'],
    ['no signers', '{"signers": []}'],
    ['a key that is none', '{"signers": [{"name": "a", "publicKey": "x", "roles": ["publish"]}]}'],
    ['a role that there is not', '{"signers": [{"name": "a", "publicKey": "x", "roles": ["rule"]}]}'],
  ])('are not read from a file with %s', async (_what, text) => {
    const path = join(folder, 'signers.json');
    await writeFile(path, text);
    await expect(readSigners(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('the history', () => {
  it('shows every change of a byte in it, but for what is cut off at the end', async () => {
    await publishVersions(3, { ...registry, key: (await keyFor('ada')).key });
    const path = join(registry.modelsFolder, HISTORY_FILE);
    const whole = await readFile(path);
    const middle = whole.indexOf(0x0a) + 1;
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: middle - 2 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Buffer.from(whole);
      changed[at] = changed[at]! ^ flip;
      await writeFile(path, changed);
      await expect(readHistory(registry.modelsFolder)).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    }), { numRuns: 60 });
    await writeFile(path, Buffer.concat([whole.subarray(0, middle), whole.subarray(whole.indexOf(0x0a, middle) + 1)]));
    await expect(readHistory(registry.modelsFolder)).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
  });

  it('goes on behind the last whole line when a crash has cut one off', async () => {
    await publishVersions(2);
    const path = join(registry.modelsFolder, HISTORY_FILE);
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 10));
    expect(await readHistory(registry.modelsFolder)).toHaveLength(1);
    await appendHistory(registry.modelsFolder, { wallMs: 0, by: 'ada', reason: '', what: { action: 'alias', model: NAME, version: '1', alias: 'production' } });
    const history = await readHistory(registry.modelsFolder);
    expect(history.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(aliasesOf(history, NAME)).toEqual(new Map([['production', '1']]));
  });

  it('says which manifest was published', async () => {
    await publishVersions(1);
    const manifest = await readFile(join(registry.modelsFolder, NAME, '1/manifest.json'));
    expect((await readHistory(registry.modelsFolder))[0]?.what).toEqual({ action: 'publish', model: NAME, version: '1', manifestSha256: digestOf(manifest).sha256 });
  });
});
