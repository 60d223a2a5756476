import { describe, expect, it } from 'vitest';
import { nextAllowance } from '../../../../server/broadcast/interest/allowance.ts';

const QUIET = { superseded: false, bufferedBytes: 0, bytesPerSecond: 100_000 };

describe('an allowance', () => {
  it('is without a bound as long as nothing waits', () => {
    expect(nextAllowance(Infinity, QUIET)).toBe(Infinity);
    expect(nextAllowance(Infinity, { ...QUIET, bufferedBytes: 4000 })).toBe(Infinity);
  });

  it('is below what was sent once something waits or was superseded, and never next to nothing', () => {
    expect(nextAllowance(Infinity, { ...QUIET, superseded: true })).toBe(67_000);
    expect(nextAllowance(80_000, { ...QUIET, bufferedBytes: 60_000 })).toBeCloseTo(53_600);
    expect(nextAllowance(100, { ...QUIET, superseded: true })).toBe(4096);
  });

  it('settles at what a link bears, and lets go when it bears everything', () => {
    const follow = (bears: number, plans: number): number[] => {
      let allowance = Infinity;
      return Array.from({ length: plans }, () => {
        const bytesPerSecond = Math.min(100_000, allowance);
        allowance = nextAllowance(allowance, { superseded: bytesPerSecond > bears, bufferedBytes: 0, bytesPerSecond });
        return bytesPerSecond;
      });
    };
    const held = follow(40_000, 200).slice(20);
    expect(Math.max(...held)).toBeLessThan(43_000);
    expect(Math.min(...held)).toBeGreaterThan(26_000);
    let allowance = nextAllowance(Infinity, { ...QUIET, superseded: true });
    for (let plan = 0; plan < 20; plan++) allowance = nextAllowance(allowance, { ...QUIET, bytesPerSecond: Math.min(100_000, allowance) });
    expect(allowance).toBe(Infinity);
  });
});
