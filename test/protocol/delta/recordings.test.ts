import { expect, test } from 'vitest';
import { measureMovement } from '../../../bench/codec-movement.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';

const tracks = await packagedTracks(2);

test('[DLT8] a head with two controllers, as recorded, takes at most 20 bytes at every rate, and is within 1 mm and 0.2 degrees', () => {
  const { rows, error } = measureMovement('head + 2 controllers', 7, tracks);
  for (const { rateHz, meanBytes, samples } of rows) {
    expect(samples, `at ${rateHz} Hz`).toBeGreaterThan(50);
    expect(meanBytes, `at ${rateHz} Hz`).toBeLessThanOrEqual(20);
  }
  expect(error.maxMm).toBeLessThanOrEqual(0.5 + 0.001);
  expect(error.maxDegrees).toBeLessThanOrEqual(0.2);
});

test('[DLT9] two hands on recorded wrists take at most 150 bytes, and no joint is further than 1.5 mm or 0.2 degrees away', () => {
  const { rows, error } = measureMovement('head + 2 x 25 joints', 25, tracks.slice(0, 1));
  for (const { rateHz, meanBytes } of rows) expect(meanBytes, `at ${rateHz} Hz`).toBeLessThanOrEqual(150);
  expect(error.maxMm).toBeLessThanOrEqual(1.5);
  expect(error.maxDegrees).toBeLessThanOrEqual(0.2);
});
