/** The forms of a trained language model beside each other: rounded, with weights taken out, measured as they serve, and one chosen. */
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../core/clock.ts';
import type { FitProgress } from '../models/fit.ts';
import { chooseVariant, paretoFront } from '../optimise/pareto.ts';
import type { Bounds, Candidate } from '../optimise/pareto.ts';
import { quantiseOnnx } from '../optimise/quantise-onnx.ts';
import type { LanguageFacts } from './facts.ts';
import type { CorpusName, Figures } from './figures.ts';
import { languageGraph } from './graph.ts';
import type { GraphParts } from './graph.ts';
import { measurePart, partSizes, scoreOf } from './parts.ts';
import type { EncodedPart, Predicted } from './parts.ts';
import { quantiseTables } from './quantise.ts';
import { openLanguageGraph } from './run-graph.ts';
import type { LanguageGraph } from './run-graph.ts';

/** The quickest: float32 tables take seconds at the usual one, and hardly get smaller. */
const GZIP_LEVEL = 1;

export interface LanguageForm {
  readonly name: string;
  readonly graph: Uint8Array;
}

/** Quality is the mean of one figure a data set, on the validation parts. */
export interface LanguageVariant extends Candidate, LanguageForm {
  /** Of the graph, compressed as a download is. */
  readonly gzipBytes: number;
  /** The same as `quality`, and what it is made of, on the test parts. */
  readonly tested: number;
  readonly figures: Figures;
}

export interface Comparison {
  readonly variants: readonly LanguageVariant[];
  /** Names of those that no other beats. */
  readonly front: readonly string[];
  readonly chosen: LanguageVariant;
  readonly testSamples: Readonly<Record<CorpusName | 'entities', number>>;
}

/** A model of which one form was chosen. */
export interface LanguagePackage extends Comparison {
  readonly facts: LanguageFacts;
}

/**
 * The model as it is, with half as many bits, and with its tables in int8.
 *
 * The tables are only looked up: they are best rounded by columns and looked up as integers, where `quantiseOnnx` would make floats of
 * them again.
 */
export function roundedForms(prefix: string, model: GraphParts): LanguageForm[] {
  const named = (precision: string): string => (prefix === '' ? precision : `${prefix}-${precision}`);
  const graph = languageGraph(model);
  return [
    { name: named('float32'), graph },
    { name: named('float16'), graph: quantiseOnnx(graph, 'float16') },
    { name: named('int8'), graph: languageGraph(model, quantiseTables(model.network)) },
  ];
}

/** The model with the smallest `share` of each table's weights at 0. */
export function prunedModel({ network, ...rest }: GraphParts, share: number): GraphParts {
  return { ...rest, network: { ...network, embedding: withoutSmallest(network.embedding, share), wide: withoutSmallest(network.wide, share) } };
}

function withoutSmallest(values: Float32Array, share: number): Float32Array {
  const bound = values.map(Math.abs).sort()[Math.floor(share * values.length)] ?? Infinity;
  return values.map((value) => (Math.abs(value) < bound ? 0 : value));
}

export interface CompareOptions {
  readonly facts: LanguageFacts;
  readonly heads: GraphParts['heads'];
  readonly validation: EncodedPart;
  readonly test: EncodedPart;
  readonly bounds: Bounds;
  readonly clock: Clock;
  readonly onProgress: (progress: FitProgress) => void;
}

/**
 * Measures all forms alike. The validation parts choose; the test parts are measured beside them.
 *
 * @throws CopresenceError CONFIG_INVALID when none keeps the bounds.
 */
export async function compareForms(forms: readonly LanguageForm[], options: CompareOptions): Promise<Comparison> {
  const variants: LanguageVariant[] = [];
  for (const form of forms) {
    options.onProgress({ stage: 'measuring', done: variants.length, total: forms.length });
    variants.push(await measureForm(form, options));
  }
  const chosen = chooseVariant(variants, options.bounds);
  return { variants, front: paretoFront(variants).map(({ name }) => name), chosen, testSamples: partSizes(options.test) };
}

async function measureForm({ name, graph }: LanguageForm, { facts: { thresholds }, heads, validation, test, clock }: CompareOptions): Promise<LanguageVariant> {
  const session = await openLanguageGraph(graph);
  try {
    const quality = scoreOf(measurePart(await answers(session, validation), thresholds, heads, validation));
    const figures = measurePart(await answers(session, test), thresholds, heads, test);
    const latencyMs = await session.medianMs(clock, validation.texts.emotion);
    return { name, graph, bytes: graph.length, gzipBytes: gzipSync(graph, { level: GZIP_LEVEL }).length, quality, latencyMs, figures, tested: scoreOf(figures) };
  } finally {
    await session.close();
  }
}

async function answers(session: LanguageGraph, { texts, entities }: EncodedPart): Promise<Predicted> {
  return { heads: await session.probabilities(texts), tags: await session.tags(entities) };
}
