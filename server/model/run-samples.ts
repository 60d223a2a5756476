/** Runs a model on its own samples: to measure it, to warm it up, and to see whether it works. */
import { CopresenceError } from '../../core/errors.ts';
import type { RunAnswer, WorkerLink } from './worker-link.ts';
import type { LoadedModel } from './worker-messages.ts';

const SAMPLE_LIMIT_MS = 30_000;

/** @throws CopresenceError WORKER_FAILED when the worker ends, DEVICE_OUT_OF_MEMORY, MODEL_INVALID when the model fails on its own samples. */
export async function runSamples(link: WorkerLink, { key, name, samples }: LoadedModel, size: number): Promise<void> {
  const items = Array.from({ length: size }, (_, index) => samples[index % samples.length]).filter((item) => item !== undefined);
  const answer: RunAnswer = await link.run({ kind: 'run', model: key, items, deadlineInMs: Infinity }, SAMPLE_LIMIT_MS);
  if (answer.kind === 'lost') throw new CopresenceError('WORKER_FAILED', `${name}: ${answer.cause}`);
  const failure = answer.items.find((item) => item.kind === 'failed');
  if (failure?.code === 'DEVICE_OUT_OF_MEMORY') throw new CopresenceError(failure.code, `${name}: a batch of ${size}`);
  if (failure !== undefined) throw new CopresenceError('MODEL_INVALID', `${name} fails on a sample with ${failure.code}`);
}
