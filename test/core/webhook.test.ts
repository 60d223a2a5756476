/** Alerts over real sockets to receivers that take, refuse, hang or are not there; only the waiting between two tries is on a manual clock. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { RETRY_DELAYS_MS, SIGNATURE_HEADER, signatureOf, Webhook } from '../../core/webhook.ts';
import { until } from '../support/until.ts';

interface Got {
  readonly body: string;
  readonly signature: unknown;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** @param answer - what the receiver does once it has read a request. */
async function receiver(answer: (response: ServerResponse, count: number) => void): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () => {
      got.push({ body, signature: request.headers[SIGNATURE_HEADER] });
      answer(response, got.length);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got };
}

function webhook(url: string, key?: string): { hook: Webhook; clock: ManualClock; lost: string[] } {
  const clock = new ManualClock(1000);
  const lost: string[] = [];
  return { hook: new Webhook({ clock, onLost: (why) => lost.push(why) }, { url, key }), clock, lost };
}

const factsOf = (got: readonly Got[]): number[] => got.map(({ body }) => (JSON.parse(body) as { fact: number }).fact);

describe('a webhook', () => {
  it('delivers facts in their order, signed over the very bytes', async () => {
    const { url, got } = await receiver((response) => void response.end('thank you'));
    const { hook, lost } = webhook(url, 'a-key-of-the-operator');
    for (let fact = 1; fact <= 3; fact++) hook.send({ fact });
    await hook.idle();
    expect(got.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ fact: 1, sentMs: 1000 }, { fact: 2 }, { fact: 3 }]);
    expect(new Set(got.map(({ body }) => (JSON.parse(body) as { id: string }).id)).size).toBe(3);
    for (const { body, signature } of got) expect(signature).toBe(signatureOf(body, 'a-key-of-the-operator'));
    expect(got[0]?.signature).not.toBe(signatureOf(got[0]?.body ?? '', 'another-key-of-somebody'));
    // RFC 4231, test case 2.
    expect(signatureOf('what do ya want for nothing?', 'Jefe')).toBe('sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
    expect(hook.figures).toEqual({ waiting: 0, sent: 3, lost: 0, failing: 0 });
    expect(lost).toEqual([]);
  });

  it('tries again, with the same id, when the receiver stumbles, and keeps the order', async () => {
    const { url, got } = await receiver((response, count) => void response.writeHead(count < 3 ? 503 : 200).end());
    const { hook, clock } = webhook(url);
    hook.send({ fact: 1 });
    hook.send({ fact: 2 });
    await until(() => hook.figures.failing === 1);
    // A second, then five: no storm of tries.
    clock.advance(999);
    expect(clock.pendingCount).toBe(1);
    expect(got).toHaveLength(1);
    clock.advance(1);
    await until(() => hook.figures.failing === 2);
    clock.advance(5000);
    await until(() => hook.figures.sent === 2);
    expect(factsOf(got)).toEqual([1, 1, 1, 2]);
    expect(new Set(got.map(({ body }) => body)).size).toBe(2);
    expect(got[0]?.signature).toBeUndefined();
  });

  it('gives a receiver up that hangs, and goes on with the next fact', async () => {
    const { url, got } = await receiver((response, count) => void (count > 6 ? response.end() : undefined));
    const { hook, clock, lost } = webhook(url);
    hook.send({ fact: 1 });
    hook.send({ fact: 2 });
    for (const [tries, delayMs] of RETRY_DELAYS_MS.entries()) {
      await until(() => got.length === tries + 1);
      clock.advance(5000);
      await until(() => hook.figures.failing === tries + 1);
      clock.advance(delayMs);
    }
    await until(() => got.length === 6);
    clock.advance(5000);
    await until(() => hook.figures.sent === 1);
    expect(factsOf(got)).toEqual([1, 1, 1, 1, 1, 1, 2]);
    expect(lost).toEqual(['no answer for 5000 ms']);
  });

  it('gives up who is not there, after all tries, and says why', async () => {
    const { url } = await receiver(() => undefined);
    await new Promise((resolve) => servers[0]?.close(resolve));
    const { hook, clock, lost } = webhook(url);
    hook.send({ fact: 1 });
    for (const [tries, delayMs] of RETRY_DELAYS_MS.entries()) {
      await until(() => hook.figures.failing === tries + 1);
      clock.advance(delayMs);
    }
    await until(() => hook.figures.lost === 1);
    expect(lost).toEqual(['ECONNREFUSED']);
  });

  it('does not insist where the receiver says no, and follows nobody elsewhere', async () => {
    const elsewhere = await receiver((response) => void response.end());
    const { url, got } = await receiver((response, count) => void (count === 1 ? response.writeHead(404) : response.writeHead(307, { location: elsewhere.url })).end());
    const { hook, lost } = webhook(url);
    hook.send({ fact: 1 });
    hook.send({ fact: 2 });
    await until(() => hook.figures.lost === 1 && hook.figures.failing === 1);
    expect(lost).toEqual(['status 404']);
    expect(factsOf(got)).toEqual([1, 2]);
    expect(elsewhere.got).toEqual([]);
    hook.close();
  });

  it('keeps a bounded number, the newest, while nobody takes them', async () => {
    const { url } = await receiver(() => undefined);
    const { hook } = webhook(url);
    for (let fact = 0; fact < 100; fact++) hook.send({ fact });
    expect(hook.figures).toEqual({ waiting: 64, sent: 0, lost: 36, failing: 0 });
    hook.close();
    await hook.idle();
    expect(hook.figures).toEqual({ waiting: 0, sent: 0, lost: 100, failing: 0 });
    hook.send({ fact: 100 });
    expect(hook.figures.waiting).toBe(0);
  });
});
