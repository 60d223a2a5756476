/** Lets a finished run teach another: its probabilities for the training samples, and who it was. */
import type { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { bestClasses } from '../models/classifier.ts';
import type { Teaching } from '../models/distil.ts';
import { classificationReport } from '../evaluate/classification.ts';
import { openOnnx } from '../export/run-onnx.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { NETWORK_FAMILIES } from './config.ts';
import type { TrainingConfig } from './config.ts';
import { encodingOf, fileDigest, readGraph, readRun } from './folder.ts';
import type { teacherRecord } from './folder.ts';
import { refuseOtherData } from './leaks.ts';
import type { BaselineFigures } from './metrics.ts';
import type { PreparedData } from './prepare.ts';

export interface Teacher {
  /** For the student's lineage. */
  readonly record: z.infer<typeof teacherRecord>;
  readonly teaching: Teaching;
  /** On the student's test part. */
  readonly figures: BaselineFigures;
}

/**
 * Asks a finished run of any family about every training sample.
 *
 * @throws CopresenceError CONFIG_INVALID when the student is no network, or learns rows of SMOTE, which are no samples that a teacher
 * could look at; as `readGraph` and `refuseOtherData`.
 */
export async function openTeacher(folder: string, config: TrainingConfig, dataset: Dataset, data: PreparedData): Promise<Teacher> {
  if (!NETWORK_FAMILIES.some((family) => family === config.family)) throw new CopresenceError('CONFIG_INVALID', `a ${config.family} cannot learn from a teacher; ${NETWORK_FAMILIES.join(', ')} can`);
  if (config.smote) throw new CopresenceError('CONFIG_INVALID', 'a teacher looks at samples, and the rows of SMOTE are none');
  const description = readRun(folder);
  const graph = readGraph(folder);
  refuseOtherData(dataset, data, description);
  const session = await openOnnx(graph, encodingOf(description), data.labels);
  try {
    const probabilities = await session.predict(data.grown);
    const predicted = bestClasses(await session.predict(data.samples.test), data.labels.length);
    const { accuracy, macroF1 } = classificationReport({ labels: data.labels, actual: data.tables.test.classes, predicted });
    const { family } = description.config;
    return {
      record: { name: description.name, family, graphSha256: fileDigest(graph).sha256, ...config.distillation },
      teaching: { probabilities, ...config.distillation },
      figures: { family: `its teacher (${family})`, accuracy, macroF1 },
    };
  } finally {
    await session.close();
  }
}
