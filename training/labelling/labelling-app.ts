/** Serves the page on which labels are made, to this machine alone, and keeps the label file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { CopresenceError } from '../../core/errors.ts';
import { appendLabel, readLabels, removeLabel } from '../dataset/recordings.ts';
import { trackBytes, type HandTrack } from './hand-tracks.ts';

export interface LabellingParts {
  /** Of the recording, to be shown. */
  readonly name: string;
  readonly labelsFile: string;
  readonly tracks: readonly HandTrack[];
  readonly durationMs: number;
  /** What the script of the page is. */
  readonly script: string;
}

const PAGE = join(import.meta.dirname, '../../client/web/labelling');
const LOCAL = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Bundles the page's script. */
export async function labellingScript(): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [join(PAGE, 'main.ts')], bundle: true, write: false, minify: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent' });
  return outputFiles[0]?.text ?? '';
}

export function createLabellingApp({ name, labelsFile, tracks, durationMs, script }: LabellingParts): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    // A page from elsewhere, open in the same browser, must not write labels, nor read what people did under a name that leads here.
    const { host = '', origin } = context.req.header();
    if (!LOCAL.test(host) || (origin !== undefined && origin !== `http://${host}`)) {
      return context.json({ detail: 'only from this machine' }, 403);
    }
    await next();
    context.header('content-security-policy', "default-src 'self'; img-src 'self' data:");
    context.header('cache-control', 'no-store');
    return undefined;
  });
  app.onError((error, context) => {
    if (error instanceof CopresenceError) return context.json({ code: error.code, detail: error.message }, 422);
    throw error;
  });
  app.get('/', (context) => context.html(readFileSync(join(PAGE, 'index.html'), 'utf8')));
  app.get('/labelling.css', (context) => context.body(readFileSync(join(PAGE, 'labelling.css')), 200, { 'content-type': 'text/css' }));
  app.get('/labelling.js', (context) => context.body(script, 200, { 'content-type': 'text/javascript' }));
  app.get('/api/recording', (context) => context.json({
    file: name, durationMs, labels: readLabels(labelsFile),
    tracks: tracks.map(({ participant, name: called, hand, training, timesMs }) => ({ participant, name: called, hand, training, frames: timesMs.length })),
  }));
  app.get('/api/hands/:index{[0-9]{1,4}}', (context) => {
    const track = tracks[Number(context.req.param('index'))];
    return track === undefined ? context.json({ detail: 'no such hand' }, 404) : context.body(trackBytes(track), 200, { 'content-type': 'application/octet-stream' });
  });
  app.post('/api/labels', bodyLimit({ maxSize: 4096 }), async (context) => {
    const label = appendLabel(labelsFile, known(await context.req.json<unknown>(), tracks));
    return context.json(label, 201);
  });
  app.delete('/api/labels', bodyLimit({ maxSize: 4096 }), async (context) => {
    if (!removeLabel(labelsFile, await context.req.json<unknown>())) throw new CopresenceError('CONFIG_INVALID', `${labelsFile} has no such label any more`);
    return context.json({});
  });
  return app;
}

/** Labels of nobody would be left out of every data set, silently. */
function known(label: unknown, tracks: readonly HandTrack[]): unknown {
  const { participant, hand } = label as { participant?: unknown; hand?: unknown };
  if (!tracks.some((track) => track.participant === participant && track.hand === hand)) throw new CopresenceError('CONFIG_INVALID', `the recording has no ${String(hand)} hand of ${String(participant)}`);
  return label;
}
