/** The Open Inference Protocol over HTTP: everything below `/v2`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CopresenceError } from '../../core/errors.ts';
import { readHttpRequest, type HttpMessage } from '../../protocol/oip/http-request.ts';
import { writeHttpResponse } from '../../protocol/oip/http-response.ts';
import { HEADER_LENGTH } from '../../protocol/oip/http-tensors.ts';
import { parseJson } from '../../protocol/oip/json.ts';
import { OIP_LIMITS } from '../../protocol/oip/limits.ts';
import type { Authorize, CallGate } from './oip-gate.ts';
import type { OipService } from './oip-service.ts';
import { failureOf } from './oip-status.ts';

export interface OipHttpParts {
  readonly service: OipService;
  readonly authorize: Authorize;
  readonly gate: CallGate;
}

/** Handles a request whose path begins with `/v2`. Never throws. */
export type OipHandler = (request: IncomingMessage, response: ServerResponse) => void;

const MODEL_PATH = /^\/v2\/models\/([^/]{1,192})(?:\/versions\/([^/]{1,64}))?(?:\/(ready|infer))?$/;
const INDEX_BYTES = 4096;

/** What a handler answers; a thrown error becomes a status of its own. */
type Answer = { readonly status: number; readonly json: unknown } | { readonly status: number; readonly message: HttpMessage };

export function createOipHandler(parts: OipHttpParts): OipHandler {
  return (request, response) => {
    void answer(parts, request, response).then(
      (made) => send(response, made),
      (error: unknown) => refuse(request, response, error),
    );
  };
}

async function answer(parts: OipHttpParts, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const [, name = '', version = '', verb] = MODEL_PATH.exec(path) ?? [];
  if (name === '') return answerServer(parts, path, request);
  const target = { model: decode(name), version: decode(version) };
  if (verb === 'infer') {
    return request.method === 'POST' ? parts.service.counted(target.model, () => infer(parts, target, { request, response })) : wrongMethod('POST');
  }
  if (!isReading(request)) return wrongMethod('GET');
  if (verb === undefined) return { status: 200, json: parts.service.describe(target.model, target.version) };
  const ready = parts.service.isReady(parts.service.model(target.model, target.version));
  return { status: ready ? 200 : 503, json: { name: target.model, ready } };
}

async function answerServer({ service }: OipHttpParts, path: string, request: IncomingMessage): Promise<Answer> {
  if (path === '/v2/repository/index') {
    return request.method === 'POST' ? { status: 200, json: await readIndex(service, request) } : wrongMethod('POST');
  }
  if (!isReading(request)) return wrongMethod('GET');
  const reason = service.notReady;
  switch (path) {
    case '/v2':
    case '/v2/':
      return { status: 200, json: service.metadata };
    case '/v2/health/live':
      return { status: 200, json: { live: true } };
    case '/v2/health/ready':
      return { status: reason === undefined ? 200 : 503, json: { ready: reason === undefined, ...(reason === undefined ? {} : { reason }) } };
    default:
      return { status: 404, json: { error: 'no such path of the Open Inference Protocol' } };
  }
}

async function infer({ service, authorize, gate }: OipHttpParts, target: { model: string; version: string }, { request, response }: { request: IncomingMessage; response: ServerResponse }): Promise<Answer> {
  const { tenant } = await authorize(request.headers.authorization);
  const length = bodyLength(request, OIP_LIMITS.bodyBytes);
  const leave = gate.enter(length);
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once('close', onClose);
  try {
    // Before the body is read, so that nothing is buffered for a model that is not there.
    service.model(target.model, target.version);
    const body = await readBody(request, length);
    const { call, isBinary } = readHttpRequest(target, body, header(request, HEADER_LENGTH));
    return { status: 200, message: writeHttpResponse(await service.infer(call, { tenant, signal: gone.signal }), isBinary) };
  } finally {
    leave();
    response.off('close', onClose);
  }
}

/** The body may say `{"ready": true}`, which leaves out what is not. */
async function readIndex(service: OipService, request: IncomingMessage): Promise<unknown> {
  const hasBody = request.headers['transfer-encoding'] !== undefined || request.headers['content-length'] !== undefined;
  const length = hasBody ? bodyLength(request, INDEX_BYTES) : 0;
  const body = length === 0 ? {} : parseJson(await readBody(request, length));
  const onlyReady = typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  return service.models
    .map((model) => ({ name: model.name, version: model.version, state: service.isReady(model) ? 'READY' : 'UNAVAILABLE', reason: '' }))
    .filter(({ state }) => !onlyReady || state === 'READY');
}

/** @throws CopresenceError MESSAGE_INVALID without a length or with an encoding, PACKET_TOO_LARGE above `limit`. */
function bodyLength({ headers }: IncomingMessage, limit: number): number {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new CopresenceError('MESSAGE_INVALID', 'a compressed body is not taken');
  if (headers['content-length'] === undefined) throw new CopresenceError('MESSAGE_INVALID', 'Content-Length is needed');
  const length = Number(headers['content-length']);
  if (length > limit) throw new CopresenceError('PACKET_TOO_LARGE', `a body of more than ${limit} bytes`);
  return length;
}

/** @param length - the announced one, which Node's parser holds the body to. @throws CopresenceError CONNECTION_LOST. */
async function readBody(request: IncomingMessage, length: number): Promise<Uint8Array> {
  const body = Buffer.alloc(length);
  let at = 0;
  try {
    for await (const chunk of request) at += (chunk as Buffer).copy(body, at);
  } catch (error) {
    throw new CopresenceError('CONNECTION_LOST', 'the body did not come', { cause: error });
  }
  if (at !== length) throw new CopresenceError('CONNECTION_LOST', 'the body ended early');
  return body;
}

function send(response: ServerResponse, made: Answer): void {
  if (response.destroyed) return;
  const message = 'message' in made ? made.message : { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(made.json)) };
  response.writeHead(made.status, { ...message.headers, 'Content-Length': message.body.length, 'Cache-Control': 'no-store' });
  response.end(message.body);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const { http, code, detail, retryAfterS } = failureOf(error);
  if (retryAfterS !== undefined) response.setHeader('Retry-After', retryAfterS);
  if (http === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  // The rest of a body that was refused is thrown away: a closed socket would take the answer with it.
  request.resume();
  send(response, { status: http, json: { error: detail, code } });
}

function wrongMethod(method: string): Answer {
  return { status: 405, json: { error: `only ${method} here` } };
}

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** @throws CopresenceError MODEL_NOT_FOUND for what is no path segment. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new CopresenceError('MODEL_NOT_FOUND', 'the name is not encoded as a path is', { cause: error });
  }
}
