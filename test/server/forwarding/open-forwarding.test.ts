import { spawnSync } from 'node:child_process';
import * as mediasoup from 'mediasoup';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import type { MediaAsk } from '../../../protocol/message/media.ts';
import { openForwarding } from '../../../server/forwarding/open-forwarding.ts';

const SETTINGS = { listenAddress: '127.0.0.1', port: 0 };
const PEER = { id: 'c1', sessionId: 'studio', slot: 0, publishes: true, receives: true };
const ASKS: readonly MediaAsk[] = [{ do: 'capabilities' }, { do: 'open', direction: 'send' }, { do: 'resume', consumerId: 'c' }, { do: 'close', id: 'p' }];

async function open(load: () => Promise<typeof mediasoup>): Promise<{ reports: string[]; codes: unknown[]; rooms: number }> {
  const reports: string[] = [];
  const forwarding = await openForwarding(SETTINGS, { clock: new ManualClock(), report: (text) => reports.push(text), load });
  const outcomes = await Promise.allSettled(ASKS.map((ask) => forwarding.ask(PEER, ask)));
  forwarding.forget(PEER.id);
  await forwarding.close();
  return { reports, codes: outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'done')), rooms: forwarding.figures.rooms };
}

describe('opening the forwarding unit', () => {
  it('[MED3] says that the package is missing, and answers everything as unavailable', async () => {
    const { reports, codes } = await open(() => Promise.reject(Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' })));
    expect(reports).toEqual(['media: unavailable because the package mediasoup cannot be loaded (ERR_MODULE_NOT_FOUND): npm install mediasoup@3.19.3']);
    expect(codes).toEqual(Array(ASKS.length).fill('MEDIA_UNAVAILABLE'));
  });

  it('[MED3] says that the worker is missing, and where it was looked for', async () => {
    const { reports, codes, rooms } = await open(() => Promise.resolve({ ...mediasoup, workerBin: '/nowhere/mediasoup-worker' }));
    expect(reports).toEqual([expect.stringMatching(/^media: unavailable because its worker is not at \/nowhere\/mediasoup-worker: .*MEDIASOUP_WORKER_BIN/)]);
    expect(codes).toEqual(Array(ASKS.length).fill('MEDIA_UNAVAILABLE'));
    expect(rooms).toBe(0);
  });

  it('[MED3] says that what stands in the worker\'s place is none', () => {
    // The package reads the variable when it is loaded, so in a process of its own.
    const script = `
      const { openForwarding } = await import('./server/forwarding/open-forwarding.ts');
      const { systemClock } = await import('./core/clock.ts');
      await openForwarding({ listenAddress: '127.0.0.1', port: 0 }, { clock: systemClock(), report: (text) => console.log(text) });
      process.exit(0);`;
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { env: { ...process.env, MEDIASOUP_WORKER_BIN: process.execPath }, encoding: 'utf8' });
    expect(stdout).toMatch(/^media: unavailable because its worker did not start: /);
  });
});
