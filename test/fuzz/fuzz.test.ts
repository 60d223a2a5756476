import { describe, expect, it } from 'vitest';
import { assert } from '../../core/assert.ts';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';
import { TEXT_TARGETS } from './text-targets.ts';

const ALL_TARGETS = [...TARGETS, ...TEXT_TARGETS];

describe('the fuzzer', () => {
  it.each(ALL_TARGETS)('finds no input on which the decoder of $name breaks a promise', (target) => {
    expect(fuzz(target, 1, (executions) => executions < 3000)).toEqual({ executions: 3000 });
  });

  it('gives the bytes on which a decoder breaks a promise, the same for the same seed', () => {
    const target = { name: 'broken', corpus: [Uint8Array.of(1, 2, 3)], check: (bytes: Uint8Array) => assert(bytes.length === 3, 'another length') };
    const run = fuzz(target, 1, (executions) => executions < 1000);
    expect(run.failure?.cause).toContain('another length');
    expect(fuzz(target, 1, (executions) => executions < 1000)).toEqual(run);
  });

  it('notices a decoder that changes what every object inherits', () => {
    const target = { name: 'polluted', corpus: [Uint8Array.of(1)], check: () => void Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true }) };
    const run = fuzz(target, 1, (executions) => executions < 1);
    Reflect.deleteProperty(Object.prototype, 'polluted');
    expect(run.failure?.cause).toBe('Object.prototype was changed');
  });
});
