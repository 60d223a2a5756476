/** Takes a server's alerts, so that a model whose inputs have moved is retrained. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { SIGNATURE_HEADER, signatureOf } from '../../core/webhook.ts';

export interface AlertListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly model: string;
  /** With one, only alerts count that are signed with it. */
  readonly key?: string | undefined;
  /** Called for each alert that says that the model is asked something else than it was trained on. */
  readonly onDrift: () => void;
}

export interface AlertListener {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BYTES = 64 * 1024;
/** Failures and lateness are no matter of data. */
const DRIFTS = ['input-drift', 'confidence-drift', 'label-drift'];
const drift = z.object({ event: z.literal('alert'), state: z.literal('raised'), kind: z.enum(DRIFTS), model: z.string() });

/** @throws what listening throws (EADDRINUSE, EACCES). */
export async function listenForAlerts(options: AlertListenerOptions): Promise<AlertListener> {
  const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 8192 }, (request, response) => void answer(request, response, options));
  server.maxConnections = 32;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  const address = server.address();
  return {
    url: `http://${options.host}:${typeof address === 'object' ? (address?.port ?? 0) : 0}/`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, { key, model, onDrift }: AlertListenerOptions): Promise<void> {
  const end = (status: number): void => void response.writeHead(status).end();
  if (request.method !== 'POST') return end(405);
  const body = await readBody(request).catch(() => undefined);
  if (body === undefined) return end(413);
  if (key !== undefined && !isSigned(body, request.headers[SIGNATURE_HEADER], key)) return end(401);
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return end(400);
  }
  const parsed = drift.safeParse(value);
  // Other facts are for somebody else, and taken all the same: their sender would try again.
  if (parsed.success && parsed.data.model === model) onDrift();
  end(204);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Error('too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function isSigned(body: Buffer, given: string | string[] | undefined, key: string): boolean {
  const [wanted, said] = [Buffer.from(signatureOf(body, key)), Buffer.from(typeof given === 'string' ? given : '')];
  return wanted.length === said.length && timingSafeEqual(wanted, said);
}
