/** Ways of a fingertip out of lines that overlap, cut so that no two blocks share a picture. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PATH_STEPS } from '../../../features/hand-path.ts';
import { splitSamples } from '../../../training/dataset/split.ts';
import { readBlocks, readPointHistory } from '../../../training/dynamic-gesture/point-history.ts';

const REAL = join(import.meta.dirname, '../../../../shared/data/kinivi-hand-keypoints/point_history_classifier/point_history.csv');
const bytesOf = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join('\n')}\n`);
const [CLOCKWISE, COUNTER] = [1, 2];

/** Lines of one circle after another, as the app writes them: y downwards, from the line's own first place; `skip` leaves lines out. */
function linesOf(kind: number, pictures: number, { skip = (_at: number): boolean => false, jumpAt = Infinity } = {}): string[] {
  const places = Array.from({ length: pictures }, (_, at): [number, number] => {
    const angle = ((kind === CLOCKWISE ? 1 : -1) * at * 2 * Math.PI) / 20;
    return [0.3 + 0.04 * Math.sin(angle) + (at >= jumpAt ? 0.4 : 0), 0.5 - 0.04 * Math.cos(angle) + at * 1e-5];
  });
  return Array.from({ length: pictures - PATH_STEPS + 1 }, (_, at) => at).filter((at) => !skip(at)).map((at) => {
    const [x0, y0] = places[at]!;
    return [kind, ...places.slice(at, at + PATH_STEPS).flatMap(([x, y]) => [(x - x0).toFixed(9), (y - y0).toFixed(9)])].join();
  });
}

/** Twice the area that a path goes round, above 0 counter-clockwise, with up up. */
function area(values: readonly (number | null)[]): number {
  const place = (step: number): [number, number] => [values[step * 2] ?? 0, values[step * 2 + 1] ?? 0];
  return Array.from({ length: PATH_STEPS }, (_, step) => step).reduce((sum, step) => {
    const [[x, y], [nextX, nextY]] = [place(step), place((step + 1) % PATH_STEPS)];
    return sum + x * nextY - y * nextX;
  }, 0);
}

describe('the history of a fingertip', () => {
  it('is put together from lines that overlap, a picture or some apart', () => {
    const whole = readBlocks(bytesOf(linesOf(CLOCKWISE, 100)), 'f.csv');
    const gappy = readBlocks(bytesOf(linesOf(CLOCKWISE, 100, { skip: (at) => at % 7 === 3 || at % 11 === 4 })), 'f.csv');
    expect([whole.ways, gappy.ways]).toEqual([1, 1]);
    const [[name, block] = ['', undefined]] = whole.blocks;
    expect(name).toBe('clockwise-1');
    expect(block?.places).toHaveLength(100 - 16);
    [...gappy.blocks.values()][0]?.places.forEach((place, at) => place.forEach((own, axis) => expect(own).toBeCloseTo(block?.places[at]?.[axis] ?? Number.NaN, 5)));
  });

  it('is cut where the finger was lost, where lines do not overlap, and into blocks with gaps between', () => {
    expect(readBlocks(bytesOf(linesOf(CLOCKWISE, 100, { jumpAt: 50 })), 'f.csv').ways).toBe(2);
    expect(readBlocks(bytesOf(linesOf(CLOCKWISE, 120, { skip: (at) => at > 40 && at < 60 })), 'f.csv').ways).toBe(2);
    const { blocks } = readBlocks(bytesOf(linesOf(CLOCKWISE, 400)), 'f.csv');
    const drift = [...blocks.values()].map(({ places }) => [places[0]?.[1] ?? 0, places.at(-1)?.[1] ?? 0].map((y) => Math.round(y * 1e6)));
    expect([...blocks.values()].map(({ places }) => places.length)).toEqual([160, 160, 32]);
    expect(new Set(drift.flat()).size).toBe(6);
  });

  it('turns as its person sees it, and becomes windows of several speeds with the labels of the server', () => {
    const { samples, layout, steps } = readPointHistory(bytesOf([...linesOf(CLOCKWISE, 240), ...linesOf(COUNTER, 240)]), 'f.csv');
    expect([layout, steps]).toEqual([{ kind: 'path' }, PATH_STEPS]);
    for (const { label, values } of samples) expect(Math.sign(area(values ?? []))).toBe(label === 'clockwise' ? -1 : 1);
    expect(new Set(samples.map(({ participant }) => participant)).size).toBe(4);
    expect(new Set(samples.map(({ values }) => values?.join())).size).toBeGreaterThan(samples.length * 0.9);
  });

  it.each(['1,0,0', `9,${'0,'.repeat(31)}0`, `1,${'0,'.repeat(31)}x`])('is refused with the line that is none: %s', (line) => {
    expect(() => readPointHistory(bytesOf([...linesOf(CLOCKWISE, 40), line]), 'f.csv')).toThrow(/DATASET_INVALID: f\.csv:26/);
  });

  it.skipIf(!existsSync(REAL))('of a real camera is a few ways, whose blocks cut into parts that share nothing (skipped without the data)', () => {
    const { samples, notes } = readPointHistory(readFileSync(REAL), 'real');
    expect(notes[0]).toMatch(/^21 ways in 46 blocks/);
    expect(new Set(samples.map(({ label }) => label))).toEqual(new Set(['none', 'clockwise', 'counter-clockwise']));
    const turned = samples.filter(({ label }) => label !== 'none');
    const right = turned.filter(({ label, values }) => Math.sign(area(values ?? [])) === (label === 'clockwise' ? -1 : 1));
    expect(right.length / turned.length).toBeGreaterThan(0.97);
    // A hand at rest gives the same window many times; cleaning keeps the first.
    const parts = splitSamples(samples.filter(({ group }) => group !== 'stop'), 7);
    expect(Math.min(parts.train.length, parts.validation.length, parts.test.length)).toBeGreaterThan(200);
  });
});
