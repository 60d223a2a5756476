/** A run of the language model: a folder as other runs have, from several published data sets, that can be published. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import { LANGUAGE_ROWS } from '../../features/language-input.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import { confusionSvg } from '../evaluate/confusion-svg.ts';
import type { FitProgress } from '../models/fit.ts';
import { paretoFront } from '../optimise/pareto.ts';
import { appendHistory, createRunFolder, currentCommit, fileDigest, RUN_FILES, writeWhole } from '../run/folder.ts';
import { languageCard } from './card.ts';
import { readCorpora } from './corpora.ts';
import { ENTITY_TAGS } from './heads.ts';
import { DATA_SOURCES, WORD_VECTORS } from './provenance.ts';
import { trainLanguageModel } from './run.ts';
import type { TrainedLanguageModel } from './run.ts';
import { readWordVectors } from './word-vectors.ts';

export interface LanguageRequest {
  /** Holds the data sets, each in a folder of its own. */
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly seed: number;
  readonly epochs: number;
}

/** What is told of a run when it is done. */
export interface LanguageOutcome {
  readonly epochs: number;
  readonly chosen: string;
  readonly variants: readonly { readonly name: string; readonly bytes: number; readonly quality: number; readonly latencyMs: number }[];
  /** On the test parts, by what was measured. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const NAME = 'avatar-language';
const CARD = 'card.md';
const CONFUSION = 'confusion.svg';

const MEANINGS = {
  emotion: 'probability of each emotion, independent of the others, 0..1',
  sentiment: 'probabilities of the four groups of emotions, sum 1',
  intent: 'probabilities of the intents and of none of them (the last), sum 1',
  moderation: 'probabilities of hate, offensive and neither, sum 1',
  spam: 'probability of spam, 0..1',
};

/**
 * Trains, measures float32 and int8, and writes the run's folder; the manifest names the chosen graph and is written last.
 *
 * @throws CopresenceError DATASET_INVALID with file and line; RUN_INVALID when the folder holds a run already.
 */
export async function trainLanguageRun(request: LanguageRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<LanguageOutcome> {
  const { dataFolder, runFolder, seed, epochs } = request;
  const corpora = readCorpora(dataFolder, seed);
  const vectors = readWordVectors(join(dataFolder, WORD_VECTORS.file));
  const lineage = { sources: sourcesOf(dataFolder), seed, epochs, commit: currentCommit(), node: process.version };
  createRunFolder(runFolder);
  const describe = (state: object): void => writeWhole(join(runFolder, RUN_FILES.run), json({ format: 'copresence.language-run.v1', name: NAME, ...state, lineage }));
  describe({ state: 'running' });
  try {
    const model = await trainLanguageModel(corpora, vectors, { seed, epochs, clock, onProgress, onEpoch: (line) => appendHistory(runFolder, line) });
    const outcome = outcomeOf(model);
    writeRunFiles(request, model, outcome);
    describe({ state: 'done' });
    return outcome;
  } catch (error) {
    describe({ state: 'failed', failure: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

function writeRunFiles({ runFolder, seed, epochs }: LanguageRequest, model: TrainedLanguageModel, outcome: LanguageOutcome): void {
  const command = `npm run model -- train-language --data <folder> --out <run folder> --seed ${seed} --epochs ${epochs}`;
  const files = {
    [RUN_FILES.graph]: model.chosen.graph,
    [CARD]: languageCard(model, command),
    [CONFUSION]: confusionSvg({ title: 'Moderation on held-out tweets', report: model.chosen.figures.moderation }),
  };
  const optimised = join(runFolder, 'optimised');
  mkdirSync(optimised, { recursive: true });
  for (const { name, graph } of model.variants) writeWhole(join(optimised, `${name}.onnx`), graph);
  const { variants, chosen } = outcome;
  writeWhole(join(optimised, 'pareto.json'), json({ chosenBy: 'score on the validation parts', variants, front: paretoFront(variants).map(({ name }) => name), chosen }));
  writeWhole(join(runFolder, RUN_FILES.metrics), json(outcome));
  for (const [name, content] of Object.entries(files)) writeWhole(join(runFolder, name), content);
  writeWhole(join(runFolder, RUN_FILES.manifest), json(languageManifest(model, { command, seed }, files)));
}

function outcomeOf({ epochs, variants, chosen, baselines }: TrainedLanguageModel): LanguageOutcome {
  return {
    epochs,
    chosen: chosen.name,
    variants: variants.map(({ name, bytes, quality, latencyMs }) => ({ name, bytes, quality, latencyMs })),
    metrics: Object.fromEntries([...variants.map(({ name, figures }) => [name, figures.metrics] as const), ...Object.entries(baselines).map(([name, { metrics }]) => [name, metrics] as const)]),
  };
}

/** Each file that was learnt from, with its digest. */
function sourcesOf(dataFolder: string): object[] {
  return [...DATA_SOURCES, WORD_VECTORS].map(({ name, origin, licence, file }) => {
    try {
      return { name, origin, licence, ...fileDigest(readFileSync(join(dataFolder, file))) };
    } catch (cause) {
      throw new CopresenceError('DATASET_INVALID', `${join(dataFolder, file)}: cannot be read`, { cause });
    }
  });
}

function languageManifest(model: TrainedLanguageModel, { command, seed }: { command: string; seed: number }, files: Readonly<Record<string, string | Uint8Array>>): ModelManifest {
  const heads = Object.values(model.heads);
  return modelManifest.parse({
    name: NAME,
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
    thresholds: model.thresholds,
    data: [...DATA_SOURCES, WORD_VECTORS].map(({ name, origin, licence }) => ({ name, origin, licence })),
    metrics: Object.fromEntries(Object.entries(model.chosen.figures.metrics).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4])),
    trained: { command, seed, epochs: model.epochs },
  });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
