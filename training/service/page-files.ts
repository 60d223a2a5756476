/** The page at `/`: three files of this project, which ask for nothing from anywhere else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Hono } from 'hono';
import type { Env } from './call.ts';

const PAGE = join(import.meta.dirname, '../../client/web/models');

const HEADERS = {
  // Reports stand in a frame and bring their styles in them, which this allows; they may run nothing.
  'content-security-policy': "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store',
} as const;

/** Bundles the page's script. */
export async function pageScript(): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [join(PAGE, 'main.ts')], bundle: true, write: false, minify: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent' });
  return outputFiles[0]?.text ?? '';
}

/** @param script - of `pageScript`. */
export function addPage(app: Hono<Env>, script: string): void {
  const give = (path: string, type: string, text: string): void => void app.get(path, (context) => context.body(text, 200, { ...HEADERS, 'content-type': `${type}; charset=utf-8` }));
  give('/', 'text/html', readFileSync(join(PAGE, 'index.html'), 'utf8'));
  give('/models.css', 'text/css', readFileSync(join(PAGE, 'models.css'), 'utf8'));
  give('/models.js', 'text/javascript', script);
}
