import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockFilter, PoseAge } from '../../client/clock-sync.ts';
import { Outbox } from '../../client/outbox.ts';
import { backoffMs, planReconnect } from '../../client/reconnect.ts';
import { lostEnd, NORMAL_END } from '../../client/link.ts';
import { seededRandom } from '../../core/random.ts';
import { KIND, readContainer } from '../../protocol/codec/container.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { decimal } from './support/decimals.ts';

describe('the clock filter', () => {
  it('is never wrong by more than half the shortest round trip it has seen', () => {
    const exchange = fc.record({ upMs: decimal({ min: 0, max: 500 }), downMs: decimal({ min: 0, max: 500 }), workMs: decimal({ min: 0, max: 50 }) });
    fc.assert(fc.property(decimal({ min: -1e6, max: 1e6 }), fc.array(exchange, { minLength: 1, maxLength: 8 }), (offsetMs, exchanges) => {
      const filter = new ClockFilter();
      let nowMs = 0;
      for (const { upMs, downMs, workMs } of exchanges) {
        const arrivedMs = nowMs + upMs + offsetMs;
        const receivedMs = nowMs + upMs + workMs + downMs;
        expect(filter.add({ deviceMs: nowMs, arrivedMs, sentMs: arrivedMs + workMs, receivedMs })).toBe(true);
        nowMs = receivedMs + 100;
      }
      const shortestMs = Math.min(...exchanges.map(({ upMs, downMs }) => upMs + downMs));
      expect(filter.rttMs).toBeCloseTo(shortestMs, 5);
      expect(Math.abs(filter.offsetMs - offsetMs)).toBeLessThanOrEqual(shortestMs / 2 + 1e-6);
    }));
  });

  it('ignores exchanges whose times are impossible', () => {
    const filter = new ClockFilter();
    filter.guess(100, 50);
    expect(filter.add({ deviceMs: 10, arrivedMs: 20, sentMs: 30, receivedMs: 12 })).toBe(false);
    expect(filter.add({ deviceMs: 10, arrivedMs: 30, sentMs: 20, receivedMs: 60 })).toBe(false);
    expect(filter.add({ deviceMs: 10, arrivedMs: Number.NaN, sentMs: 30, receivedMs: 60 })).toBe(false);
    expect(filter.offsetMs).toBe(50);
  });
});

describe('the age of poses', () => {
  it('varies as they do', () => {
    const steady = new PoseAge();
    const shaky = new PoseAge();
    for (let index = 0; index < 200; index++) {
      steady.add(40);
      shaky.add(index % 2 === 0 ? 20 : 60);
    }
    steady.add(Number.NaN);
    expect(steady.jitterMs).toBe(0);
    expect(shaky.jitterMs).toBeGreaterThan(15);
    expect(shaky.jitterMs).toBeLessThan(40);
  });
});

describe('reconnecting', () => {
  it('[ERR4] waits between half and all of a doubling time that is bounded', () => {
    fc.assert(fc.property(fc.nat(1000), fc.integer(), (attempt, seed) => {
      const waitMs = backoffMs(attempt, seededRandom(seed));
      const wholeMs = Math.min(8000, 250 * 2 ** attempt);
      expect(waitMs).toBeGreaterThanOrEqual(wholeMs / 2);
      expect(waitMs).toBeLessThanOrEqual(wholeMs);
    }));
  });

  it('never plans a resume that would start after the place is given away, nor anything after a final code', () => {
    const end = fc.constantFrom(lostEnd('CONNECTION_LOST', ''), lostEnd('RESUME_REFUSED', ''), lostEnd('SERVER_FULL', ''), lostEnd('TOKEN_INVALID', ''), NORMAL_END);
    fc.assert(fc.property(end, fc.nat(20), fc.option(fc.nat(12_000), { nil: undefined }), fc.boolean(), (lost, attempt, resumeUntilMs, joinAnew) => {
      const plan = planReconnect({ end: lost, attempt, nowMs: 1000, resumeUntilMs, joinAnew }, seededRandom(1));
      if (lost.retry === 'never') expect(plan.kind).toBe('end');
      if (lost.code === 'RESUME_REFUSED') expect(plan.kind).not.toBe('resume');
      if (plan.kind === 'resume') expect(1000 + plan.delayMs).toBeLessThan(resumeUntilMs ?? 0);
      if (plan.kind === 'join') expect(joinAnew).toBe(true);
    }));
  });
});

describe('the outbox', () => {
  it('keeps every message whole and in order, in packets within the limits', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 200_000 })), { maxLength: 40 }), (sizes) => {
      const packets: Uint8Array[] = [];
      const outbox = new Outbox((packet) => packets.push(packet));
      sizes.forEach((size, index) => outbox.add(KIND.videoChunk, new Uint8Array(size).fill(index)));
      outbox.flush();
      const seen: string[] = [];
      for (const packet of packets) {
        expect(packet.length).toBeLessThanOrEqual(LIMITS.packetBytes);
        expect(readContainer(packet, (_kind, payload) => seen.push(`${payload.length} ${payload.at(-1) ?? ''}`))).toBeUndefined();
      }
      expect(seen).toEqual(sizes.map((size, index) => `${size} ${size === 0 ? '' : index}`));
    }), { numRuns: 30 });
  });

  it('starts a new packet when one is full of messages', () => {
    const packets: Uint8Array[] = [];
    const outbox = new Outbox((packet) => packets.push(packet));
    for (let index = 0; index < 300; index++) outbox.add(KIND.control, new Uint8Array(1));
    outbox.flush();
    expect(packets.map((packet) => packet.length / 3)).toEqual([256, 44]);
  });
});
