/** The Unity package's runtime under mono: its codec by NUnit against the golden vectors, and the client itself against a real server. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeScenario } from '../support/native-scenario.ts';

const ROOT = join(import.meta.dirname, '../../..');
const UNITY = join(ROOT, 'client/unity');
const BUILD = join(ROOT, '.cache/unity');
const NUNIT = '/usr/lib/mono/gac/nunit.framework';

/** Debian: mono-mcs mono-runtime nunit-console libnunit-cil-dev libmono-system-web-extensions4.0-cil. */
const MISSING = ['/usr/bin/mcs', '/usr/bin/mono', '/usr/bin/nunit-console', NUNIT, '/usr/lib/mono/4.5/System.Web.Extensions.dll'].filter((path) => !existsSync(path));
const isOptional = process.env['CI'] === undefined;

/** As Unity 2018 and later compile it: C# 7.2, and no warning. */
function compile(out: string, sources: readonly string[], references: readonly string[] = [], target = 'library'): string {
  mkdirSync(BUILD, { recursive: true });
  const path = join(BUILD, out);
  execFileSync('mcs', ['-langversion:7.2', '-warnaserror', `-target:${target}`, `-out:${path}`, ...references.map((reference) => `-r:${reference}`), ...sources], { stdio: ['ignore', 'inherit', 'inherit'] });
  return path;
}

const runtime = (): string => compile('Copresence.dll', readdirSync(join(UNITY, 'Runtime')).filter((name) => name.endsWith('.cs')).map((name) => join(UNITY, 'Runtime', name)));

describe.skipIf(MISSING.length > 0 && isOptional)(`the Unity package${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 180_000 }, () => {
  let library: string;
  const { server } = nativeScenario(() => {
    library = runtime();
    return ['mono', compile('live.exe', [join(UNITY, 'Tests~/Live.cs')], [library], 'exe')];
  });

  it('passes its own tests: golden vectors, what is to be refused, hostile bytes, Unity\'s space and avatars', () => {
    const nunit = join(NUNIT, readdirSync(NUNIT)[0] ?? '', 'nunit.framework.dll');
    const tests = compile('Tests.dll', [join(UNITY, 'Tests~/CodecTests.cs')], [library, 'System.Web.Extensions', nunit]);
    const out = execFileSync('nunit-console', ['-nologo', '-noresult', tests], { encoding: 'utf8', env: { ...process.env, COPRESENCE_VECTORS: join(ROOT, 'protocol/vectors') } });
    expect(out).toMatch(/Tests run: 11, Errors: 0, Failures: 0, Inconclusive: 0/);
  });

  it('has two avatars see each other in twenty lines', async () => {
    const source = join(UNITY, 'Samples~/TwoAvatars/TwoAvatars.cs');
    const lines = readFileSync(source, 'utf8').trim().split('\n').filter((line) => !/^\s*([{}]|\/\/.*|using .*;)?\s*$/.test(line));
    expect(lines.length).toBeLessThanOrEqual(20);
    const program = compile('two-avatars.exe', [source], [library], 'exe');
    const out = execFileSync('mono', [program, server().url.replace('http', 'ws'), await server().token('host')], { encoding: 'utf8', timeout: 60_000 });
    expect(out.trim()).toBe('Ada is at 0, 1.6, 0');
  });

  it('is a package that Unity can install by its git URL', () => {
    const manifest = JSON.parse(readFileSync(join(UNITY, 'package.json'), 'utf8')) as { name: string; unity: string; version: string };
    expect(manifest).toMatchObject({ name: 'com.copresence.client', unity: '2021.3', version: (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version });
    expect(JSON.parse(readFileSync(join(UNITY, 'Runtime/Copresence.asmdef'), 'utf8'))).toMatchObject({ name: 'Copresence', noEngineReferences: true });
  });
});
