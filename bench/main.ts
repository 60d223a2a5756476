/** `npm run bench`: every benchmark, or those named; `--smoke` makes each as short as can be. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const BENCHES: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<void> | void }>>> = {
  codec: () => import('./codec.ts'),
  clients: () => import('./clients.ts'),
  engines: () => import('./engines.ts'),
  gateway: () => import('./gateway.ts'),
  scheduler: () => import('./scheduler.ts'),
  phase: () => import('./phase.ts'),
  prediction: () => import('./prediction.ts'),
  video: () => import('./video.ts'),
  inference: () => import('./inference.ts'),
  interest: () => import('./interest.ts'),
  fanout: () => import('./fanout.ts'),
  recording: () => import('./recording.ts'),
  faults: () => import('./faults.ts'),
  training: () => import('./training.ts'),
  swaps: () => import('./swaps.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { smoke: { type: 'boolean', default: false }, out: { type: 'string', default: 'reports/bench' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  console.error(`no benchmark called ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
mkdirSync(values.out, { recursive: true });
for (const name of names) {
  console.log(`\n── ${name} ──`);
  const bench = await BENCHES[name]?.();
  await bench?.main(['--json', join(values.out, `${name}.json`), ...(values.smoke ? ['--smoke'] : [])]);
}
