/** What the models cost, could do and do, as JSON for whoever asks. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoadStatus } from '../scheduler/status.ts';

const STATS_PATH = /^\/v2\/models\/([^/]{1,192})\/stats$/;
const LOAD_PATH = '/v2/load';

/**
 * Answers `/v2/load` with the whole status and `/v2/models/<name>/stats` with one model's.
 *
 * @returns false for any other path, which is then somebody else's to answer.
 */
export function serveStatus(status: () => LoadStatus, request: IncomingMessage, response: ServerResponse): boolean {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const [, model] = STATS_PATH.exec(path) ?? [];
  if (path !== LOAD_PATH && model === undefined) return false;
  if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, { error: 'only GET and HEAD' });
  else if (model === undefined) send(response, 200, status());
  else sendModel(response, status(), model);
  return true;
}

function sendModel(response: ServerResponse, { models }: LoadStatus, encoded: string): void {
  const found = models.find(({ model }) => encodeURIComponent(model) === encoded || model === encoded);
  send(response, found === undefined ? 404 : 200, found ?? { error: 'no such model' });
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
