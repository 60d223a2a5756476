/** The variants of a model beside each other: a table of HTML cells, and quality against size. */
import { escapeXml } from './confusion-svg.ts';
import { plotSvg } from './plot.ts';

export interface ComparedVariant {
  readonly name: string;
  /** Macro F1 on the validation part. */
  readonly quality: number;
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly latencyMs: number;
  readonly test: { readonly accuracy: number; readonly macroF1: number };
}

export interface ComparedVariants {
  readonly variants: readonly ComparedVariant[];
  /** Names of those that no other beats. */
  readonly front: readonly string[];
  readonly chosen: string;
}

export const VARIANT_COLUMNS = ['variant', 'macro F1, validation', 'macro F1, test', 'accuracy, test', 'bytes', 'bytes, gzip', 'median ms', ''];

/** By variant, in the order of VARIANT_COLUMNS. */
export function variantRows({ variants, front, chosen }: ComparedVariants): string[][] {
  return variants.map(({ name, quality, test, bytes, gzipBytes, latencyMs }) => [
    escapeXml(name), quality.toFixed(4), test.macroF1.toFixed(4), test.accuracy.toFixed(4), String(bytes), String(gzipBytes), latencyMs.toFixed(3),
    name === chosen ? 'chosen' : front.includes(name) ? 'not beaten' : '',
  ]);
}

export interface PlottedVariants extends Pick<ComparedVariants, 'front' | 'chosen'> {
  readonly variants: readonly Pick<ComparedVariant, 'name' | 'quality' | 'bytes'>[];
  /** What quality is, where it is no macro F1. */
  readonly measure?: string;
}

/** Only what is not beaten bears its name, since the rest lies close together; the legend has that of the chosen one. */
export function variantsPlot({ variants, front, chosen, measure = 'macro F1, validation part' }: PlottedVariants): string {
  const series = [
    { label: 'beaten', of: variants.filter(({ name }) => !front.includes(name) && name !== chosen), named: false },
    { label: 'not beaten', of: variants.filter(({ name }) => front.includes(name) && name !== chosen), named: true },
    { label: `chosen: ${chosen}`, of: variants.filter(({ name }) => name === chosen), named: false },
  ].filter(({ of }) => of.length > 0);
  return plotSvg({
    title: 'Quality and size of the variants', x: 'KiB', y: measure,
    series: series.map(({ label, of, named }) => ({
      label, kind: 'dots', points: of.map(({ bytes, quality }) => [bytes / 1024, quality] as const), ...(named ? { names: of.map(({ name }) => name) } : {}),
    })),
  });
}
