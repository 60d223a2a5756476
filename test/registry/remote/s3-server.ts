/** A bucket for tests: signatures of AWS (version 4), conditions on writes, and lists in pages, by the documentation of Amazon S3. */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Server {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Requests that were answered, as `PUT key`. */
  readonly asked: string[];
  /** The conditions that are kept; a store of long ago passes over both, and some over one. */
  conditions: readonly ('if-none-match' | 'if-match')[];
  close(): Promise<void>;
}

const PAGE = 3;

export async function openS3Server({ accessKeyId, secretAccessKey, region, bucket }: { accessKeyId: string; secretAccessKey: string; region: string; bucket: string }): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  const state: Pick<S3Server, 'conditions'> = { conditions: ['if-none-match', 'if-match'] };
  const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;
  const server: Server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const fail = (status: number, code: string): void => void response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
      if (!isSigned(request, body, { accessKeyId, secretAccessKey, region })) return fail(403, 'SignatureDoesNotMatch');
      const url = new URL(request.url ?? '', 'http://x');
      const [, name = '', ...rest] = url.pathname.split('/');
      if (name !== bucket) return fail(404, 'NoSuchBucket');
      const key = rest.map(decodeURIComponent).join('/');
      asked.push(`${request.method} ${key}`);
      if (request.method === 'GET' && key === '') return void response.end(listing([...objects.keys()].sort(), url.searchParams));
      const there = objects.get(key);
      if (request.method === 'GET') return there === undefined ? fail(404, 'NoSuchKey') : void response.writeHead(200, { etag: etagOf(there), 'content-length': there.length }).end(there);
      if (request.method === 'DELETE') return void (objects.delete(key), response.writeHead(204).end());
      if (state.conditions.includes('if-none-match') && request.headers['if-none-match'] === '*' && there !== undefined) return fail(412, 'PreconditionFailed');
      const match = request.headers['if-match'];
      if (state.conditions.includes('if-match') && match !== undefined && (there === undefined || etagOf(there) !== match)) return fail(there === undefined ? 404 : 412, 'PreconditionFailed');
      objects.set(key, body);
      response.writeHead(200, { etag: etagOf(body) }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, asked,
    close: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }),
  });
}

function listing(keys: readonly string[], query: URLSearchParams): string {
  const found = keys.filter((key) => key.startsWith(query.get('prefix') ?? ''));
  const from = Number(query.get('continuation-token') ?? 0);
  const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const contents = found.slice(from, from + PAGE).map((key) => `<Contents><Key>${escape(key)}</Key><Size>1</Size></Contents>`).join('');
  const next = from + PAGE < found.length ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : '';
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>b</Name>${contents}${next}</ListBucketResult>`;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The signature of `Authorization: AWS4-HMAC-SHA256`, made again from the request. */
function isSigned(request: IncomingMessage, body: Buffer, { accessKeyId, secretAccessKey, region }: { accessKeyId: string; secretAccessKey: string; region: string }): boolean {
  const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '');
  if (found === null || found[1] !== accessKeyId || found[3] !== region) return false;
  const [, , day = '', , signedHeaders = '', signature] = found;
  const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
  const told = String(request.headers['x-amz-content-sha256']);
  if (told !== 'UNSIGNED-PAYLOAD' && told !== hash(body)) return false;
  const url = new URL(request.url ?? '', 'http://x');
  const query = [...url.searchParams].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).sort().join('&');
  const headers = signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  const canonical = [request.method, url.pathname, query, headers, signedHeaders, told].join('\n');
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], `${day}/${region}/s3/aws4_request`, hash(canonical)].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer | string>((before, part) => createHmac('sha256', before).update(part).digest(), `AWS4${secretAccessKey}`);
  return createHmac('sha256', key).update(text).digest('hex') === signature;
}
