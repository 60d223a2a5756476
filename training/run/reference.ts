/** What a run has seen, in bins, for the server that is to notice when it is asked something else. */
import { binOf, CONFIDENCE_EDGES, quantileBins, sharesOf } from '../../features/bins.ts';
import { handFeatureNames } from '../../features/hand.ts';
import { pathFeatureNames } from '../../features/hand-path.ts';
import { MAX_REFERENCE_COLUMNS, type ModelReference } from '../../registry/reference.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import { toTable, type Table } from '../dataset/table.ts';
import { bestClasses } from '../models/classifier.ts';
import type { TrainingConfig } from './config.ts';
import { likenessOf } from './likeness.ts';
import type { PreparedData } from './prepare.ts';

/** Fewer rows make bins of single samples, which say little and are somebody's. */
const MIN_ROWS = 100;

/**
 * The reference of a run: its features as people gave them, before anything was made of them, and what its graph says of the test part.
 *
 * @param wanted - of the configuration: whether features and labels are described.
 * @param probabilities - of the test part, [count, labels].
 * @returns undefined when there is too little of either.
 */
export function referenceOf({ labels, encoding, samples }: PreparedData, wanted: TrainingConfig['reference'], probabilities: Float32Array): ModelReference | undefined {
  const { train, test } = samples;
  const isDescribed = wanted.inputs && encoding.kind !== 'text' && encoding.width * encoding.steps <= MAX_REFERENCE_COLUMNS && train.length >= MIN_ROWS;
  const names = encoding.kind === 'hand' ? handFeatureNames() : encoding.kind === 'path' ? pathFeatureNames() : [];
  const inputs = isDescribed ? { ...peopleOf(train), columns: columnsOf(toTable(train, labels, encoding), names, train.map(({ participant }) => participant)) } : undefined;
  const outputs = test.length >= MIN_ROWS ? { ...peopleOf(test), ...said(labels, wanted, probabilities, test.map(({ participant }) => participant)) } : undefined;
  if (inputs === undefined && outputs === undefined) return undefined;
  return { format: 'copresence.reference.v1', ...(inputs === undefined ? {} : { inputs }), ...(outputs === undefined ? {} : { outputs }) };
}

function peopleOf(samples: readonly LabelledSample[]): { samples: number; participants: number } {
  return { samples: samples.length, participants: new Set(samples.map(({ participant, person }) => person ?? participant)).size };
}

function columnsOf({ features, count, width, steps }: Table, names: readonly string[], participants: readonly string[]): NonNullable<ModelReference['inputs']>['columns'] {
  const size = width * steps;
  const values = new Float32Array(count);
  return Array.from({ length: size }, (_, at) => {
    for (let row = 0; row < count; row++) values[row] = features[row * size + at]!;
    const { edges, shares } = quantileBins(values);
    return { name: names[at] ?? `column ${at + 1}`, edges: [...edges], shares: shares.map(rounded), ...measured('likeness', likenessOf([values], participants)) };
  });
}

function said(labels: readonly string[], wanted: TrainingConfig['reference'], probabilities: Float32Array, participants: readonly string[]): Omit<NonNullable<ModelReference['outputs']>, 'samples' | 'participants'> {
  const classes = bestClasses(probabilities, labels.length);
  const confidence = new Uint32Array(CONFIDENCE_EDGES.length + 1);
  classes.forEach((own, row) => (confidence[binOf(CONFIDENCE_EDGES, probabilities[row * labels.length + own]!)]! += 1));
  const counts = labels.map((_, index) => classes.filter((own) => own === index).length);
  const sure = Array.from(classes, (own, row) => probabilities[row * labels.length + own]!);
  const isLabel = labels.map((_, index) => Array.from(classes, (own) => (own === index ? 1 : 0)));
  const ofConfidence = { ...measured('confidenceLikeness', likenessOf([sure], participants)), confidence: sharesOf(confidence).map(rounded) };
  if (!wanted.labels) return ofConfidence;
  return { ...ofConfidence, ...measured('labelLikeness', likenessOf(isLabel, participants)), labels: Object.fromEntries(sharesOf(counts).map((share, index) => [labels[index] ?? '', rounded(share)])) };
}

function measured<Name extends string>(name: Name, value: number | undefined): { [Key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: rounded(value) } as { [Key in Name]?: number });
}

function rounded(share: number): number {
  return Number(share.toFixed(5));
}
