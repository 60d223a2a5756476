/** The Unity package under mono. Debian: mono-mcs mono-runtime nunit-console libnunit-cil-dev libmono-system-web-extensions4.0-cil. */
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, ROOT } from './native-build.ts';

const UNITY = join(ROOT, 'client/unity');
const TESTS = join(UNITY, 'Tests~');
const NUNIT = '/usr/lib/mono/gac/nunit.framework';

/** What has to be installed first; empty where all is there. */
export function missingForUnity(): string[] {
  const packages: Readonly<Record<string, string>> = {
    '/usr/bin/mcs': 'mono-mcs', '/usr/bin/mono': 'mono-runtime', '/usr/bin/nunit-console': 'nunit-console', [NUNIT]: 'libnunit-cil-dev',
    '/usr/lib/mono/4.5/System.Web.Extensions.dll': 'libmono-system-web-extensions4.0-cil',
  };
  return Object.entries(packages).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
}

/** As Unity 2018 and later compile it: C# 7.2, and no warning. */
async function compile(name: string, sources: readonly string[], { target, references }: { readonly target: 'library' | 'exe'; readonly references: readonly string[] }): Promise<string> {
  const path = await build({
    name,
    compiler: 'mcs',
    args: (out) => ['-langversion:7.2', '-warnaserror', '-optimize+', `-target:${target}`, `-out:${out}`, ...references.map((reference) => `-r:${reference}`), ...sources],
    // A reference into the build folder has the digest of its own sources in its path.
    inputs: sources,
  });
  // mono looks for libraries beside the program.
  for (const reference of references.filter((each) => each.startsWith(ROOT))) copyFileSync(reference, join(dirname(path), 'Copresence.dll'));
  return path;
}

const sourcesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.cs')).sort().map((name) => join(folder, name));

const library = (): Promise<string> => compile('Copresence.dll', sourcesIn(join(UNITY, 'Runtime')), { target: 'library', references: [] });
const program = async (name: string, sources: readonly string[]): Promise<string> => compile(name, sources, { target: 'exe', references: [await library()] });

/** A participant that prints what it hears, the codec for comparing, and the measures. */
export const unityLive = (): Promise<string> => program('live.exe', [...['Live', 'Outcomes', 'RoundTrip', 'CodecBench'].map((name) => join(TESTS, `${name}.cs`))]);
export const unityExample = (): Promise<string> => program('two-avatars.exe', [join(UNITY, 'Samples~/TwoAvatars/TwoAvatars.cs')]);
/** A library for nunit-console. */
export async function unityTests(): Promise<string> {
  const nunit = join(NUNIT, readdirSync(NUNIT)[0] ?? '', 'nunit.framework.dll');
  const sources = ['CodecTests', 'DeltaTests', 'VectorFiles'].map((name) => join(TESTS, `${name}.cs`));
  return compile('Tests.dll', sources, { target: 'library', references: [await library(), 'System.Web.Extensions', nunit] });
}
