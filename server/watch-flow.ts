/** What is told of the models' work to whoever watches it: counts by bins from the workers, and how requests ended. */
import type { InferenceRequest, RequestOutcome } from './flow.ts';

/** Of requests that nobody waits for: they compare a version on trial with the one that serves, behind all others. */
export const SHADOW_TENANT = 'rollout';

/** What one model version was asked and said since the last time, in counts: no sample and no person can be told from them. */
export interface Looks {
  readonly samples: number;
  /** By column of the version's reference, one after the other, the counts of its bins; empty without a reference of its inputs. */
  readonly columns: Uint32Array;
  /** Counts of the bins of CONFIDENCE_EDGES in features/bins.ts. */
  readonly confidence: Uint32Array;
  /** By label. */
  readonly labels: Readonly<Record<string, number>>;
}

/** What a version was trained on, as far as it says so; the fields are those of registry/reference.ts. */
export interface WatchReference {
  readonly inputs?: { readonly samples: number; readonly participants: number; readonly columns: readonly { readonly name: string; readonly edges: readonly number[]; readonly shares: readonly number[]; readonly likeness?: number | undefined }[] } | undefined;
  readonly outputs?: { readonly samples: number; readonly participants: number; readonly confidence: readonly number[]; readonly labels?: Readonly<Record<string, number>> | undefined; readonly confidenceLikeness?: number | undefined; readonly labelLikeness?: number | undefined } | undefined;
}

/** A version that is served: under its model's name, or on trial under a key of its own. */
export interface WatchedVersion {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly reference?: WatchReference | undefined;
}

/** Takes what is seen. Called on the hot path: counts, never throws. */
export interface LookTaker {
  /** Whether a worker is to count this request: each person now and then, so that who sends much is not taken for everybody. */
  wants(request: InferenceRequest): boolean;
  take(version: WatchedVersion, looks: Looks): void;
}

/** Hears how each request for a model ended. */
export interface OutcomeWatch {
  ended(request: InferenceRequest, outcome: RequestOutcome): void;
}
