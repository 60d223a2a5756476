/** From a data set to what a model learns from: cleaned, cut, augmented, encoded, balanced. Only the training part is made larger. */
import { seededRandom } from '../../core/random.ts';
import { augmentSamples } from '../dataset/augment.ts';
import { smote } from '../dataset/balance.ts';
import { cleanSamples } from '../dataset/clean.ts';
import type { CleaningReport } from '../dataset/clean.ts';
import { PARTS } from '../dataset/dataset.ts';
import type { Dataset, LabelledSample, Part } from '../dataset/dataset.ts';
import { splitSamples } from '../dataset/split.ts';
import type { Parts } from '../dataset/split.ts';
import { chooseEncoding, toTable } from '../dataset/table.ts';
import type { Encoding, Table } from '../dataset/table.ts';
import { drawHands, drawValidation } from '../hands/grow.ts';
import type { TrainingConfig } from './config.ts';

export interface PreparedData {
  readonly labels: readonly string[];
  readonly encoding: Encoding;
  readonly samples: Parts;
  /** Those of the training part and what augmentation made of them: the first rows of its table. */
  readonly grown: readonly LabelledSample[];
  readonly tables: Readonly<Record<Part, Table>>;
  readonly cleaning: CleaningReport;
  /** Rows by part; of the training part before and after what was made. */
  readonly counts: Readonly<Record<Part | 'trained', number>>;
}

/** @throws CopresenceError DATASET_INVALID, DATASET_LEAKS as `splitSamples`. */
export function prepareData({ description, samples }: Dataset, config: TrainingConfig): PreparedData {
  const cleaned = cleanSamples(samples, description, config.cleaning);
  const parts = cutSamples(cleaned.samples, config);
  return { ...prepareParts(description, parts, config), cleaning: cleaned.report };
}

/** The parts; the validation part may lack labels that are drawn for it. @throws CopresenceError as `splitSamples`. */
export function cutSamples(samples: readonly LabelledSample[], { seed, augmentation }: Pick<TrainingConfig, 'seed' | 'augmentation'>): Parts {
  return splitSamples(samples, seed, augmentation.drawnValidation > 0 ? ['validation'] : []);
}

/** The same of parts that are cut already. @param parts - cleaned. */
export function prepareParts(description: Dataset['description'], given: Parts, config: TrainingConfig): Omit<PreparedData, 'cleaning'> {
  const { augmentation, rejection, seed } = config;
  const draws = description.layout.kind === 'hand' && description.steps === 1;
  const drawn = draws ? drawHands(given.train, augmentation, rejection, seededRandom(seed + 3)) : [];
  const parts = draws ? { ...given, validation: [...given.validation, ...drawValidation(given.train, augmentation, rejection, seed + 4)] } : given;
  const augmented = [...augmentSamples(parts.train, description, augmentation, seededRandom(seed + 1)), ...drawn];
  const labels = [...new Set([...PARTS.flatMap((part) => parts[part]), ...drawn].map(({ label }) => label))].sort();
  const encoding = chooseEncoding(description.layout, description.steps, parts.train);
  const table = (own: readonly LabelledSample[]): Table => toTable(own, labels, encoding);
  const grown = table(augmented);
  const train = config.smote ? smote(grown, seededRandom(seed + 2)) : grown;
  const [, validation, test] = PARTS;
  return {
    labels, encoding, samples: parts, grown: augmented,
    tables: { train, validation: table(parts[validation]), test: table(parts[test]) },
    counts: { train: parts.train.length, trained: train.count, validation: parts.validation.length, test: parts.test.length },
  };
}
