/** Which variants of a model nothing beats, and which to take under bounds. */
import { CopresenceError } from '../../core/errors.ts';

/** What variants are compared and chosen by. The test part is no field of it: a choice that saw it would flatter itself. */
export interface Candidate {
  readonly name: string;
  /** On the validation part; higher is better. Macro F1, of tracks how far the straight line is off for each unit that the model is. */
  readonly quality: number;
  /** Of the graph. */
  readonly bytes: number;
  /** Median for one sample. */
  readonly latencyMs: number;
}

/** A candidate with what is shown beside it once the choice is made. */
export interface Variant extends Candidate {
  /** Of the graph, compressed as a download is: what weights that are 0 save. */
  readonly gzipBytes: number;
  /** On the test part. */
  readonly test: { readonly accuracy: number; readonly macroF1: number; readonly calibrationError: number };
}

/** Those that no other is at least as good as in all three and better in one. */
export function paretoFront<Own extends Candidate>(variants: readonly Own[]): Own[] {
  return variants.filter((own) => !variants.some((other) => dominates(other, own)));
}

function dominates(a: Candidate, b: Candidate): boolean {
  const noWorse = a.quality >= b.quality && a.bytes <= b.bytes && a.latencyMs <= b.latencyMs;
  return noWorse && (a.quality > b.quality || a.bytes < b.bytes || a.latencyMs < b.latencyMs);
}

export interface Bounds {
  /** Of the best variant's quality, 0..1. */
  readonly minQualityShare: number;
  readonly maxBytes?: number | undefined;
  readonly maxLatencyMs?: number | undefined;
}

/**
 * The smallest variant that keeps all bounds; of equals the better one.
 *
 * @throws CopresenceError CONFIG_INVALID when none does, with what comes nearest.
 */
export function chooseVariant<Own extends Candidate>(variants: readonly Own[], bounds: Bounds): Own {
  const best = Math.max(...variants.map(({ quality }) => quality));
  const fitting = variants.filter(({ quality, bytes, latencyMs }) =>
    quality >= bounds.minQualityShare * best && bytes <= (bounds.maxBytes ?? Infinity) && latencyMs <= (bounds.maxLatencyMs ?? Infinity));
  const [chosen] = fitting.sort((a, b) => a.bytes - b.bytes || b.quality - a.quality);
  if (chosen !== undefined) return chosen;
  const seen = variants.map(({ name, quality, bytes, latencyMs }) => `${name}: ${(quality / best).toFixed(4)} of the best, ${bytes} bytes, ${latencyMs.toFixed(3)} ms`);
  throw new CopresenceError('CONFIG_INVALID', `no variant keeps these bounds; there are ${seen.join('; ')}`);
}
