/** Calls about data sets: bringing them, and looking into them. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { datasetDescription } from '../../dataset/dataset.ts';
import { inspection, type Inspection } from '../../dataset/inspection.ts';
import { readCsv, readJsonLines, type Collected } from '../../dataset/sources.ts';
import { makeDataset, readDescription, writeDataset } from '../../dataset/store.ts';
import { writeWhole } from '../../run/folder.ts';
import { runJob } from '../../run/job.ts';
import { call, type Call } from '../call.ts';
import type { ApiParts } from '../parts.ts';

const about = { source: z.string().max(200).default('uploaded'), licence: z.string().max(200).default('not said') };
/** Names with commas in between. */
const columns = z.string().max(2000).transform((text) => text.split(',').map((name) => name.trim()).filter((name) => name !== ''));
const csvQuery = z.strictObject({ ...about, format: z.literal('csv'), label: z.string(), text: z.string().optional(), participant: z.string().optional(), group: z.string().optional(), part: z.string().optional(), leaveOut: columns.optional(), hand: z.stringbool().optional() });
const linesQuery = z.strictObject({ ...about, format: z.literal('jsonl'), steps: z.coerce.number().int().min(1).default(1), hand: z.stringbool().optional() });

export function datasetCalls({ workspace }: ApiParts): Call[] {
  let inspecting = false;
  /** In a process of its own, since it reads every sample; one at a time, and once a version. */
  async function inspect(name: string): Promise<Inspection> {
    const folder = workspace.existingDataset(name);
    const file = workspace.inspectionFile(readDescription(folder));
    if (existsSync(file)) return inspection.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (inspecting) throw new CopresenceError('RATE_LIMITED', 'another data set is being looked into; ask again');
    inspecting = true;
    try {
      const found = await runJob('inspect', { datasetFolder: folder });
      writeWhole(file, `${JSON.stringify(found)}\n`);
      return found;
    } finally {
      inspecting = false;
    }
  }
  return [
    call({ method: 'GET', path: '/v1/datasets', roles: ['read'], summary: 'Describes all data sets', status: 200, answer: z.strictObject({ datasets: z.array(datasetDescription) }), run: () => ({ datasets: workspace.datasets() }) }),
    call({ method: 'GET', path: '/v1/datasets/{name}', roles: ['read'], summary: 'Describes a data set', status: 200, answer: datasetDescription, run: ({ param }) => readDescription(workspace.existingDataset(param('name'))) }),
    call({ method: 'GET', path: '/v1/datasets/{name}/inspection', roles: ['read'], summary: 'Checks the samples, and says what cleaning takes out', status: 200, answer: inspection, run: ({ param }) => inspect(param('name')) }),
    call({
      method: 'PUT', path: '/v1/datasets/{name}', roles: ['train'], summary: 'Brings a data set as CSV or JSON lines, with the columns of `copresence model collect`', status: 201,
      query: z.discriminatedUnion('format', [csvQuery, linesQuery]), upload: ['text/csv', 'application/jsonl', 'application/octet-stream'],
      answer: datasetDescription.extend({ notes: z.array(z.string()) }),
      async run({ caller, param, query, context }) {
        const name = param('name');
        const folder = workspace.datasetFolder(name);
        const collected = collectedFrom(new Uint8Array(await context.req.arrayBuffer()), query);
        const { source, licence } = query;
        const record = { name: source, origin: 'HTTP', licence, ...(collected.sha256 === undefined ? {} : { sha256: collected.sha256 }) };
        const dataset = makeDataset({ name, ...collected, sources: [record], history: [`brought by ${caller.name}`] });
        writeDataset(folder, dataset);
        return { ...dataset.description, notes: collected.notes };
      },
    }),
  ];
}

function collectedFrom(bytes: Uint8Array, { source: _, licence: __, ...asked }: z.infer<typeof csvQuery> | z.infer<typeof linesQuery>): Collected {
  if (asked.format === 'csv') return readCsv(bytes, 'the body', asked);
  return readJsonLines(bytes, 'the body', { steps: asked.steps, layout: asked.hand === true ? { kind: 'hand' } : undefined });
}
