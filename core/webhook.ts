/** Posts facts as JSON to a URL of the operator's: one after the other, tried again for a while, signed if there is a key. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Clock, Timer } from './clock.ts';

export interface WebhookParts {
  readonly clock: Clock;
  /** Hears of what was given up, and why: the receiver's answer, never what was sent. */
  readonly onLost: (why: string) => void;
}

export interface WebhookOptions {
  readonly url: string;
  /** The receiver can tell by it who has sent this. */
  readonly key?: string | undefined;
}

export interface WebhookFigures {
  readonly waiting: number;
  readonly sent: number;
  readonly lost: number;
  /** Tries in vain of what is to be sent first; the receiver is in trouble while it is above 0. */
  readonly failing: number;
}

/** Carries the HMAC-SHA-256 of the body's bytes, as `sha256=<hex>`, the way GitHub's webhooks do. */
export const SIGNATURE_HEADER = 'x-copresence-signature-256';

/** What waits beyond this is given up from the oldest on: what is new matters more. */
const MAX_WAITING = 64;
const TIMEOUT_MS = 5000;
/** Before each further try; a receiver that is restarted has nearly six minutes. */
export const RETRY_DELAYS_MS: readonly number[] = [1000, 5000, 15_000, 60_000, 240_000];

interface Message {
  readonly body: string;
  tries: number;
}

export class Webhook {
  readonly #parts: WebhookParts;
  readonly #options: WebhookOptions;
  readonly #waiting: Message[] = [];
  #sending = false;
  #sent = 0;
  #lost = 0;
  #closed = false;
  #retry: Timer | undefined;
  #abort: AbortController | undefined;
  #idle: (() => void)[] = [];

  constructor(parts: WebhookParts, options: WebhookOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get figures(): WebhookFigures {
    return { waiting: this.#waiting.length, sent: this.#sent, lost: this.#lost, failing: this.#waiting[0]?.tries ?? 0 };
  }

  /** Queues a fact and returns. It gets an `id`, by which a receiver knows one that comes twice, and the time. */
  send(fact: object): void {
    if (this.#closed) return;
    if (this.#waiting.length >= MAX_WAITING) this.#giveUp(this.#sending ? 1 : 0, 'too many are waiting');
    this.#waiting.push({ body: JSON.stringify({ ...fact, id: randomUUID(), sentMs: this.#parts.clock.wallMs() }), tries: 0 });
    if (!this.#sending) void this.#work();
  }

  /** Resolves when nothing waits any more: what was queued is sent or given up. */
  idle(): Promise<void> {
    return this.#waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Gives up what waits. */
  close(): void {
    this.#closed = true;
    this.#abort?.abort();
    this.#retry?.cancel();
    while (this.#waiting.length > 0) this.#giveUp(0, 'closed');
    this.#tellIdle();
  }

  /** From the oldest on, until nothing waits or one has to be tried again later. */
  async #work(): Promise<void> {
    this.#sending = true;
    for (let message = this.#waiting[0]; message !== undefined && !this.#closed; message = this.#waiting[0]) {
      const outcome = await this.#post(message);
      if (this.#closed) return;
      if (outcome === 'sent') {
        this.#waiting.shift();
        this.#sent++;
        continue;
      }
      const delayMs = RETRY_DELAYS_MS[message.tries++];
      if (outcome.isFinal || delayMs === undefined) this.#giveUp(0, outcome.why);
      else await new Promise<void>((resolve) => (this.#retry = this.#parts.clock.schedule(delayMs, resolve)));
    }
    this.#sending = false;
    this.#tellIdle();
  }

  async #post({ body }: Message): Promise<'sent' | { readonly why: string; readonly isFinal: boolean }> {
    const { url, key } = this.#options;
    const abort = (this.#abort = new AbortController());
    const timer = this.#parts.clock.schedule(TIMEOUT_MS, () => abort.abort());
    try {
      const signature = key === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(body, key) };
      // Whoever may redirect could send it anywhere.
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...signature }, body, redirect: 'error', signal: abort.signal });
      await response.body?.cancel();
      if (response.ok) return 'sent';
      return { why: `status ${response.status}`, isFinal: response.status < 500 && response.status !== 408 && response.status !== 429 };
    } catch (error) {
      return { why: abort.signal.aborted ? `no answer for ${TIMEOUT_MS} ms` : causeOf(error), isFinal: false };
    } finally {
      timer.cancel();
    }
  }

  #giveUp(at: number, why: string): void {
    if (this.#waiting.splice(at, 1).length === 0) return;
    this.#lost++;
    this.#parts.onLost(why);
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The header's value for a body. */
export function signatureOf(body: string | Uint8Array, key: string): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

/** fetch() says `fetch failed` and keeps the reason behind it. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}
