/** What is in a data set, and what cleaning would take out of it. */
import { ownValue } from '../../core/own-value.ts';
import { cleanSamples, REMOVAL_REASONS } from './clean.ts';
import { z } from 'zod';
import { datasetDescription } from './dataset.ts';
import { countBy, openDataset } from './store.ts';

/** Removed samples that are named one by one. */
const NAMED = 200;

export const inspection = z.strictObject({
  description: datasetDescription,
  cleaning: z.strictObject({
    seen: z.int(), kept: z.int(),
    byReason: z.record(z.string(), z.int()),
    /** Missing values that were filled from the steps before and after. */
    filledValues: z.int(),
    /** The first of them. */
    removed: z.array(z.strictObject({ id: z.string(), reason: z.enum(REMOVAL_REASONS) })).max(NAMED),
  }),
  /** By label: samples before and after cleaning, and of how many participants these are. */
  labels: z.array(z.strictObject({ label: z.string(), samples: z.int(), kept: z.int(), participants: z.int() })),
});
export type Inspection = z.infer<typeof inspection>;

/** @throws CopresenceError as `openDataset`. */
export function inspectDataset({ datasetFolder }: { readonly datasetFolder: string }): Promise<Inspection> {
  const { description, samples } = openDataset(datasetFolder);
  const { samples: kept, report } = cleanSamples(samples, description);
  const keptCounts = countBy(kept.map(({ label }) => label));
  const people = new Map<string, Set<string>>();
  for (const { label, participant } of kept) people.set(label, (people.get(label) ?? new Set()).add(participant));
  const labels = description.labels.map((label) => ({ label, samples: description.counts[label] ?? 0, kept: ownValue(keptCounts, label) ?? 0, participants: people.get(label)?.size ?? 0 }));
  const { seen, byReason, filledValues, removed } = report;
  return Promise.resolve({ description, labels, cleaning: { seen, kept: report.kept, byReason: { ...byReason }, filledValues, removed: removed.slice(0, NAMED).map((own) => ({ ...own })) } });
}
