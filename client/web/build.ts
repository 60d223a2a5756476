/// <reference types="node" />
/** Builds the viewer: one script, one page, one style sheet. Runs in Node. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Files that go as they are. */
const PLAIN_FILES = ['index.html', 'viewer.css'] as const;

/** Writes viewer.js, index.html and viewer.css into `outFolder`, which is made when missing. */
export async function buildViewer(outFolder: string): Promise<void> {
  await mkdir(outFolder, { recursive: true });
  await bundleForBrowser(join(import.meta.dirname, 'main.ts'), join(outFolder, 'viewer.js'));
  for (const file of PLAIN_FILES) await copyFile(join(import.meta.dirname, file), join(outFolder, file));
}

/** For `bundleForBrowser`: the page has A-Frame, and three.js in it. */
export const INSIDE_AFRAME = { three: join(import.meta.dirname, 'aframe-three.ts') } as const;

/**
 * Bundles a script of this project and all that it imports into one minified file for browsers of 2022 and later.
 *
 * @param instead - by package, the file that is taken in its place.
 */
export async function bundleForBrowser(entry: string, outFile: string, instead: Readonly<Record<string, string>> = {}): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile: outFile,
    alias: instead,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
    legalComments: 'none',
  });
}

/** From the command line: into the folder that is named, else where the server looks. */
if (import.meta.filename === process.argv[1]) {
  await buildViewer(process.argv[2] ?? join(import.meta.dirname, '../../.cache/viewer'));
}
