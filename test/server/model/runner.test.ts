import { mkdtemp, rm } from 'node:fs/promises';
import type { TaskItem } from '../../../server/model/task/adapter.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePose } from '../../../protocol/codec/pose.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { openModelStore } from '../../../registry/store.ts';
import type { ItemOutcome } from '../../../server/flow.ts';
import { openRunner } from '../../../server/model/runner.ts';
import type { Runner } from '../../../server/model/runner.ts';
import { certainGesture, moodyBody, oddLanguage, publish } from './tiny-models.ts';
import { photograph, plain, png, withStatedSize } from './pictures.ts';

let folder: string;
const runners: Runner[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runner-'));
});

afterAll(async () => {
  await Promise.all(runners.map((runner) => runner.close()));
  await rm(folder, { recursive: true, force: true });
});

async function open(model: Parameters<typeof publish>[1], providers = ['cpu']): Promise<Runner> {
  await publish(join(folder, 'models'), model);
  const store = openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') });
  const runner = await openRunner(await store.resolve(model.name), { capacity: 8, backend: { kind: 'onnx', providers, intraOpThreads: 1, deviceId: 0 } });
  runners.push(runner);
  return runner;
}

const pictures = (payloads: readonly Uint8Array[]): TaskItem[] => payloads.map((payload) => ({ payload, encoding: 'task', part: '' }));
const verdict = (outcome: ItemOutcome): string => (outcome.kind === 'done' ? 'done' : outcome.code);

describe('a body pose runner', () => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await open(moodyBody('moody'));
  });

  it('refuses each bad picture of a batch and answers its batch-mates', async () => {
    const good = await plain(10);
    const bomb = withStatedSize(good, 50_000, 50_000);
    const wide = await plain(10, LIMITS.videoWidth + 1, 8);
    const huge = new Uint8Array(LIMITS.videoBytes + 1);
    huge.set(good);
    const truncated = await photograph(1).then((bytes) => bytes.subarray(0, bytes.length / 2));
    const outcomes = await runner.run(pictures([truncated, good, await png(), bomb, good, wide, huge, new Uint8Array(0)]));
    const bad = 'VIDEO_INVALID';
    expect(outcomes.map(verdict)).toEqual([bad, 'done', bad, bad, 'done', bad, bad, bad]);
  });

  it('refuses a picture whose stated size is not that of its content', async () => {
    const outcomes = await runner.run(pictures([withStatedSize(await plain(10), 1600, 1000)]));
    expect(outcomes.map(verdict)).toEqual(['VIDEO_INVALID']);
  });

  it('reads points of the square as points of the picture', async () => {
    const [outcome] = await runner.run(pictures([await plain(10, 64, 16)]));
    // The model answers 0.5 for all: the middle of the square is the middle of the picture.
    expect(outcome).toEqual({ kind: 'done', value: { task: 'body-pose', score: 0.5, keypoints: new Array(51).fill(0.5) } });
  });

  it('lets no number out that is not finite', async () => {
    const outcomes = await runner.run(pictures([await plain(10), await plain(200), await plain(10)]));
    expect(outcomes.map(verdict)).toEqual(['done', 'MODEL_FAILED', 'done']);
  });

  it('finds the picture that the model cannot run on and answers the others', async () => {
    const dark = await plain(10);
    const outcomes = await runner.run(pictures([dark, dark, dark, dark, dark, await plain(255), dark]));
    expect(outcomes.map(verdict)).toEqual(['done', 'done', 'done', 'done', 'done', 'MODEL_FAILED', 'done']);
    expect((await runner.run(pictures([dark]))).map(verdict)).toEqual(['done']);
  });

  it('runs its own samples', async () => {
    const samples = [0, 1, 2, 3].map((index) => runner.sample(index));
    expect(samples.map(({ payload }) => payload.length > 20_000 && payload.length < 80_000)).toEqual([true, true, true, true]);
  });
});

