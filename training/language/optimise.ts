/** Other forms of a finished language run's weights, measured on the run's own data, and one chosen under bounds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { FitProgress } from '../models/fit.ts';
import type { Bounds, Candidate } from '../optimise/pareto.ts';
import { compareForms, prunedModel, roundedForms } from './compare.ts';
import type { Comparison } from './compare.ts';
import { readCorpora } from './corpora.ts';
import { LANGUAGE_FILES, readFacts, readLanguageRun } from './facts.ts';
import { buildHeads } from './heads.ts';
import { packageFiles, writeForms } from './package.ts';
import { encodePart } from './parts.ts';
import { sourcesOf } from './provenance.ts';
import { readLanguageGraph } from './read-graph.ts';

export interface LanguageOptimiseRequest {
  readonly runFolder: string;
  /** The data sets that the run learnt from, for their validation and test parts. */
  readonly dataFolder: string;
  readonly bounds: Bounds;
  /** Of each table's weights that are to be 0; forms for each, 0..1. */
  readonly sparsities: readonly number[];
}

export interface FormsOutcome {
  readonly variants: readonly (Candidate & { readonly gzipBytes: number; readonly tested: number })[];
  readonly front: readonly string[];
  readonly chosen: string;
  /** Where the chosen graph is. */
  readonly path: string;
  /** The chosen one as the registry takes it. */
  readonly packageFolder: string;
}

/**
 * Writes `<run>/optimised/` anew. The validation parts choose.
 *
 * @throws CopresenceError RUN_INVALID for a run that is not finished, or when the data are not the run's; CONFIG_INVALID when no form keeps the
 * bounds; DATASET_INVALID as `readCorpora`. Nothing is written then.
 */
export async function optimiseLanguageRun(request: LanguageOptimiseRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<FormsOutcome> {
  const { runFolder, dataFolder, bounds, sparsities } = request;
  const run = readLanguageRun(runFolder);
  if (run?.state !== 'done') throw new CopresenceError('RUN_INVALID', `${runFolder} holds no finished run of the language model`);
  const other = sourcesOf(dataFolder).find(({ sha256 }, index) => sha256 !== run.lineage.sources[index]?.sha256);
  if (other !== undefined) throw new CopresenceError('RUN_INVALID', `${runFolder} learnt from another ${other.name} than that in ${dataFolder}`);
  const facts = readFacts(runFolder);
  const heads = buildHeads(facts.intents);
  const model = readLanguageGraph(readFileSync(join(runFolder, LANGUAGE_FILES.weights)), heads);
  const forms = [...roundedForms('', model), ...sparsities.flatMap((share) => roundedForms(`pruned-${Number((share * 100).toFixed(2))}`, prunedModel(model, share)))];
  const corpora = readCorpora(dataFolder, facts.seed);
  const parts = { validation: encodePart(corpora, 'validation'), test: encodePart(corpora, 'test') };
  const comparison = await compareForms(forms, { facts, heads, ...parts, bounds, clock, onProgress });
  return outcomeOf(comparison, writeForms(runFolder, comparison, packageFiles({ facts, ...comparison }, run.lineage.epochs)));
}

export function outcomeOf({ variants, front, chosen }: Comparison, written: { path: string; packageFolder: string }): FormsOutcome {
  const shown = variants.map(({ name, quality, tested, bytes, gzipBytes, latencyMs }) => ({ name, quality, tested, bytes, gzipBytes, latencyMs }));
  return { variants: shown, front, chosen: chosen.name, ...written };
}
