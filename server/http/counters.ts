/** Counts by label, as plain numbers: adding costs a map look-up, and the exporter reads them when it is asked. */
import type { Meter as OtelMeter } from '@opentelemetry/api';

/** What one combination of labels has come to. */
interface Count {
  readonly attributes: Readonly<Record<string, string>>;
  count: number;
}

/** @bound one number for each combination of labels; labels come from closed sets, never from a client. */
export class LabelledCounter<Label extends string> {
  readonly #labels: readonly Label[];
  /** By the first label, then by the second. */
  readonly #counts = new Map<string, Map<string, Count>>();

  /** @param options - `labels`: two at most. */
  constructor(meter: OtelMeter, name: string, options: { readonly description: string; readonly labels: readonly [] | readonly [Label] | readonly [Label, Label] }) {
    this.#labels = options.labels;
    meter.createObservableCounter(name, { description: options.description }).addCallback((result) => {
      for (const counts of this.#counts.values()) for (const { attributes, count } of counts.values()) result.observe(count, attributes);
    });
  }

  /** @param first - of the first label; left out where there is none. */
  add(count: number, first = '', second = ''): void {
    const entry = this.#counts.get(first)?.get(second);
    if (entry !== undefined) entry.count += count;
    else this.#open(first, second).count += count;
  }

  #open(first: string, second: string): Count {
    const counts = this.#counts.get(first) ?? new Map<string, Count>();
    this.#counts.set(first, counts);
    const entry = { attributes: Object.fromEntries(this.#labels.map((label, index) => [label, index === 0 ? first : second])), count: 0 };
    counts.set(second, entry);
    return entry;
  }
}
