/** docs/faults.md names tests; a test that was renamed or went away would leave a claim that nothing holds. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const DOCS = join(import.meta.dirname, '../docs');
const ROWS = readFileSync(join(DOCS, 'faults.md'), 'utf8').split('\n').filter((line) => /^\| \d+ \|/.test(line));
const NAMED = ROWS.flatMap((row) => [...row.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)].map(([, title = '', file = '']) => ({ fault: Number(/\d+/.exec(row)?.[0]), title, file })));

it('names a test for each fault', () => {
  expect([...new Set(NAMED.map(({ fault }) => fault))]).toEqual([1, 2, 3, 4, 5, 6, 11, 13, 14, 15, 16, 17, 18, 19]);
});

it.each(NAMED)('names a test of fault $fault that is there: $title', ({ title, file }) => {
  const path = join(DOCS, file);
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, 'utf8')).toContain(title);
});