describe('a gesture runner', () => {
  it('labels both hands', async () => {
    const runner = await open(certainGesture('certain', 0.6));
    const [right, left] = await runner.run([runner.sample(0), runner.sample(1)]);
    expect(right).toEqual({ kind: 'done', value: { task: 'gesture', source: 'tracking', hand: 'right', label: 'first', score: expect.closeTo(0.75, 5) as number } });
    expect(left).toEqual({ kind: 'done', value: { task: 'gesture', source: 'tracking', hand: 'left', label: 'first', score: expect.closeTo(0.75, 5) as number } });
  });

  it('takes no threshold for a label that is called as something every object has', async () => {
    const runner = await open(certainGesture('named', 0.6, ['constructor', 'rest']));
    expect(await runner.run([runner.sample(0)])).toMatchObject([{ kind: 'done', value: { label: 'constructor' } }]);
  });

  it('says none below the threshold', async () => {
    const runner = await open(certainGesture('doubtful', 0.8));
    const [outcome] = await runner.run([runner.sample(0)]);
    expect(outcome).toEqual({ kind: 'done', value: { task: 'gesture', source: 'tracking', hand: 'right', label: 'none', score: expect.closeTo(0.25, 5) as number } });
  });

  it('refuses a hand of the wrong length, of no side, and one that is not finite', async () => {
    const runner = await open(certainGesture('strict', 0.6));
    const { payload } = runner.sample(0);
    const unfinished = Uint8Array.from(payload);
    encodePose(Float32Array.of(NaN, 0, 0, 0, 0, 0, 1), 0, unfinished, 0);
    const outcomes = await runner.run([
      { payload: payload.subarray(1), encoding: 'task', part: 'left' },
      { payload, encoding: 'task', part: 'both' },
      { payload: unfinished, encoding: 'task', part: 'left' },
      { payload, encoding: 'task', part: 'left' },
    ]);
    expect(outcomes.map(verdict)).toEqual(['MESSAGE_INVALID', 'MESSAGE_INVALID', 'POSE_NOT_FINITE', 'done']);
  });
});

describe('a language runner', () => {
  it('gives a message the same answer alone and beside a longer one', async () => {
    const runner = await open(oddLanguage('odd'));
    const message = (text: string): TaskItem => ({ payload: new TextEncoder().encode(text), encoding: 'task', part: '1' });
    const messages = [message('no'), message('word '.repeat(20) + 'and many others that fill the row up to its very end, please'), message('help me')];
    const together = await runner.run(messages);
    for (const [index, item] of messages.entries()) expect(together[index]).toEqual((await runner.run([item]))[0]);
    expect(together.map(verdict)).toEqual(['done', 'done', 'done']);
  });

  it('gives each message of a batch its own entities, by their places in it, and none of what is not in Latin letters', async () => {
    const runner = await open(oddLanguage('naming', { namesEverything: true }));
    const outcomes = await runner.run(['Ada  ok', '你好', 'b'].map((text) => ({ payload: new TextEncoder().encode(text), encoding: 'task', part: '1' })));
    const entities = outcomes.map((outcome) => (outcome.kind === 'done' && outcome.value.task === 'language' ? outcome.value.entities : undefined));
    const thing = (start: number, end: number) => ({ label: 'thing', start, end, score: 0.75 });
    expect(entities).toEqual([[thing(0, 3), thing(5, 7)], [], [thing(0, 1)]]);
  });

  it('refuses an empty message, one that is too long and bytes that are not text', async () => {
    const runner = await open(oddLanguage('careful'));
    const payloads = [new Uint8Array(0), new Uint8Array(LIMITS.chatCharacters * 4 + 1).fill(97), Uint8Array.of(0xc3, 0x28), Uint8Array.of(104, 105)];
    const outcomes = await runner.run(pictures(payloads));
    expect(outcomes.map(verdict)).toEqual(['MESSAGE_INVALID', 'MESSAGE_INVALID', 'MESSAGE_INVALID', 'done']);
  });
});

describe('openRunner', () => {
  it('falls back from a provider that is not there, and says so', async () => {
    const runner = await open(certainGesture('fallback', 0.6), ['no-such-provider', 'cpu']);
    expect([runner.provider, runner.refusedProviders]).toEqual(['cpu', ['no-such-provider']]);
  });

  it('refuses a model whose tensors are not those of its task', async () => {
    const model = { ...certainGesture('posing', 0.6), task: 'body-pose' as const };
    await expect(open(model)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  });

  it('refuses a manifest that names other tensors than the graph', async () => {
    const model = certainGesture('misnamed', 0.6);
    const inputs = model.inputs.map((spec) => ({ ...spec, name: 'other' }));
    await expect(open({ ...model, inputs })).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  });

  it('refuses a file that is no graph', async () => {
    const model = { ...certainGesture('garbage', 0.6), graph: Uint8Array.of(1, 2, 3) };
    await expect(open(model)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('refuses labels that do not match the columns', async () => {
    const model = { ...certainGesture('mislabelled', 0.6), labels: { probabilities: ['first'] } };
    await expect(open(model)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
