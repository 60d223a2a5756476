/** A run of the language model: a folder as other runs have, from several published data sets, that can be published. */
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { FitProgress } from '../models/fit.ts';
import { appendHistory, createRunFolder, currentCommit, RUN_FILES, writeWhole } from '../run/folder.ts';
import { compareForms, roundedForms } from './compare.ts';
import type { Comparison } from './compare.ts';
import { readCorpora } from './corpora.ts';
import { LANGUAGE_FILES } from './facts.ts';
import type { LanguageFacts } from './facts.ts';
import { languageGraph } from './graph.ts';
import { outcomeOf } from './optimise.ts';
import type { FormsOutcome } from './optimise.ts';
import { json, LANGUAGE_MODEL, packageFiles, writeFiles, writeForms } from './package.ts';
import { sourcesOf, WORD_VECTORS } from './provenance.ts';
import { trainLanguageModel } from './run.ts';
import { readWordVectors } from './word-vectors.ts';

export interface LanguageRequest {
  /** Holds the data sets, each in a folder of its own. */
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly seed: number;
  readonly epochs: number;
}

/** What is told of a run when it is done. */
export interface LanguageOutcome extends FormsOutcome {
  readonly epochs: number;
  /** On the test parts, by what was measured. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What rounding may cost of the validation score. */
const LEAST_QUALITY_SHARE = 0.99;

/**
 * Trains, measures the forms that weights can have, and writes the run's folder; the manifest names the chosen one and is written last.
 *
 * @throws CopresenceError DATASET_INVALID with file and line; RUN_INVALID when the folder holds a run already.
 */
export async function trainLanguageRun(request: LanguageRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<LanguageOutcome> {
  const { dataFolder, runFolder, seed, epochs } = request;
  const corpora = readCorpora(dataFolder, seed);
  const vectors = readWordVectors(join(dataFolder, WORD_VECTORS.file));
  const lineage = { sources: sourcesOf(dataFolder), seed, epochs, commit: currentCommit(), node: process.version };
  createRunFolder(runFolder);
  const describe = (state: object): void => writeWhole(join(runFolder, RUN_FILES.run), json({ format: 'copresence.language-run.v1', name: LANGUAGE_MODEL, ...state, lineage }));
  describe({ state: 'running' });
  try {
    const { model, facts, ...parts } = trainLanguageModel(corpora, vectors, { seed, epochs, onProgress, onEpoch: (line) => appendHistory(runFolder, line) });
    const forms = roundedForms('', model);
    writeFiles(runFolder, { [LANGUAGE_FILES.weights]: languageGraph(model), [LANGUAGE_FILES.facts]: json(facts) });
    const comparison = await compareForms(forms, { facts, heads: model.heads, ...parts, bounds: { minQualityShare: LEAST_QUALITY_SHARE }, clock, onProgress });
    const files = packageFiles({ facts, ...comparison }, epochs);
    const outcome = { ...outcomeOf(comparison, writeForms(runFolder, comparison, files)), epochs: facts.epochs, metrics: metricsOf(comparison, facts) };
    writeFiles(runFolder, { [RUN_FILES.metrics]: json(outcome), ...files });
    describe({ state: 'done' });
    return outcome;
  } catch (error) {
    describe({ state: 'failed', failure: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

function metricsOf({ variants }: Comparison, { baselines }: LanguageFacts): LanguageOutcome['metrics'] {
  return { ...Object.fromEntries(variants.map(({ name, figures }) => [name, figures.metrics])), ...baselines };
}
