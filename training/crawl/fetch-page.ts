/** Asks for one page, bounded in time and bytes, without following redirects: where they lead has to be allowed first. */
import type { Clock } from '../../core/clock.ts';

export type Fetched =
  | { readonly kind: 'answered'; readonly status: number; readonly contentType: string; readonly location: string | undefined; readonly retryAfterMs: number | undefined; readonly robotsTag: string; readonly body: string; readonly tooLarge: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

export interface FetchOptions {
  readonly userAgent: string;
  readonly timeoutMs: number;
  /** Of the body; what is beyond is not read. */
  readonly maxBytes: number;
}

/** Asks for a page. Takes `fetch`'s place in nothing: it is the crawler's only door to the network. Never throws. */
export async function fetchPage(url: string, clock: Clock, { userAgent, timeoutMs, maxBytes }: FetchOptions): Promise<Fetched> {
  const abort = new AbortController();
  const timer = clock.schedule(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    const response = await fetch(url, { redirect: 'manual', signal: abort.signal, headers: { 'user-agent': userAgent, accept: 'text/html, text/plain;q=0.8' } });
    const contentType = response.headers.get('content-type') ?? '';
    const { bytes, tooLarge } = await readBody(response, maxBytes);
    return {
      kind: 'answered', status: response.status, contentType, tooLarge,
      location: response.headers.get('location') ?? undefined,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.wallMs()),
      robotsTag: response.headers.get('x-robots-tag') ?? '',
      body: decodeBody(bytes, contentType),
    };
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  } finally {
    timer.cancel();
  }
}

async function readBody(response: Response, maxBytes: number): Promise<{ bytes: Uint8Array; tooLarge: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.length;
    if (size > maxBytes) return { bytes: Buffer.concat(parts).subarray(0, maxBytes), tooLarge: true };
  }
  return { bytes: Buffer.concat(parts), tooLarge: false };
}

/** By the header's charset, else the page's own, else UTF-8. An unknown one is read as UTF-8. */
function decodeBody(bytes: Uint8Array, contentType: string): string {
  const named = /charset=["']?([\w-]+)/i.exec(contentType)?.[1] ?? /<meta[^>]+charset=["']?([\w-]+)/i.exec(Buffer.from(bytes.subarray(0, 1024)).toString('latin1'))?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(named).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null, wallMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - wallMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
