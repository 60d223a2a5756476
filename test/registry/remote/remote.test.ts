/** Registries that several machines share: one contract for a folder and for S3, and what two publishers may not do to each other. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import { digestOf } from '../../../registry/digest.ts';
import { aliasesOf, readHistory } from '../../../registry/history.ts';
import { publishModel, setAlias } from '../../../registry/publish.ts';
import { folderStore } from '../../../registry/remote/folder-store.ts';
import { pullModels, pushModels, withStore, type MirrorParts } from '../../../registry/remote/mirror.ts';
import type { ObjectStore } from '../../../registry/remote/object-store.ts';
import { readStore } from '../../../registry/remote/read-store.ts';
import { openS3Store, s3Store } from '../../../registry/remote/s3-store.ts';
import { openModelStore } from '../../../registry/store.ts';
import { versionsOf } from '../../../registry/versions.ts';
import { openS3Server, type S3Server } from './s3-server.ts';

const clock = systemClock();
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'eu-central-1', bucket: 'models' };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
let folder = '';
let server: S3Server;
const settings = (prefix: string) => ({ kind: 's3' as const, endpoint: server.url, prefix, ...credentials });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remote-'));
  server = await openS3Server(credentials);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const STORES: [string, (name: string) => Promise<ObjectStore>][] = [
  ['a folder', (name) => Promise.resolve(folderStore(join(folder, `store-${name}`), clock))],
  ['S3', (name) => openS3Store(settings(`${name}/`))],
];
let run = 0;

describe.each(STORES)('%s', (_, open) => {
  let store: ObjectStore;
  beforeEach(async () => {
    store = await open(`run-${run++}`);
  });

  it('gives back what was put, and nothing of what was not', async () => {
    expect(await store.get('a/b', 10)).toBeUndefined();
    expect(await store.put('a/b', text('one'))).toBe('written');
    expect(Buffer.from((await store.get('a/b', 10))?.bytes ?? []).toString()).toBe('one');
    await expect(store.get('a/b', 2)).rejects.toThrow(/MODEL_INVALID.*3 bytes, more than 2/);
    await store.remove('a/b');
    await store.remove('a/b');
    expect(await store.get('a/b', 10)).toBeUndefined();
  });

  it('writes by condition: only what is absent, or has not changed', async () => {
    expect(await store.put('x', text('1'), { kind: 'absent' })).toBe('written');
    expect(await store.put('x', text('2'), { kind: 'absent' })).toBe('conflict');
    const { etag } = (await store.get('x', 10))!;
    expect(await store.put('x', text('3'), { kind: 'unchanged', etag })).toBe('written');
    expect(await store.put('x', text('4'), { kind: 'unchanged', etag })).toBe('conflict');
    expect(await store.put('y', text('4'), { kind: 'unchanged', etag })).toBe('conflict');
    expect(Buffer.from((await store.get('x', 10))?.bytes ?? []).toString()).toBe('3');
    const both = await Promise.all([1, 2, 3].map((value) => store.put('z', text(`${value}`), { kind: 'absent' })));
    expect(both.filter((outcome) => outcome === 'written')).toHaveLength(1);
  });

  it('lists what is below a prefix, in order and beyond a page', async () => {
    const keys = ['m/1/a', 'm/1/b', 'm/2/a & b', 'n/1/a', 'o'];
    for (const key of keys) await store.put(key, text(key));
    expect(await store.list('')).toEqual(keys);
    expect(await store.list('m/')).toEqual(keys.slice(0, 3));
    expect(await store.list('q')).toEqual([]);
  });

  it('carries a registry from machine to machine, and lets nobody overwrite anybody', async () => {
    const [ada, grace] = [machine('ada', store), machine('grace', store)];
    await withStore(ada, 'ada', () => publish(ada, 'weights one'));
    await withStore(grace, 'grace', () => publish(grace, 'weights two'));
    await withStore(ada, 'ada', () => setAlias({ modelsFolder: ada.modelsFolder, clock, by: 'ada' }, { model: 'fists', version: '2', alias: 'production', reason: 'better' }));
    const server3 = machine('server', store);
    expect(await pullModels(server3)).toEqual({ versions: ['fists/1', 'fists/2'], entries: 3 });
    expect(await pullModels(server3)).toEqual({ versions: [], entries: 0 });
    const resolved = await openModelStore({ modelsFolder: server3.modelsFolder, cacheFolder: join(folder, 'cache') }).resolve('fists');
    expect(resolved.manifest.version).toBe('2');
    expect(readFileSync(resolved.graphPath, 'utf8')).toBe('weights two');
    expect(aliasesOf(await readHistory(server3.modelsFolder), 'fists').get('production')).toBe('2');

    // Without the lock, from a folder that is behind.
    await publish(grace, 'weights three');
    await expect(pushModels(grace)).rejects.toThrow(/MODEL_TAMPERED.*different ways|REGISTRY_BUSY/);
    await expect(pullModels(grace)).rejects.toThrow(/MODEL_TAMPERED.*different ways/);
    expect((await versionsOf(ada.modelsFolder, 'fists'))).toEqual(['1', '2']);
  });

  it('is locked by one at a time, and taken over from one that is gone', async () => {
    const hands = new ManualClock(0);
    const parts = { ...machine('locked', store), clock: hands };
    await withStore(parts, 'ada', async () => {
      await expect(withStore(parts, 'grace', () => Promise.resolve())).rejects.toThrow(/REGISTRY_BUSY.*by ada/);
    });
    await store.put('lock.json', text(JSON.stringify({ id: '1', by: 'gone', sinceWallMs: 0 })));
    hands.advance(14 * 60_000);
    await expect(withStore(parts, 'grace', () => Promise.resolve())).rejects.toThrow(/REGISTRY_BUSY.*by gone/);
    hands.advance(2 * 60_000);
    expect(await withStore(parts, 'grace', () => Promise.resolve('in'))).toBe('in');
    expect(await store.get('lock.json', 1000)).toBeUndefined();
  });

  it('that was tampered with gives nothing', async () => {
    const ada = machine('tampered', store);
    await withStore(ada, 'ada', () => publish(ada, 'weights one'));
    await store.put('../../etc/1/manifest.json', text('{}')).catch(() => undefined);
    await store.put('fists/1/model.onnx', text('weights 0ne'));
    const other = machine('other', store);
    await expect(pullModels(other)).rejects.toThrow(/MODEL_TAMPERED.*fists\/1\/model.onnx/);
    expect(readdirSync(join(other.modelsFolder, 'fists'))).toEqual([]);
    await store.put('fists/1/model.onnx', text('weights one'));
    const history = (await store.get('history.jsonl', 10_000))!;
    await store.put('history.jsonl', text(new TextDecoder().decode(history.bytes).replace('"ada"', '"eve"') + new TextDecoder().decode(history.bytes)));
    await expect(pullModels(other)).rejects.toThrow(/MODEL_TAMPERED: line 2/);
    expect(readdirSync(other.modelsFolder)).not.toContain('history.jsonl');
  });
});

describe('an S3 store', () => {
  it('that keeps no conditions, has another key or is not there is refused, and no secret is told', async () => {
    const all = server.conditions;
    for (const [kept, missing] of [[[], 'If-None-Match'], [['if-match'], 'If-None-Match'], [['if-none-match'], 'If-Match']] as const) {
      server.conditions = kept;
      await expect(openS3Store(settings('old/'))).rejects.toThrow(new RegExp(`CONFIG_INVALID: .*does not keep ${missing}`));
    }
    server.conditions = all;
    expect([...server.objects.keys()].filter((key) => key.startsWith('old/'))).toEqual([]);
    const wrong = await s3Store({ ...settings(''), secretAccessKey: 'wrong' }).list('').catch((error: unknown) => String(error));
    expect(wrong).toMatch(/MODEL_INVALID.*403 SignatureDoesNotMatch/);
    const path = join(folder, 'store.json');
    writeFileSync(path, JSON.stringify({ ...settings(''), bucket: 'NO', secretAccessKey: 'hush-hush' }));
    const told = await readStore(path, clock).catch((error: unknown) => String(error));
    expect(told).toMatch(/CONFIG_INVALID.*store.json[\s\S]*bucket/);
    expect(told).not.toContain('hush-hush');
  });
});

function machine(name: string, store: ObjectStore): MirrorParts {
  const modelsFolder = join(folder, `${name}-${run}`);
  mkdirSync(modelsFolder, { recursive: true });
  return { store, modelsFolder, clock };
}

function publish({ modelsFolder }: MirrorParts, weights: string): Promise<unknown> {
  const source = mkdtempSync(join(folder, 'draft-'));
  appendFileSync(join(source, 'model.onnx'), weights);
  const tensor = { name: 'x', dtype: 'float32', shape: ['N', 88], meaning: 'features' };
  writeFileSync(join(source, 'manifest.json'), JSON.stringify({
    name: 'fists', version: '1', task: 'gesture', format: 'onnx', summary: 'tells fists', licence: 'Apache-2.0', inputs: [tensor], outputs: [{ ...tensor, name: 'y', shape: ['N', 2] }],
    labels: { y: ['fist', 'none'] }, thresholds: {}, data: [], metrics: {}, files: { 'model.onnx': digestOf(text(weights)) },
  }));
  return publishModel({ modelsFolder, clock, by: 'test' }, source, '');
}
