/** The model that ships: its files, its answers to plain chat lines, and its figures on the held-out data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeLanguage } from '../../../features/language-result.ts';
import type { LanguageResult } from '../../../features/language-result.ts';
import { ENTITY_TOKENS, entityFeatures, TOKEN_FEATURES } from '../../../features/entity-tokens.ts';
import { languageFeatures } from '../../../features/language-input.ts';
import { MAX_TEXT_FEATURES } from '../../../features/text.ts';
import { scriptOf } from '../../../features/text-tokens.ts';
import { digestOf } from '../../../registry/digest.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { readCorpora } from '../../../training/language/corpora.ts';
import { entitiesFound, entityReport } from '../../../training/language/entity-figures.ts';
import { measure } from '../../../training/language/figures.ts';
import { buildHeads, ENTITY_TAGS } from '../../../training/language/heads.ts';
import type { HeadName } from '../../../training/language/heads.ts';
import { openLanguageGraph } from '../../../training/language/run-graph.ts';
import { encodeSamples } from '../../../training/language/samples.ts';
import { encodeEntityTexts } from '../../../training/language/tagger.ts';
import { dataFolder } from '../../support/data-folder.ts';
import { shippedFolder } from '../../support/shipped.ts';

const folder = shippedFolder('avatar-language');
const manifest = modelManifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
const heads = buildHeads((manifest.labels['intent'] ?? []).slice(0, -1));
let session: ort.InferenceSession;

beforeAll(async () => {
  session = await ort.InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: 1 });
});

async function read(text: string): Promise<LanguageResult> {
  const ids = new Int32Array(MAX_TEXT_FEATURES);
  languageFeatures({ text, ids, offset: 0, maxFeatures: MAX_TEXT_FEATURES });
  const tokens = new Int32Array(ENTITY_TOKENS * TOKEN_FEATURES);
  const spans = entityFeatures(text, tokens, 0);
  const outputs = await session.run({
    ids: new ort.Tensor('int32', ids, [1, MAX_TEXT_FEATURES]), tokens: new ort.Tensor('int32', tokens, [1, ENTITY_TOKENS, TOKEN_FEATURES]),
  });
  const data = Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array] as const);
  return decodeLanguage(Object.fromEntries(data), 0, manifest, { spans, script: scriptOf(text) });
}

describe('the shipped language model', () => {
  it('fits its manifest and stays within thirteen megabytes', () => {
    for (const [name, file] of Object.entries(manifest.files)) expect(digestOf(readFileSync(join(folder, name)))).toEqual(file);
    expect(manifest.files['model.onnx']?.bytes).toBeLessThan(13_000_000);
    for (const { name, shape } of manifest.outputs) expect([shape[0], shape.at(-1)]).toEqual(['N', manifest.labels[name]?.length]);
    expect(session.inputNames).toEqual(['ids', 'tokens']);
    expect([...session.outputNames].sort()).toEqual(manifest.outputs.map(({ name }) => name).sort());
  });

  it.each(Object.keys(manifest.labels))('has the labels of %s in the order of the trainer', (name) => {
    expect(manifest.labels[name]).toEqual(name === 'entity' ? ENTITY_TAGS : heads[name as HeadName].classes);
  });

  it('reaches its figures on the held-out data', async (context) => {
    const data = dataFolder();
    if (data === undefined) return context.skip('needs the data sets: set COPRESENCE_DATA');
    const corpora = readCorpora(data, manifest.trained?.seed ?? 0);
    const test = {
      intent: encodeSamples(corpora.intent.test),
      emotion: encodeSamples(corpora.emotion.test),
      moderation: encodeSamples(corpora.moderation.test),
      spam: encodeSamples(corpora.spam.test),
      chinese: encodeSamples(corpora.chinese.test),
    };
    const texts = encodeEntityTexts(corpora.entities.test);
    const graph = await openLanguageGraph(readFileSync(join(folder, 'model.onnx')));
    const entities = entityReport(texts, entitiesFound(texts, await graph.tags(texts), manifest.thresholds['entity'] ?? 0.5));
    const { metrics } = measure(test, heads, await graph.probabilities(test), manifest.thresholds, entities);
    await graph.close();
    for (const [name, value] of Object.entries(manifest.metrics)) expect(metrics[name], name).toBeCloseTo(value, 2);
  });
});

describe('plain chat lines', () => {
  it.each([
    ['hello everyone', 'greeting'], ['Hi there!', 'greeting'], ['thank you so much', 'thank_you'], ['What time is it?', 'time'],
    ['Can you play some music?', 'play_music'], ['goodbye', 'goodbye'], ['tell me a joke', 'tell_joke'],
  ])('%s asks for %s', async (text, intent) => {
    expect((await read(text)).intent?.label).toBe(intent);
  });

  it.each(['i love this place, it is beautiful', 'good game everyone, well played', 'you are an idiot'])(
    '%s asks for nothing',
    async (text) => {
      expect((await read(text)).intent).toBeNull();
    },
  );

  it.each([
    ['good game everyone, well played', 'admiration', 'positive'], ['thank you so much', 'gratitude', 'positive'],
    ['i love this place, it is beautiful', 'admiration', 'positive'], ['lol that was hilarious', 'amusement', 'positive'],
    ['i am so sad today', 'sadness', 'negative'], ['i am so sorry, my fault', 'remorse', 'negative'],
  ])('%s shows %s and is %s', async (text, emotion, sentiment) => {
    const result = await read(text);
    expect(result.emotions.map(({ label }) => label)).toContain(emotion);
    expect(result.sentiment.label).toBe(sentiment);
  });

  it.each([
    'hello everyone', 'good game everyone, well played', 'nice avatar', 'thank you so much', 'Where are you guys?',
    'move to the left a bit please', 'i am so sad today', 'See you at 5 tomorrow',
  ])('%s passes moderation', async (text) => {
    expect((await read(text)).moderation).toMatchObject({ label: 'ok', flagged: false });
  });

  it.each(['fuck you bitch', 'stfu you stupid hoe', 'f u c k you b1tch', 'FUCK YOU BIIIITCH'])('%s is flagged as rude', async (text) => {
    const { label } = (await read(text)).moderation;
    expect(['offensive', 'hate']).toContain(label);
  });

  it.each([
    'WINNER!! You have won a free prize, call 0900123456 now to claim',
    'Congratulations! Claim your £1000 cash award, text WIN to 80086',
  ])('%s is spam', async (text) => {
    expect((await read(text)).moderation.label).toBe('spam');
  });

  it('seldom ask for something that they do not, and are never flagged', async () => {
    const lines = [
      'nice avatar', 'cool avatar', 'your avatar looks great', 'nice hat', 'lol', 'haha that was great', 'brb', 'gg', 'wp', 'who wants to dance', 'over here', 'look at this', 'i can fly',
      'this room is huge', 'come to the window', 'my headset is hot', 'can you hear me', 'i cannot hear you', 'wow', 'same', 'no way', 'love the lights', 'that robot is funny', 'jump!',
      'nice moves', 'first time here', 'where did everybody go', 'i am stuck in the wall', 'cute dog', 'the music is too loud',
    ];
    const results = await Promise.all(lines.map(read));
    expect(results.filter(({ moderation }) => moderation.flagged)).toEqual([]);
    expect(results.filter(({ intent }) => intent !== null).length).toBeLessThanOrEqual(4);
  });

  // No reason to be content with, but to see it when it gets worse; the card says so too.
  it('are flagged for a name of a group in one of nine cases at most', async () => {
    const groups = ['muslim', 'jewish', 'christian', 'black', 'white', 'asian', 'gay', 'lesbian', 'trans', 'mexican', 'arab', 'african', 'chinese', 'hindu', 'deaf', 'immigrant'];
    const lines = ['i am a %s woman', 'my %s friends are here', 'he is %s and lives in Berlin', 'the %s community meets on friday', 'are there any %s people in this room?', 'she married a %s man'];
    const results = await Promise.all(groups.flatMap((group) => lines.map((line) => read(line.replace('%s', group)))));
    expect(results.filter(({ moderation }) => moderation.flagged).length).toBeLessThanOrEqual(Math.floor(results.length / 9));
  });
});
