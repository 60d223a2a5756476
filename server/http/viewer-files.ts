/** Serves the built viewer: a handful of known files out of one folder. */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ServerResponse } from 'node:http';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
};

/** Scripts and connections of its own only; sockets go back to where the page came from. */
const SECURITY_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** Answers with a file of the viewer's; only plain names are looked up, so no path leads out of the folder. */
export async function serveViewerFile(folder: string, name: string, response: ServerResponse): Promise<void> {
  const file = name === '' ? 'index.html' : name;
  const type = CONTENT_TYPES[extname(file)];
  if (type === undefined || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(file)) return notFound(response);
  try {
    const body = await readFile(join(folder, file));
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache', ...SECURITY_HEADERS });
    response.end(body);
  } catch {
    notFound(response);
  }
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'Content-Type': 'text/plain' });
  response.end('not found; is the viewer built? (npm run build:viewer)\n');
}
