/** The HTTP side: the Open Inference Protocol, version, metrics and the viewer. */
import type { AddressInfo } from 'node:net';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Metrics } from './metrics.ts';
import type { OipHandler } from './oip-http.ts';
import type { LoadStatus } from '../scheduler/status.ts';
import { ADMIN_PATH, type AdminHandler } from './admin/handler.ts';
import { serveStatus } from './status.ts';
import { serveViewerFile } from './viewer-files.ts';

export interface HttpOptions {
  readonly metrics: Metrics;
  readonly version: string;
  readonly viewerFolder: string;
  /** Answers what is below /v2. */
  readonly oip: OipHandler;
  /** What the models cost and do, for /v2/load and the models' stats; not served where left out. */
  readonly loadStatus?: () => LoadStatus;
  /** Answers what is below /v1/admin; there is nothing there where left out. */
  readonly admin?: AdminHandler | undefined;
}

/** A slow or idle client holds a socket no longer than this. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Node looks for such clients only every half a minute by itself. */
const TIMEOUT_CHECK_MS = 1000;

export function createHttpServer(options: HttpOptions): Server {
  return createBoundedServer((request, response) => route(options, request, response));
}

/** An HTTP server that no slow, large or numerous requests can hold up. */
export function createBoundedServer(handle: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS, maxHeaderSize: 8192 }, handle);
  server.maxConnections = 10_000;
  return server;
}

/** Where a server that listens can be reached. */
export function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function route(options: HttpOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (options.loadStatus !== undefined && serveStatus(options.loadStatus, request, response)) return;
  if (path === '/v2' || path.startsWith('/v2/')) return options.oip(request, response);
  if (path === ADMIN_PATH || path.startsWith(`${ADMIN_PATH}/`)) return options.admin === undefined ? sendJson(response, 404, { error: 'not found' }) : options.admin(request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD') return sendJson(response, 405, { error: 'only GET and HEAD' });
  if (path.startsWith('/viewer/')) return void serveViewerFile(options.viewerFolder, path.slice('/viewer/'.length), response);
  switch (path) {
    case '/version':
      return sendJson(response, 200, { version: options.version, protocol: PROTOCOL_VERSION, oldestProtocol: OLDEST_PROTOCOL_VERSION });
    case '/metrics':
      return options.metrics.handle(request, response);
    case '/':
    case '/viewer':
      response.writeHead(302, { Location: '/viewer/' });
      return void response.end();
    default:
      return sendJson(response, 404, { error: `no ${path}` });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
