/** Which variants of a model nothing beats, and which to take under bounds. */
import { CopresenceError } from '../../core/errors.ts';

export interface Variant {
  readonly name: string;
  /** Macro F1 on the test part; higher is better. */
  readonly quality: number;
  readonly bytes: number;
  readonly latencyMs: number;
}

/** Those that no other is at least as good as in all three and better in one. */
export function paretoFront(variants: readonly Variant[]): Variant[] {
  return variants.filter((own) => !variants.some((other) => dominates(other, own)));
}

function dominates(a: Variant, b: Variant): boolean {
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
export function chooseVariant(variants: readonly Variant[], bounds: Bounds): Variant {
  const best = Math.max(...variants.map(({ quality }) => quality));
  const fitting = variants.filter(({ quality, bytes, latencyMs }) =>
    quality >= bounds.minQualityShare * best && bytes <= (bounds.maxBytes ?? Infinity) && latencyMs <= (bounds.maxLatencyMs ?? Infinity));
  const [chosen] = fitting.sort((a, b) => a.bytes - b.bytes || b.quality - a.quality);
  if (chosen !== undefined) return chosen;
  const seen = variants.map(({ name, quality, bytes, latencyMs }) => `${name}: ${(quality / best).toFixed(4)} of the best, ${bytes} bytes, ${latencyMs.toFixed(3)} ms`);
  throw new CopresenceError('CONFIG_INVALID', `no variant keeps these bounds; there are ${seen.join('; ')}`);
}
