/** `copresence model label`: says what a hand does in an interval of a recording, on a page or in one line. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { openRecording } from '../../recording/reader.ts';
import { appendLabel } from '../dataset/recordings.ts';
import { readHandTracks } from '../labelling/hand-tracks.ts';
import { createLabellingApp, labellingScript } from '../labelling/labelling-app.ts';
import { EXIT, portNumber, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  labels: { type: 'string' }, recording: { type: 'string' }, port: { type: 'string', default: '7320' },
  participant: { type: 'string' }, hand: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' }, label: { type: 'string' },
} as const;

export const label: ModelCommand = {
  help: `Usage: copresence model label --labels <file> --recording <file.mcap> [--port <n>]
       copresence model label --labels <file> --participant <id> --hand <left|right> --from <ms> --to <ms> --label <label>

  With --recording a page is served to this machine (port 7320; 0 takes a free one), on which the hands move along a line of time and labels are
  drawn. Without, one line is added. Both write the label file of collect --recording. Times are milliseconds since the recording's first item.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const file = required('labels', values.labels);
    if (values.recording !== undefined) return serve(values.recording, file, portNumber(values.port));
    const added = appendLabel(file, {
      participant: required('participant', values.participant), hand: required('hand', values.hand),
      fromMs: Number(required('from', values.from)), toMs: Number(required('to', values.to)), label: required('label', values.label),
    });
    console.log(`${file}: ${added.participant}'s ${added.hand} hand, ${added.fromMs} to ${added.toMs} ms: ${added.label}`);
    return EXIT.ok;
  },
};

async function serve(path: string, labelsFile: string, port: number): Promise<number> {
  const recording = await openRecording(path);
  const found = await readHandTracks(recording).finally(() => recording.close());
  const server = createAdaptorServer({ fetch: createLabellingApp({ name: basename(path), labelsFile, ...found, script: await labellingScript() }).fetch });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  console.log(`open http://127.0.0.1:${(server.address() as AddressInfo).port}/ and label; Ctrl+C ends it`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await once(stop.signal, 'abort');
  server.close();
  return EXIT.ok;
}
