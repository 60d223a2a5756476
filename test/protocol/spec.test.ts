import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { GRANTS, ROLE_GRANTS } from '../../protocol/roles.ts';
import { downMessage } from '../../protocol/down.ts';
import { errorTable, withErrorTable } from '../../protocol/vectors/spec-table.ts';
import { upMessage } from '../../protocol/up.ts';

const ROOT = new URL('../../', import.meta.url);
const spec = readFileSync(new URL('docs/spec.md', ROOT), 'utf8');
const RULE = /\[([A-Z]{3}\d+)\]/g;
const rules = [...spec.matchAll(/^- \*\*\[([A-Z]{3}\d+)\]\*\*/gm)].map((match) => match[1] ?? '');

test('[ERR5] the table of codes is that of core/errors.ts: else run npx tsx protocol/vectors/generate.ts', () => {
  expect(withErrorTable(spec)).toBe(spec);
  expect(spec).toContain(errorTable());
});

test('[ERR5] every code that ends a connection has a close code of its own', () => {
  const codes = Object.values(ERRORS).flatMap((entry) => (entry.scope === 'connection' ? [entry.closeCode] : []));
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect((code >= 1000 && code <= 1015) || (code >= 4000 && code <= 4999)).toBe(true);
});

test('[LIM1] the table of limits has every limit with its value', () => {
  const rows = [...spec.matchAll(/^\| `(\w+)` \| (\d+) \| \S.* \|$/gm)].map((match) => [match[1], Number(match[2])]);
  expect(Object.fromEntries(rows)).toEqual(LIMITS);
});

test('[GRT1] the table of roles has the grants of each, and only grants that exist', () => {
  for (const [role, grants] of Object.entries(ROLE_GRANTS)) {
    expect(spec).toContain(`| \`${role}\` | ${grants.map((grant) => `\`${grant}\``).join(', ')} |`);
    for (const grant of grants) expect(GRANTS).toContain(grant);
  }
});

test('[CTL1] the tables of control messages have every type and every field', () => {
  for (const option of [...upMessage.def.options, ...downMessage.def.options]) {
    const type = option.def.shape.type.def.values[0];
    const row = spec.split('\n').find((line) => line.startsWith(`| \`${type}\` |`)) ?? '';
    expect(row, `the row of ${type}`).not.toBe('');
    const text = row.includes('[RES1]') ? spec.slice(spec.indexOf('**[RES1]**'), spec.indexOf('**[RES2]**')) : row.includes('[ERR1]') ? spec.slice(spec.indexOf('**[ERR1]**'), spec.indexOf('**[ERR2]**')) : row;
    for (const field of Object.keys(option.def.shape)) if (field !== 'type') expect(text, `${type}.${field}`).toContain(`\`${field}\``);
  }
});

test('[VER1] every rule has a number of its own, and every number that the specification refers to is a rule', () => {
  expect(new Set(rules).size).toBe(rules.length);
  for (const [, cited] of spec.matchAll(RULE)) expect(rules).toContain(cited);
});

test('[VER1] every limit that the specification refers to exists', () => {
  for (const [, name] of spec.matchAll(/LIMITS\.(\w+)/g)) if (name !== 'x') expect(Object.keys(LIMITS)).toContain(name);
});

test('[VER1] every rule that a test title cites is in the specification, of the wire or of recordings', () => {
  const recording = readFileSync(new URL('docs/recording.md', ROOT), 'utf8');
  const known = [...rules, ...[...recording.matchAll(/^- \*\*([A-Z]{3}\d+)\*\*/gm)].map((match) => match[1] ?? '')];
  for (const [rule, names] of citations()) expect(known, `${[...names].join(', ')} cites ${rule}`).toContain(rule);
});

test('[VER1] every rule is cited by the title of a test', () => {
  const cited = citations();
  expect(rules.filter((rule) => !cited.has(rule))).toEqual([]);
});

/** By rule, the files with a test title, or a row of a table of tests, that begins with it. */
function citations(): Map<string, Set<string>> {
  const folder = new URL('test/', ROOT);
  const found = new Map<string, Set<string>>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts') || file.endsWith('-contract.ts'))) {
    const titles = readFileSync(new URL(name, folder), 'utf8').matchAll(/(?<=[(\[,]\s*['"`])((?:\[[A-Z]{3}\d+\] )+)(?=\S)/g);
    for (const [, cited = ''] of titles) for (const [, rule = ''] of cited.matchAll(RULE)) found.set(rule, (found.get(rule) ?? new Set()).add(name));
  }
  return found;
}
