/** The gateway under measurement, in a process of its own: real transport, sessions and broadcast, no models. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { build } from 'hdr-histogram-js';
import { systemClock } from '../core/clock.ts';
import { createGateway } from '../server/app.ts';
import { createMetrics } from '../server/http/metrics.ts';
import { takeUpgrades } from '../server/transport/upgrades.ts';
import { CONNECT_PATH } from '../server/transport/web-socket.ts';
import { WsTransport } from '../server/transport/ws-transport.ts';

/** Microseconds in the histogram, so that its integers are fine enough. */
const US_PER_MS = 1000;

/** What the parent sends. */
export type ToGateway = { readonly kind: 'reset' } | { readonly kind: 'report' };
/** What it gets: the port once, then a report for each request. */
export type FromGateway =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'report'; readonly poses: number; readonly residenceMs: { readonly p50: number; readonly p90: number; readonly p99: number }; readonly cpuMs: number };

const [tickRateHz = '72', key = ''] = process.argv.slice(2);
const clock = systemClock();
const metrics = createMetrics();
const residence = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
const meter = { ...metrics.stages, poseResidence: (durationMs: number) => residence.recordValue(Math.round(durationMs * US_PER_MS)) };
const config = { 'tick-rate-hz': Number(tickRateHz), 'gesture-rate-hz': 18, 'max-sessions': 256, 'recordings-folder': tmpdir(), workers: 0, 'batch-policy': 'auto' } as const;
const pool = { devices: [], onChange: () => undefined };
const gateway = createGateway(config, { clock, meter, metrics, pool, tokenKey: Buffer.from(key, 'utf8'), version: 'bench' });
const http = createServer();
takeUpgrades(http, new Map([[CONNECT_PATH, new WsTransport({ clock, listener: gateway.reception, allowedOrigins: [], maxConnections: 4096 })]]));
let cpuBefore = process.cpuUsage();

process.on('message', (message: ToGateway) => {
  if (message.kind === 'reset') {
    residence.reset();
    cpuBefore = process.cpuUsage();
    return;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const at = (percentile: number): number => residence.getValueAtPercentile(percentile) / US_PER_MS;
  send({ kind: 'report', poses: residence.totalCount, residenceMs: { p50: at(50), p90: at(90), p99: at(99) }, cpuMs: (user + system) / US_PER_MS });
});
process.on('disconnect', () => process.exit(0));
http.listen(0, '127.0.0.1', () => send({ kind: 'listening', port: (http.address() as AddressInfo).port }));

function send(message: FromGateway): void {
  process.send?.(message);
}
