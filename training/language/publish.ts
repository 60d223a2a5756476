/** Writes a trained model as the registry wants it: graph, picture, card and manifest. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../registry/digest.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import { confusionSvg } from '../evaluate/confusion-svg.ts';
import { languageCard } from './card.ts';
import { languageGraph } from './graph.ts';
import { DATA_SOURCES } from './provenance.ts';
import type { TrainedLanguageModel } from './run.ts';

const MEANINGS = {
  emotion: 'probability of each emotion, independent of the others, 0..1',
  sentiment: 'probabilities of the four groups of emotions, sum 1',
  intent: 'probabilities of the intents and of none of them (the last), sum 1',
  moderation: 'probabilities of hate, offensive and neither, sum 1',
  spam: 'probability of spam, 0..1',
};

/** @param origin.command - how to make the model again. @param origin.folder - made when missing; files in it are replaced. */
export function publish(model: TrainedLanguageModel, origin: { folder: string; command: string; seed: number }): void {
  const encoder = new TextEncoder();
  const moderation = model.figures.shipped.moderation;
  const files = {
    'model.onnx': languageGraph(model.network, model.table, model.heads),
    'card.md': encoder.encode(languageCard(model, origin.command)),
    'confusion.svg': encoder.encode(confusionSvg({ title: 'Moderation on held-out tweets', report: moderation })),
  };
  const manifest = encoder.encode(`${JSON.stringify(languageManifest(model, origin, files), null, 2)}\n`);
  mkdirSync(origin.folder, { recursive: true });
  for (const [name, bytes] of Object.entries({ ...files, 'manifest.json': manifest })) writeFileSync(join(origin.folder, name), bytes);
}

function languageManifest(
  model: TrainedLanguageModel, origin: { command: string; seed: number }, files: Readonly<Record<string, Uint8Array>>,
): ModelManifest {
  const heads = Object.values(model.heads);
  return modelManifest.parse({
    name: 'avatar-language',
    version: '1',
    task: 'language',
    summary: 'What a chat line feels, wants and whether it is rude or spam, from hashed words and character n-grams; English.',
    licence: 'Apache-2.0',
    format: 'onnx',
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, digestOf(bytes)])),
    inputs: [{ name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning: 'feature ids of features/text.ts, 0..65535, padded with 0' }],
    outputs: heads.map(({ name, classes }) => ({ name, dtype: 'float32', shape: ['N', classes.length], meaning: MEANINGS[name] })),
    labels: Object.fromEntries(heads.map(({ name, classes }) => [name, [...classes]])),
    thresholds: model.thresholds,
    data: DATA_SOURCES.map(({ name, origin: source, licence }) => ({ name, origin: source, licence })),
    metrics: Object.fromEntries(Object.entries(model.figures.shipped.metrics).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4])),
    trained: { command: origin.command, seed: origin.seed, epochs: model.epochs },
  });
}
