/**
 * A bucket of S3, or of anything that speaks it: MinIO, Ceph, R2.
 *
 * Writes that expect something use `If-None-Match: *` and `If-Match`, which Amazon S3 has had since 2024. A store that passes over them
 * would let two publishers overwrite each other, so `openS3Store` tries it out before anything is kept there.
 */
import { randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { parseDocument } from 'htmlparser2';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { MAX_KEYS, type ObjectStore, type PutCondition } from './object-store.ts';

export const s3Settings = z.strictObject({
  kind: z.literal('s3'),
  /** With the scheme, such as `https://s3.eu-central-1.amazonaws.com`; the bucket is the first part of the path. */
  endpoint: z.url({ protocol: /^https?$/ }),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  prefix: z.string().regex(/^([A-Za-z0-9._-]+\/)*$/).default(''),
  region: z.string().default('us-east-1'),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
});
export type S3Settings = z.infer<typeof s3Settings>;

const RETRIES = 4;

/** @throws CopresenceError MODEL_INVALID when the bucket cannot be written, CONFIG_INVALID when it overwrites in spite of a condition. */
export async function openS3Store(settings: S3Settings): Promise<ObjectStore> {
  const store = s3Store(settings);
  const key = `.probe-${randomUUID()}`;
  const once = new TextEncoder().encode('once');
  if ((await store.put(key, once, { kind: 'absent' })) !== 'written') throw new CopresenceError('MODEL_INVALID', `${store.name} refuses a new object`);
  try {
    const refuse = (condition: string): never => {
      throw new CopresenceError('CONFIG_INVALID', `${store.name} does not keep ${condition}: two publishers would overwrite each other there`);
    };
    if ((await store.put(key, once, { kind: 'absent' })) === 'written') refuse('If-None-Match');
    // There are stores that keep one of the two, and the history needs the other.
    const etag = (await store.get(key, once.length))?.etag ?? '';
    if ((await store.put(key, once, { kind: 'unchanged', etag: OTHER_ETAG })) === 'written') refuse('If-Match');
    if (etag === '' || (await store.put(key, once, { kind: 'unchanged', etag })) !== 'written') throw new CopresenceError('CONFIG_INVALID', `${store.name} refuses to change an object that nobody has changed since`);
  } finally {
    await store.remove(key);
  }
  return store;
}

/** Of nothing that is kept: the MD5 of an empty object. */
const OTHER_ETAG = '"d41d8cd98f00b204e9800998ecf8427e"';

export function s3Store({ endpoint, bucket, prefix, region, accessKeyId, secretAccessKey }: S3Settings): ObjectStore {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: RETRIES });
  const name = `s3://${bucket}/${prefix}`;
  const base = `${endpoint.replace(/\/$/, '')}/${bucket}`;
  const urlOf = (key: string): string => `${base}/${[...prefix.split('/'), ...key.split('/')].filter((part) => part !== '').map(encodeURIComponent).join('/')}`;
  const ask = async (url: string, init: RequestInit): Promise<Response> => client.fetch(url, init).catch((cause: unknown) => {
    throw new CopresenceError('MODEL_INVALID', `cannot reach ${name} at ${endpoint}`, { cause });
  });
  const refused = async (response: Response, what: string): Promise<CopresenceError> => {
    const code = textsOf(await response.text(), 'Code')[0];
    return new CopresenceError('MODEL_INVALID', `${name} refuses ${what}: ${response.status}${code === undefined ? '' : ` ${code}`}`);
  };
  return {
    name,
    async get(key, maxBytes) {
      const response = await ask(urlOf(key), { method: 'GET' });
      if (response.status === 404) return undefined;
      if (!response.ok) throw await refused(response, `to give ${key}`);
      const length = Number(response.headers.get('content-length') ?? NaN);
      if (!(length <= maxBytes)) {
        await response.body?.cancel();
        throw new CopresenceError('MODEL_INVALID', `${name}${key} has ${length} bytes, more than ${maxBytes}`);
      }
      return { bytes: new Uint8Array(await response.arrayBuffer()), etag: response.headers.get('etag') ?? '' };
    },
    async put(key, bytes, condition) {
      const response = await ask(urlOf(key), { method: 'PUT', body: new Uint8Array(bytes), headers: conditionHeaders(condition) });
      if (response.status === 412 || response.status === 409 || (condition?.kind === 'unchanged' && response.status === 404)) return 'conflict';
      if (!response.ok) throw await refused(response, `to take ${key}`);
      return 'written';
    },
    async list(under) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const query = new URLSearchParams({ 'list-type': '2', prefix: prefix + under, ...(token === undefined ? {} : { 'continuation-token': token }) });
        const response = await ask(`${base}?${query.toString()}`, { method: 'GET' });
        if (!response.ok) throw await refused(response, 'to list');
        const text = await response.text();
        keys.push(...textsOf(text, 'Key').map((key) => key.slice(prefix.length)));
        token = textsOf(text, 'NextContinuationToken')[0];
        if (keys.length > MAX_KEYS) throw new CopresenceError('MODEL_INVALID', `${name} holds more than ${MAX_KEYS} objects`);
      } while (token !== undefined);
      return keys.filter((key) => !key.startsWith('.')).sort();
    },
    async remove(key) {
      const response = await ask(urlOf(key), { method: 'DELETE' });
      if (!response.ok && response.status !== 404) throw await refused(response, `to remove ${key}`);
    },
  };
}

function conditionHeaders(condition: PutCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return condition.kind === 'absent' ? { 'if-none-match': '*' } : { 'if-match': condition.etag };
}

/** What stands in every element of a name. */
function textsOf(xml: string, name: string): string[] {
  const texts: string[] = [];
  const visit = (nodes: ReturnType<typeof parseDocument>['children']): void => {
    for (const node of nodes) {
      if (!('children' in node)) continue;
      if ('name' in node && node.name === name) texts.push(node.children.map((child) => ('data' in child ? String(child.data) : '')).join(''));
      else visit(node.children);
    }
  };
  visit(parseDocument(xml, { xmlMode: true, decodeEntities: true }).children);
  return texts;
}
