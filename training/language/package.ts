/** Writes what became of a language run's weights: all forms with their figures, and the chosen one as the registry takes it. */
import { join } from 'node:path';
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import { LANGUAGE_ROWS } from '../../features/language-input.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import { confusionSvg } from '../evaluate/confusion-svg.ts';
import { writeVariantFolder } from '../optimise/variant-folder.ts';
import { fileDigest, RUN_FILES, writeWhole } from '../run/folder.ts';
import { languageCard } from './card.ts';
import type { Comparison, LanguagePackage } from './compare.ts';
import { buildHeads, ENTITY_TAGS } from './heads.ts';
import { DATA_SOURCES, WORD_VECTORS } from './provenance.ts';

export const LANGUAGE_MODEL = 'avatar-language';
const CARD = 'card.md';
const CONFUSION = 'confusion.svg';
const CHOSEN_BY = 'score, validation parts';

const MEANINGS = {
  emotion: 'probability of each emotion, independent of the others, 0..1',
  sentiment: 'probabilities of the four groups of emotions, sum 1',
  intent: 'probabilities of the intents and of none of them (the last), sum 1',
  moderation: 'probabilities of hate, offensive and neither, sum 1',
  spam: 'probability of spam, 0..1',
};

export type PackageFiles = Readonly<Record<string, string | Uint8Array>>;

/** By name what the registry takes, the manifest last. @param epochs - that were asked for. */
export function packageFiles(own: LanguagePackage, epochs: number): PackageFiles {
  const command = `npm run model -- train-language --data <folder> --out <run folder> --seed ${own.facts.seed} --epochs ${epochs}`;
  const files = {
    [RUN_FILES.graph]: own.chosen.graph,
    [CARD]: languageCard(own, command),
    [CONFUSION]: confusionSvg({ title: 'Moderation on held-out tweets', report: own.chosen.figures.moderation }),
  };
  return { ...files, [RUN_FILES.manifest]: json(languageManifest(own, command, files)) };
}

/** Writes the folder `optimised/` with all forms and the package of the chosen one. */
export function writeForms(runFolder: string, { variants, front, chosen }: Comparison, files: PackageFiles): { path: string; packageFolder: string } {
  const measured = variants.map(({ name, quality, tested, bytes, gzipBytes, latencyMs }) => ({ name, quality, tested, bytes, gzipBytes, latencyMs }));
  const compared = { contenders: variants, variants: measured, front, chosen: chosen.name, chosenBy: CHOSEN_BY, measure: CHOSEN_BY };
  return writeVariantFolder(runFolder, compared, (target) => writeFiles(target, files));
}

export function writeFiles(folder: string, files: PackageFiles): void {
  for (const [name, content] of Object.entries(files)) writeWhole(join(folder, name), content);
}

function languageManifest({ facts, chosen }: LanguagePackage, command: string, files: Readonly<Record<string, string | Uint8Array>>): ModelManifest {
  const heads = Object.values(buildHeads(facts.intents));
  return modelManifest.parse({
    name: LANGUAGE_MODEL,
    version: '1',
    task: 'language',
    summary: 'What a chat line feels, wants, names and whether it is rude or spam; of Chinese whether it is offensive. From word vectors and hashed features.',
    licence: 'Apache-2.0',
    format: 'onnx',
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, fileDigest(content)])),
    inputs: [
      { name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning: `rows of features/language-input.ts, 0..${LANGUAGE_ROWS - 1}, padded with 0` },
      { name: 'tokens', dtype: 'int32', shape: ['N', ENTITY_TOKENS, TOKEN_FEATURES], meaning: 'the same of each token, features/entity-tokens.ts, padded with 0' },
    ],
    outputs: [
      ...heads.map(({ name, classes }) => ({ name, dtype: 'float32' as const, shape: ['N', classes.length], meaning: MEANINGS[name] })),
      { name: 'entity', dtype: 'float32', shape: ['N', ENTITY_TOKENS, ENTITY_TAGS.length], meaning: 'by token, probabilities of the tags, sum 1; 0 behind the tokens' },
    ],
    labels: { ...Object.fromEntries(heads.map(({ name, classes }) => [name, [...classes]])), entity: [...ENTITY_TAGS] },
    thresholds: facts.thresholds,
    data: [...DATA_SOURCES, WORD_VECTORS].map(({ name, origin, licence }) => ({ name, origin, licence })),
    metrics: Object.fromEntries(Object.entries(chosen.figures.metrics).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4])),
    trained: { command, seed: facts.seed, epochs: facts.epochs },
  });
}

export function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
