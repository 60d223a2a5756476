import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Acknowledger } from '../../client/acknowledger.ts';
import { acknowledges, decodeAcknowledgement } from '../../protocol/codec/acknowledgement.ts';

it('[ACK2] says of each of the last 32 ticks whether its snapshot has come, also when ticks go round', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: -100, max: 100 }), (gaps, start) => {
    const acknowledger = new Acknowledger();
    const arrived = new Set<number>();
    let tick = start >>> 0;
    let nowMs = 0;
    for (const gap of gaps) {
      tick = (tick + gap) >>> 0;
      arrived.add(tick);
      const bytes = acknowledger.arrived(tick, (nowMs += 100));
      const said = bytes && decodeAcknowledgement(bytes);
      if (said === undefined || typeof said === 'string') throw new Error('nothing readable was said');
      for (let before = -3; before < 40; before++) {
        const asked = (tick - before) >>> 0;
        expect(acknowledges(said, asked)).toBe(before >= 0 && before <= 32 && arrived.has(asked));
      }
    }
  }));
});

it('[ACK2] speaks twenty times a second at most, and at once on a new connection', () => {
  const acknowledger = new Acknowledger();
  let said = 0;
  for (let tick = 0; tick < 720; tick++) said += acknowledger.arrived(tick, tick * (1000 / 72)) === undefined ? 0 : 1;
  expect(said).toBeGreaterThan(150);
  expect(said).toBeLessThanOrEqual(201);
  acknowledger.restart();
  expect(acknowledger.arrived(5, 10_000)).toBeDefined();
});

it('[ACK1] an acknowledgement of another length is refused', () => {
  for (const length of [0, 7, 9]) expect(decodeAcknowledgement(new Uint8Array(length))).toBe('MESSAGE_INVALID');
});
