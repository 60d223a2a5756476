/// <reference types="node" />
/**
 * Builds what `package.json` exports for browsers: `copresence/client` with what it loads on demand, an adapter for each engine, and the types.
 * Runs in Node.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { INSIDE_AFRAME } from './build.ts';

const require = createRequire(import.meta.url);
const HERE = import.meta.dirname;
/** Where package.json says that it is. */
const OUT_FOLDER = join(HERE, '../../dist/client');
const SMALL_MESSAGE_PACK = { msgpackr: join(HERE, 'small-message-pack.ts') };

/** Codes of models and tools are no client's: pages do without what they mean. A wrong address is a setting that is wrong, which a client says too. */
const WITHOUT_TOOL_CODES: Plugin = {
  name: 'without-tool-codes',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]core[\\/]errors\.ts$/ }, async ({ path }) => ({ loader: 'ts', contents: (await readFile(path, 'utf8')).replace(/^(?!  CONFIG_INVALID:).*scope: 'process', .*\n/gm, '') }));
  },
};

/** Each a file of its own, what a page may do without apart from the SDK. What engine it is for the page loads itself: two copies of one do not know each other's objects. */
const ADAPTERS = {
  consent: { entry: 'consent-form.ts', external: [], alias: {} },
  three: { entry: 'three-avatars.ts', external: ['three'], alias: {} },
  vrm: { entry: 'vrm-figure.ts', external: ['three'], alias: {} },
  babylon: { entry: 'babylon-avatars.ts', external: ['@babylonjs/core'], alias: {} },
  aframe: { entry: 'aframe.ts', external: [], alias: { ...INSIDE_AFRAME, ...SMALL_MESSAGE_PACK } },
} as const;
export type Adapter = keyof typeof ADAPTERS;

const OPTIONS = {
  bundle: true, minify: true, sourcemap: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'warning', legalComments: 'none', metafile: true, plugins: [WITHOUT_TOOL_CODES],
} satisfies BuildOptions;

/** Writes index.js and its chunks. @returns what went into them. */
export async function buildClientBundle(outFolder: string): Promise<Metafile> {
  const { metafile } = await build({ ...OPTIONS, entryPoints: [join(HERE, 'index.ts')], outdir: outFolder, splitting: true, alias: SMALL_MESSAGE_PACK });
  return metafile;
}

/** Writes `<name>.js`. It shares no file with index.js, which would be two files to load then, and larger. @returns what went into it. */
export async function buildAdapter(name: Adapter, outFolder: string): Promise<Metafile> {
  const { entry, external, alias } = ADAPTERS[name];
  const { metafile } = await build({ ...OPTIONS, entryPoints: [join(HERE, entry)], outfile: join(outFolder, `${name}.js`), external: [...external], alias });
  return metafile;
}

/** Writes the types below `types/`, in the folders of their sources. */
export async function buildClientTypes(outFolder: string): Promise<void> {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(HERE, 'tsconfig.types.json'), '--outDir', join(outFolder, 'types')]);
}

if (import.meta.filename === process.argv[1]) {
  await rm(OUT_FOLDER, { recursive: true, force: true });
  await buildClientBundle(OUT_FOLDER);
  for (const name of Object.keys(ADAPTERS) as Adapter[]) await buildAdapter(name, OUT_FOLDER);
  await buildClientTypes(OUT_FOLDER);
}
