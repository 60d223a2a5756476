import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkOf } from '../../../core/network.ts';
import { seededRandom } from '../../../core/random.ts';
import { Admission, type AdmissionLimits } from '../../../server/transport/admission.ts';

const admissionOf = (limits: AdmissionLimits): Admission => new Admission(limits, seededRandom(1), 0);
const at = (nowMs: number): { isFull: boolean; nowMs: number } => ({ isFull: false, nowMs });

describe('admission before an upgrade', () => {
  it('[WSK2] lets in a burst of one second\'s worth, and then as many as the rate', () => {
    const admission = admissionOf({ acceptsPerSecond: 100 });
    const letIn = (nowMs: number, callers: number): number => Array.from({ length: callers }, (_, index) => admission.admit(`10.0.${index >> 8}.${index & 255}`, at(nowMs))).filter((refusal) => refusal === undefined).length;
    expect(letIn(0, 5000)).toBe(100);
    expect(letIn(500, 5000)).toBe(50);
    expect(letIn(10_000, 5000)).toBe(100);
  });

  it('[WSK2] asks those whom it refuses to come back at different times, some seconds from now', () => {
    const admission = admissionOf({ acceptsPerSecond: 1 });
    const waits = Array.from({ length: 801 }, () => admission.admit('10.0.0.1', at(0))).slice(1).map((refusal) => {
      expect(refusal?.status).toBe(503);
      return refusal?.retryAfterS ?? 0;
    });
    for (let second = 1; second <= 8; second++) expect(waits.filter((wait) => wait === second).length).toBeGreaterThan(50);
    expect(waits.every((wait) => Number.isInteger(wait) && wait >= 1 && wait <= 8)).toBe(true);
  });

  it('[WSK2] says 429 to an address that has its share, and takes nobody else\'s turn for it', () => {
    const admission = admissionOf({ connectionsPerAddress: 2, acceptsPerSecond: 3 });
    for (let count = 0; count < 2; count++) {
      expect(admission.admit('10.0.0.1', at(0))).toBeUndefined();
      admission.opened('10.0.0.1');
    }
    for (let count = 0; count < 10; count++) expect(admission.admit('10.0.0.1', at(0))?.status).toBe(429);
    expect(admission.admit('10.0.0.2', at(0))).toBeUndefined();
    admission.closed('10.0.0.1');
    expect(admission.admit('10.0.0.1', at(1000))).toBeUndefined();
  });

  it('[WSK2] says 503 to everybody when there is no room, and takes nobody\'s turn for it', () => {
    const admission = admissionOf({ acceptsPerSecond: 1 });
    for (let count = 0; count < 5; count++) expect(admission.admit('10.0.0.1', { isFull: true, nowMs: 0 })?.status).toBe(503);
    expect(admission.admit('10.0.0.1', at(0))).toBeUndefined();
  });

  it('counts each address right whatever opens and closes', () => {
    const events = fc.array(fc.record({ address: fc.constantFrom('10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '2001:db8::2'), opens: fc.boolean() }));
    fc.assert(fc.property(events, (list) => {
      const admission = admissionOf({ connectionsPerAddress: 1 });
      const open = new Map<string, number>();
      for (const { address, opens } of list) {
        const count = open.get(networkOf(address)) ?? 0;
        if (!opens && count === 0) continue;
        open.set(networkOf(address), count + (opens ? 1 : -1));
        if (opens) admission.opened(address);
        else admission.closed(address);
      }
      for (const address of ['10.0.0.1', '2001:db8::9']) expect(admission.admit(address, at(0))?.status).toBe((open.get(networkOf(address)) ?? 0) > 0 ? 429 : undefined);
    }));
  });
});

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:0:1::7', '2001:db8:0:1'],
  ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1'],
  ['::1', '0:0:0:0'],
  ['fe80::', 'fe80:0:0:0'],
])('the address %s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
