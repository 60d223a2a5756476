/** `npm run fuzz -- --seconds 600 [--seed n]`: runs every decoder on changed inputs; exits 1 with the bytes of a failure. */
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import { randomInt, systemRandom } from '../../core/random.ts';
import { fuzz, type FuzzRun } from './fuzz.ts';
import { fuzzRecordings } from './recording-target.ts';
import { TARGETS } from './targets.ts';
import { TEXT_TARGETS } from './text-targets.ts';

const ALL_TARGETS = [...TARGETS, ...TEXT_TARGETS];

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } });
const seed = values.seed === undefined ? randomInt(systemRandom, 2 ** 32) : Number(values.seed);
const clock = systemClock();
const targetMs = (Number(values.seconds) * 1000) / (ALL_TARGETS.length + 1);
if (!Number.isInteger(seed) || !(targetMs > 0)) throw new Error('--seconds takes a number above 0, --seed a whole number');

process.stdout.write(`seed ${seed}\n`);
for (const target of ALL_TARGETS) {
  const endMs = clock.nowMs() + targetMs;
  tell(target.name, fuzz(target, seed, () => clock.nowMs() < endMs));
}
const endMs = clock.nowMs() + targetMs;
tell('recording', await fuzzRecordings(seed, () => clock.nowMs() < endMs));

function tell(name: string, { executions, failure }: FuzzRun): void {
  process.stdout.write(`${name}: ${executions} executions\n`);
  if (failure === undefined) return;
  process.stdout.write(`${name} failed: ${failure.cause}\n${failure.hex}\n`);
  process.exitCode = 1;
}
