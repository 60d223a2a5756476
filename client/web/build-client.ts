/// <reference types="node" />
/** Builds `copresence/client`: an ES module for browsers, what it loads on demand, and the types. Runs in Node. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';

const require = createRequire(import.meta.url);
const HERE = import.meta.dirname;
const ENTRY = join(HERE, 'index.ts');
/** Where package.json says that it is. */
const OUT_FOLDER = join(HERE, '../../dist/client');

/** Writes index.js and its chunks. @returns what went into them. */
export async function buildClientBundle(outFolder: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [ENTRY],
    outdir: outFolder,
    bundle: true,
    splitting: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
    legalComments: 'none',
    metafile: true,
    alias: { msgpackr: join(HERE, 'small-message-pack.ts') },
  });
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
  await buildClientTypes(OUT_FOLDER);
}
