import { describe, expect, it } from 'vitest';
import { nameOutOfMemory } from '../../../server/model/backend/out-of-memory.ts';
import { MemoryCap } from '../../../server/model/memory-cap.ts';
import { Watchdog } from '../../../server/model/watchdog.ts';

describe('MemoryCap', () => {
  it('halves at once and doubles after a minute, after two when that was too early', () => {
    const cap = new MemoryCap(64);
    cap.exceeded(64, 0);
    cap.exceeded(32, 0);
    expect(cap.size).toBe(16);
    expect([cap.grow(59_999), cap.grow(60_000), cap.size]).toEqual([false, true, 32]);
    cap.exceeded(32, 70_000);
    expect([cap.size, cap.grow(189_999), cap.grow(190_000), cap.size]).toEqual([16, false, true, 32]);
    expect([cap.grow(309_999), cap.grow(310_000), cap.grow(900_000), cap.size]).toEqual([false, true, false, 64]);
  });

  it('never goes below one, and knows a second time within a minute', () => {
    const cap = new MemoryCap(2);
    expect(cap.isRelapse(0)).toBe(false);
    for (let time = 0; time < 3; time++) cap.exceeded(1, 0);
    expect([cap.size, cap.isRelapse(59_999), cap.isRelapse(60_000)]).toEqual([1, true, false]);
  });
});

describe('Watchdog', () => {
  it('gives two seconds until a thousand batches are known, then three times their p99.9', () => {
    const watchdog = new Watchdog(2000);
    expect([watchdog.limitMs(5, 1), watchdog.limitMs(1000, 1)]).toEqual([2000, 3000]);
    for (let batch = 0; batch < 1000; batch++) watchdog.observe(batch === 500 ? 90 : batch === 600 ? 2 : 0.8);
    expect([watchdog.limitMs(5, 1), watchdog.limitMs(100, 1)]).toEqual([250, 600]);
  });

  it('follows a device that has become slow, and is not carried away by one slow batch', () => {
    const watchdog = new Watchdog(250);
    watchdog.observe(50);
    expect(watchdog.limitMs(100, 1)).toBe(1200);
    expect(watchdog.limitMs(100, 10)).toBe(12_000);
  });

  it('forgets what was slow two thousand batches ago', () => {
    const watchdog = new Watchdog(250);
    for (let batch = 0; batch < 1000; batch++) watchdog.observe(3);
    for (let batch = 0; batch < 1000; batch++) watchdog.observe(1);
    expect(watchdog.limitMs(1000, 1)).toBe(3000);
  });
});

describe('nameOutOfMemory', () => {
  it.each([
    'bfc_arena.cc:360 AllocateRawInternal Failed to allocate memory for requested buffer of size 400000000000256',
    'CUDA failure 2: out of memory ; GPU=0',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED',
    'std::bad_alloc',
  ])('knows "%s", and keeps none of it', (message) => {
    const named = nameOutOfMemory(new Error(message));
    expect(named).toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' });
    expect(String(named)).not.toContain(message);
  });

  it('leaves other errors as they are', () => {
    const other = new Error('indices element out of data bounds');
    expect(nameOutOfMemory(other)).toBe(other);
  });
});
