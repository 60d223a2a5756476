/** The section `inference` of docs/performance.md. */
import { lineChart } from '../sim/report/chart.ts';
import { markdownTable } from './performance-doc.ts';
import type { Section } from './performance-doc.ts';
import type { MachineInfo } from './support.ts';

/** One model at one batch size: through a worker, the same work in one process, and the model's run alone. */
export interface BatchRow extends Readonly<Record<string, string | number>> {
  readonly model: string;
  readonly batchSize: number;
  readonly batchMs: number;
  readonly itemsPerSecond: number;
  readonly workItemsPerSecond: number;
  readonly bareItemsPerSecond: number;
}

export function inferenceSection(machine: MachineInfo, rows: readonly BatchRow[]): Section {
  const models = [...new Set(rows.map(({ model }) => model))];
  const series = models.flatMap((model, colour) => {
    const own = rows.filter((row) => row.model === model);
    return [
      { name: model, colour, points: own.map(({ batchSize, itemsPerSecond }) => ({ x: batchSize, y: itemsPerSecond })) },
      { name: '', colour, dashed: true, points: own.map(({ batchSize, workItemsPerSecond }) => ({ x: batchSize, y: workItemsPerSecond })) },
    ];
  });
  const svg = lineChart({ width: 760, title: 'Items a second through a worker; dashed: the same work in one process', x: { label: 'batch size', scale: 'log' }, y: { label: '1/s', scale: 'log' }, series });
  const markdown = [
    '## Inference',
    '',
    `\`npm run bench -- inference\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. A batch of four different inputs, repeated, goes through a worker process, from payload to result (\`batchMs\`), in turn with the same work in one process (\`workMs\`: decoding or features, run and reading the outputs, without messages) and with the bare run (\`bareMs\`: ONNX Runtime alone on tensors that are ready). \`hopsMs\` is what the two messages between the processes cost; \`ofWork\` and \`ofBare\` are the shares of the two rates that remain. For small models the messages and the wakening of two processes cost more than the model. Each hop waits for a core: trust no single time.`,
    '',
    '{{throughput}}',
    '',
    markdownTable(rows),
  ].join('\n');
  return { name: 'inference', markdown, charts: [{ name: 'throughput', alt: 'Items a second by batch size for every model, through a worker and in one process', svg }] };
}
