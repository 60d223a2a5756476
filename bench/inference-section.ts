/** The section `inference` of docs/performance.md. */
import { lineChart } from '../sim/report/chart.ts';
import { markdownTable } from './performance-doc.ts';
import type { Section } from './performance-doc.ts';
import type { MachineInfo } from './support.ts';

/** One model at one batch size: through a worker, and as the bare loop runs it. */
export interface BatchRow extends Readonly<Record<string, string | number>> {
  readonly model: string;
  readonly batchSize: number;
  readonly batchMs: number;
  readonly itemsPerSecond: number;
  readonly bareItemsPerSecond: number;
}

export function inferenceSection(machine: MachineInfo, rows: readonly BatchRow[]): Section {
  const models = [...new Set(rows.map(({ model }) => model))];
  const series = models.flatMap((model, colour) => {
    const own = rows.filter((row) => row.model === model);
    return [
      { name: `${model}, worker`, colour, points: own.map(({ batchSize, itemsPerSecond }) => ({ x: batchSize, y: itemsPerSecond })) },
      { name: `${model}, bare loop`, colour, dashed: true, points: own.map(({ batchSize, bareItemsPerSecond }) => ({ x: batchSize, y: bareItemsPerSecond })) },
    ];
  });
  const svg = lineChart({ title: 'Items a second by batch size', x: { label: 'batch size', scale: 'log' }, y: { label: 'items a second', scale: 'log' }, series });
  const markdown = [
    '## Inference',
    '',
    `\`npm run bench -- inference\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. A batch goes through a worker process, from payload to result (\`batchMs\`), in turn with the bare loop (\`bareMs\`): ONNX Runtime alone in a process of its own, on tensors that are ready. \`ofBare\` is the share of the bare rate that remains; what is missing is decoding or computing features, reading the outputs, and the two hops between the processes. Other programs ran on the machine meanwhile, and each hop waits for a core: trust no single time.`,
    '',
    '{{throughput}}',
    '',
    markdownTable(rows),
  ].join('\n');
  return { name: 'inference', markdown, charts: [{ name: 'throughput', alt: 'Items a second by batch size for every model, through a worker and in the bare loop', svg }] };
}
