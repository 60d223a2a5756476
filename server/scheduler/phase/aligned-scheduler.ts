/** A scheduler whose streams are aligned where that helps. */
import type { InferenceRequest, InferenceScheduler } from '../../flow.ts';
import { noMetrics } from '../metrics.ts';
import type { createScheduler } from '../scheduler.ts';
import type { AlignmentLabel } from './model-alignment.ts';
import { PhaseAligner, type PhaseAlignerParts } from './phase-aligner.ts';

export interface Alignment extends Pick<PhaseAlignerParts, 'suggest' | 'streamOf'> {
  /** Is given what says how each model's alignment stands, and why. */
  readonly watch: (states: () => Iterable<{ readonly model: string; readonly state: AlignmentLabel }>) => void;
}

/** Makes schedulers as `create` does, each with an aligner that ends with it. */
export function alignedScheduler(create: typeof createScheduler, { suggest, streamOf, watch }: Alignment): typeof createScheduler {
  return (parts, options): InferenceScheduler => {
    const { clock, pool } = parts;
    const aligner = new PhaseAligner({ clock, pool, suggest, streamOf, budgetMs: (model) => options.budgetMs(model) });
    const scheduler = create({ ...parts, metrics: aligner.watch(parts.metrics ?? noMetrics) }, { ...options, policyFor: (model) => aligner.policyFor(model) });
    watch(() => aligner.states());
    return {
      submit(request) {
        aligner.observe(request);
        scheduler.submit(request);
      },
      forget: (sessionId, slot) => scheduler.forget(sessionId, slot),
      close() {
        aligner.close();
        scheduler.close();
      },
    };
  };
}

/**
 * The camera of a request that comes straight from one.
 *
 * What a second model of a row gets comes when the first is done. And a hand is taken from a stream of poses several times
 * as fast as hands are looked at, by the server, so that its sender cannot place it.
 */
export function cameraOf({ task, origin }: InferenceRequest): 'camera' | undefined {
  return task === 'body-pose' && origin.part === 'camera' ? 'camera' : undefined;
}
