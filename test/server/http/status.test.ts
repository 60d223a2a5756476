import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { createMetrics } from '../../../server/http/metrics.ts';
import { serveStatus } from '../../../server/http/status.ts';
import type { LoadStatus } from '../../../server/scheduler/status.ts';
import { LoadWorld } from '../scheduler/load/load-world.ts';

it('tells over HTTP and to Prometheus what a model costs, could do and does', async () => {
  const world = new LoadWorld();
  world.startMany(101);
  await world.advance(3000);
  const status = (): LoadStatus => world.control.status();
  const metrics = createMetrics();
  metrics.watchLoad(status);
  const http = createServer((request, response) => {
    if (request.url === '/metrics') return metrics.handle(request, response);
    if (!serveStatus(status, request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  try {
    const model: unknown = await (await fetch(`${base}/v2/models/m/stats`)).json();
    expect(model).toMatchObject({ model: 'm', tasks: ['body-pose'], versions: ['1'], devices: 1, batchCap: 32, budgetMs: 40, latencyMs: [{ size: 1, ms: 2.5 }, { size: 2 }, { size: 4 }, { size: 8 }, { size: 16 }, { size: 32, ms: 18 }] });
    const { offeredHz, goodputHz, evenHz, evenShare } = model as Record<string, number>;
    expect(evenHz).toBeCloseTo(32_000 / 18, 3);
    expect(offeredHz).toBeGreaterThan(2900);
    expect(offeredHz).toBeLessThan(3200);
    expect(goodputHz).toBeGreaterThan(1300);
    expect(evenShare).toBeCloseTo((goodputHz ?? 0) / (evenHz ?? 1), 9);
    expect(await (await fetch(`${base}/v2/load`)).json()).toMatchObject({ devices: 1, streams: { full: 0 } });
    expect((await fetch(`${base}/v2/models/other/stats`)).status).toBe(404);
    expect((await fetch(`${base}/v2/load`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${base}/v2/models/m/ready`)).status).toBe(418);
    const text = await (await fetch(`${base}/metrics`)).text();
    expect(text).toMatch(/copresence_model_batch_cap\{model="m"[^}]*\} 32/);
    expect(text).toMatch(/copresence_model_streams\{model="m",level="halved"[^}]*\} \d\d/);
    expect(text).toMatch(/copresence_load\{kind="offered"[^}]*\} 1\.7/);
  } finally {
    http.close();
    await metrics.close();
  }
});
