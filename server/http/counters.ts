/** Counts by label, as plain numbers: adding costs a map look-up, and the exporter reads them when it is asked. */
import type { Meter as OtelMeter } from '@opentelemetry/api';

/** @bound one number for each combination of labels; labels come from closed sets, never from a client. */
export class LabelledCounter<Label extends string> {
  readonly #labels: readonly Label[];
  readonly #counts = new Map<string, { readonly attributes: Readonly<Record<string, string>>; count: number }>();

  constructor(meter: OtelMeter, name: string, options: { readonly description: string; readonly labels: readonly Label[] }) {
    this.#labels = options.labels;
    meter.createObservableCounter(name, { description: options.description }).addCallback((result) => {
      for (const { attributes, count } of this.#counts.values()) result.observe(count, attributes);
    });
  }

  /** @param values - one for each label, in their order. */
  add(count: number, ...values: readonly string[]): void {
    const key = values.join('\n');
    const entry = this.#counts.get(key);
    if (entry !== undefined) entry.count += count;
    else this.#counts.set(key, { attributes: Object.fromEntries(this.#labels.map((label, index) => [label, values[index] ?? ''])), count });
  }
}
