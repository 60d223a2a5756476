/** Writes what `optimise` made: all graphs with their figures, and the chosen one as a folder that the registry takes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import type { ModelReference } from '../../registry/reference.ts';
import { evaluationCard } from '../evaluate/card.ts';
import type { CardInput } from '../evaluate/card.ts';
import type { EvaluationReport } from '../evaluate/report.ts';
import type { Latency } from '../export/run-onnx.ts';
import { fileDigest, RUN_FILES } from '../run/folder.ts';
import type { RunMetrics } from '../run/metrics.ts';
import type { Contender } from './contenders.ts';
import type { Variant } from './pareto.ts';
import { writeVariantFolder } from './variant-folder.ts';

export interface Outcome {
  readonly contenders: readonly Contender[];
  /** By contender. */
  readonly variants: readonly Variant[];
  readonly front: readonly string[];
  readonly chosen: string;
  /** Of the chosen one. */
  readonly figures: {
    /** On the test part. */
    readonly report: EvaluationReport;
    /** The largest difference to the run's own graph there. */
    readonly parity: number;
    readonly latency: Latency;
    readonly reference: ModelReference | undefined;
  };
}

export function writeVariants(runFolder: string, outcome: Outcome): { path: string; packageFolder: string } {
  return writeVariantFolder(runFolder, { ...outcome, chosenBy: 'macro F1 on the validation part' }, (target) => writePackage(target, outcome));
}

function writePackage(target: string, outcome: Outcome): void {
  const index = outcome.variants.findIndex(({ name }) => name === outcome.chosen);
  const [{ graph, folder, description }, variant] = [outcome.contenders[index]!, outcome.variants[index]!];
  const { report, parity, latency, reference } = outcome.figures;
  const read = <Content>(file: string): Content => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Content;
  const metrics = read<RunMetrics>(RUN_FILES.metrics);
  const card = evaluationCard({
    title: description.name, description,
    metrics: { ...metrics, test: report, bytes: variant.bytes, latency, parity },
    history: readHistory(folder), cleaning: read<CardInput['cleaning']>(RUN_FILES.cleaning), variants: outcome,
  });
  const files: Record<string, string | Uint8Array> = { [RUN_FILES.graph]: graph, [RUN_FILES.card]: card, ...(reference === undefined ? {} : { [RUN_FILES.reference]: json(reference) }) };
  const base = modelManifest.parse(read(RUN_FILES.manifest));
  const manifest: ModelManifest = {
    ...base,
    summary: `${base.summary}; ${variant.name}, of ${outcome.variants.length} variants`,
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, fileDigest(content)])),
    metrics: rounded({ ...variant.test, latencyMedianMs: variant.latencyMs }),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(target, name), content);
  writeFileSync(join(target, RUN_FILES.manifest), json(modelManifest.parse(manifest)));
}

/** Only networks have one. */
function readHistory(folder: string): CardInput['history'] {
  try {
    return readFileSync(join(folder, RUN_FILES.history), 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as CardInput['history'][number]);
  } catch {
    return [];
  }
}

function rounded(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value.toFixed(4))]));
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
