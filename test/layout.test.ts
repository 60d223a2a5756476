/** The layout: which folder may import which, how large files and functions may be, and who may look at the clock. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

/** By unit, the units that it may import beside itself. The longest matching prefix names a file's unit. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  protocol: ['core'],
  features: ['core'],
  registry: ['core'],
  recording: ['core', 'protocol'],
  client: ['core', 'protocol', 'client/prediction'],
  // Training holds a learnt predictor against the SDK's own.
  'client/prediction': ['core', 'protocol'],
  training: ['core', 'registry', 'features', 'protocol', 'recording', 'client/prediction'],
  'server/flow.ts': ['core', 'protocol', 'server/snapshot-flow.ts'],
  'server/snapshot-flow.ts': [],
  'server/video-flow.ts': ['core', 'protocol'],
  'server/config.ts': ['core', 'protocol'],
  'server/transport': ['core', 'protocol', 'server/flow.ts'],
  'server/session': ['core', 'protocol', 'features', 'server/flow.ts', 'server/video-flow.ts', 'server/snapshot-flow.ts'],
  'server/scheduler': ['core', 'protocol', 'server/flow.ts'],
  'server/broadcast': ['core', 'protocol', 'server/flow.ts', 'server/snapshot-flow.ts'],
  'server/watch-flow.ts': ['server/flow.ts'],
  'server/rollout': ['core', 'protocol', 'server/flow.ts', 'server/watch-flow.ts'],
  'server/watch': ['core', 'protocol', 'features', 'server/flow.ts', 'server/watch-flow.ts'],
  'server/video': ['core', 'protocol', 'server/video-flow.ts'],
  'server/forwarding': ['core', 'protocol', 'server/flow.ts'],
  'server/pipeline': ['core', 'protocol', 'features', 'server/flow.ts'],
  'server/model': ['core', 'protocol', 'server/flow.ts', 'server/watch-flow.ts', 'registry', 'features'],
  'server/http': ['core', 'protocol', 'registry', 'server'],
  server: ['core', 'protocol', 'registry', 'recording', 'server'],
  // The simulated world drives the server's stages themselves; the fleet may not even see them.
  'sim/world': ['core', 'protocol', 'client', 'server', 'sim'],
  sim: ['core', 'protocol', 'registry', 'recording', 'client', 'server/app.ts', 'sim/world'],
  examples: ['*'],
  bench: ['*'],
  test: ['*'],
};
const NOT_CODE = new Set(['node_modules', '.git', '.cache', 'dist', 'docs', 'models', 'reports', 'recordings', 'coverage', '.ci']);
const MAY_TOUCH_TIME = new Set(['core/clock.ts', 'core/random.ts']);
const WALL_CLOCK = /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate)\s*\(/;

const files = listSources(ROOT).map((path) => ({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') }));

describe('the layout', () => {
  it('knows every folder that holds code', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !NOT_CODE.has(entry.name));
    for (const { name } of folders) expect(Object.keys(MAY_IMPORT).some((unit) => unit.split('/')[0] === name), `the folder ${name}`).toBe(true);
  });

  it.each(files)('$path imports along the table', ({ path, text }) => {
    const unit = unitOf(path);
    for (const target of importsOf(path, text)) {
      const other = unitOf(target);
      const allowed = MAY_IMPORT[unit] ?? [];
      const fits = other === unit || allowed.some((name) => name === '*' || other === name || other.startsWith(`${name}/`));
      expect(fits, `${path} imports ${target}`).toBe(true);
    }
  });

  it.each(files)('$path is small', ({ path, text }) => {
    expect(text.split('\n').length, `lines of ${path}`).toBeLessThanOrEqual(MAX_FILE_LINES);
    if (path.startsWith('test/')) return;
    for (const { name, lines } of functionsOf(path, text)) expect(lines, `lines of ${name} in ${path}`).toBeLessThanOrEqual(MAX_FUNCTION_LINES);
  });

  it.each(files)('$path takes its time and chance from outside', ({ path, text }) => {
    if (MAY_TOUCH_TIME.has(path) || path.startsWith('test/')) return;
    expect(WALL_CLOCK.exec(stripComments(text))?.[0]).toBeUndefined();
  });

  it('has no cycle of imports', () => {
    expect(findCycle(new Map(files.map(({ path, text }) => [path, importsOf(path, text)])))).toBeUndefined();
  });
});

function listSources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return NOT_CODE.has(name) ? [] : listSources(path);
    return name.endsWith('.ts') && !name.endsWith('.d.ts') && name !== 'vitest.config.ts' ? [path] : [];
  });
}

function unitOf(path: string): string {
  const units = Object.keys(MAY_IMPORT).filter((unit) => path === unit || path.startsWith(`${unit}/`));
  return units.reduce((longest, unit) => (unit.length > longest.length ? unit : longest), '');
}

function importsOf(path: string, text: string): string[] {
  return ts
    .preProcessFile(text)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(ROOT, resolve(ROOT, dirname(path), name)));
}

function functionsOf(path: string, text: string): { name: string; lines: number }[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const found: { name: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      found.push({ name: node.name?.getText() ?? `the function at line ${first + 1}`, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of graph.get(path) ?? []) {
      const cycle = walk(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of graph.keys()) {
    const cycle = walk(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
