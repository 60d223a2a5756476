/** Calls about models from elsewhere: bringing a file, and publishing what became of it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'hono';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { modelManifest, modelName } from '../../../registry/manifest.ts';
import { publishModel } from '../../../registry/publish.ts';
import { IMPORT_TASKS, OTHER_TASKS } from '../../import/import-model.ts';
import { call, type Call, type Env } from '../call.ts';
import { inProcess, jobRecord } from '../job-desk.ts';
import { fileAnswer, nextId, registryOf, type ApiParts } from '../parts.ts';
import { publishAnswer, publishRequest } from './runs.ts';

/** Of one model of TensorFlow.js: its `model.json` and what that names. */
const MAX_FILES = 64;
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

const importQuery = z.strictObject({
  name: modelName, task: z.enum(IMPORT_TASKS, `is ${OTHER_TASKS}`).optional(), output: z.string().max(200).optional(),
  /** In the order of the output's columns, with commas in between; those of the file when left out. */
  labels: z.string().max(65_536).optional(), softmax: z.stringbool().default(false), licence: z.string().max(200).default('UNLICENSED'), sha256: z.string().regex(/^[0-9a-fA-F]{64}$/).optional(),
});

export function importCalls(parts: ApiParts): Call[] {
  const { workspace, desk } = parts;
  return [
    call({
      method: 'POST', path: '/v1/imports', roles: ['train'], summary: 'Takes in a model from elsewhere: an ONNX file as the body, or the files of a TensorFlow.js model as a form', status: 202,
      query: importQuery, upload: ['application/octet-stream', 'multipart/form-data'], answer: z.strictObject({ import: z.string(), job: jobRecord }),
      async run({ caller, context, query: { name, labels, sha256, ...query } }) {
        const files = await filesOf(context);
        const id = nextId(parts, name.slice(0, 50));
        const folder = workspace.folder('imports', id);
        const source = join(folder, 'source');
        mkdirSync(source, { recursive: true });
        for (const [file, bytes] of files) writeFileSync(join(source, file), bytes);
        const path = join(source, files.has('model.json') ? 'model.json' : 'model.onnx');
        const input = { ...query, path, folder: join(folder, 'package'), name, labels: labels?.split(',').map((label) => label.trim()), sha256: sha256?.toLowerCase() };
        const work = inProcess('import', input, ({ parity, runtime }) => `within ${parity.toExponential(1)} of ${runtime}`);
        // What was brought is of no use when it cannot be taken in.
        const cleaned: typeof work = (hooks) => work(hooks).finally(() => rmSync(source, { recursive: true, force: true }));
        return { import: id, job: desk.ask({ kind: 'import', by: caller.name, about: id, work: cleaned }) };
      },
    }),
    call({ method: 'GET', path: '/v1/imports', roles: ['read'], summary: 'Lists models that were taken in', status: 200, answer: z.strictObject({ imports: z.array(z.strictObject({ id: z.string(), manifest: modelManifest })) }), run: () => ({ imports: workspace.list('imports').map((id) => ({ id, manifest: workspace.json('imports', id, 'package/manifest.json') })) }) }),
    call({ method: 'GET', path: '/v1/imports/{id}/files/{file}', roles: ['read'], summary: 'Gives a file of it, such as package/card.html', status: 200, run: ({ param }) => fileAnswer(workspace.file('imports', param('id'), param('file'))) }),
    call({
      method: 'POST', path: '/v1/imports/{id}/publish', roles: ['publish'], summary: 'Makes it the next version of its model', status: 201, body: publishRequest, answer: publishAnswer,
      async run({ caller, param, body: { reason } }) {
        const { name: model, version } = await publishModel(registryOf(parts, caller), join(workspace.existing('imports', param('id')), 'package'), reason);
        return { model, version, signed: parts.key !== undefined };
      },
    }),
  ];
}

/** By name. @throws CopresenceError MESSAGE_INVALID for a form without a `model.json`, with too many files, or one with an odd name. */
async function filesOf(context: Context<Env>): Promise<ReadonlyMap<string, Uint8Array>> {
  if (context.req.header('content-type')?.startsWith('multipart/form-data') !== true) return new Map([['model.onnx', new Uint8Array(await context.req.arrayBuffer())]]);
  const form = await context.req.formData().catch((cause: unknown) => {
    throw new CopresenceError('MESSAGE_INVALID', 'the body is no form', { cause });
  });
  const files = [...form.values()].filter((value) => value instanceof File);
  const names = new Set(files.map(({ name }) => name));
  const odd = files.find(({ name }) => !FILE_NAME.test(name));
  if (odd !== undefined || files.length > MAX_FILES || names.size !== files.length || !names.has('model.json')) {
    throw new CopresenceError('MESSAGE_INVALID', odd === undefined ? `a form holds a model.json and its weights, ${MAX_FILES} files at most, each once` : `'${odd.name.slice(0, 80)}' cannot name a file`);
  }
  return new Map(await Promise.all(files.map(async (file) => [file.name, new Uint8Array(await file.arrayBuffer())] as const)));
}
