/** `npm run shadow -- --recording <file.mcap> --model <name> --version <a> --against <b>`: two versions of a model over a recording. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { systemProblem } from '../../core/system-error.ts';
import { openRecording } from '../../recording/reader.ts';
import { openModelStore } from '../../registry/store.ts';
import { openRunner } from '../model/runner.ts';
import { compareVersions, type ShadowReport, type VersionRun } from './compare.ts';
import { inputsOf } from './inputs.ts';

const HELP = `Usage: npm run shadow -- --recording <file.mcap> --model <name> --version <version> --against <version> [options]

Runs two versions of a model over what participants of a recording sent who allow inference, and says how far they agree.
Models for gestures, chat, body poses and hands in JPEG pictures can be compared.

  --models-folder <path>   where the models are (default: those that ship)
  --signers <file>         whose signatures count
  --rate <hz>              of each hand or camera at most so many a second (default 5)
  --max-inputs <n>         more are not looked at (default 10000)
  --min-agreement <share>  exit with 1 below it
  --json <file>            the report, also as JSON`;

const OPTIONS = {
  recording: { type: 'string' }, model: { type: 'string' }, version: { type: 'string' }, against: { type: 'string' }, 'models-folder': { type: 'string' }, signers: { type: 'string' },
  rate: { type: 'string', default: '5' }, 'max-inputs': { type: 'string', default: '10000' }, 'min-agreement': { type: 'string', default: '0' }, json: { type: 'string' }, help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof readArguments>;

const ROOT = new URL('../../', import.meta.url);
const MAX_RATE_HZ = 120;

/** Exit codes: 0 all is well, 1 too little agreement, 2 wrong options or bad input. */
async function main(values: Values): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const leastAgreement = numberOf('min-agreement', values['min-agreement'], 1);
  const report = await compare(values);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  tell(report);
  if (report.compared === 0) throw new CopresenceError('RECORDING_INVALID', 'there was nothing in the recording that both could answer and that may be used');
  return report.agreement >= leastAgreement ? 0 : 1;
}

async function compare(values: Values): Promise<ShadowReport> {
  const clock = systemClock();
  const store = openModelStore({ modelsFolder: values['models-folder'] ?? folder('models'), cacheFolder: folder('.cache/models'), signersFile: values.signers });
  const [model, version, against] = [required('model', values.model), required('version', values.version), required('against', values.against)];
  const [rateHz, maxInputs] = [numberOf('rate', values.rate, MAX_RATE_HZ), numberOf('max-inputs', values['max-inputs'], 1e7)];
  if (rateHz === 0) throw new CopresenceError('CONFIG_INVALID', '--rate 0 takes nothing');
  const [a, b] = [await openRunner(await store.resolve(model, version), { capacity: 1 }), await openRunner(await store.resolve(model, against), { capacity: 1 })];
  const recording = await openRecording(required('recording', values.recording));
  try {
    return await compareVersions(inputsOf(recording, { task: a.manifest.task, rateHz }), { a, b }, clock, { maxInputs });
  } finally {
    await recording.close();
    await Promise.all([a.close(), b.close()]);
  }
}

function tell({ inputs, compared, agreement, flips, a, b }: ShadowReport): void {
  console.log(`${inputs} inputs, ${compared} compared: agreement ${agreement.toFixed(4)}`);
  console.table([a, b].map(({ version, answered, meanConfidence, latencyMs, failed }: VersionRun) => ({ version, answered, failed: JSON.stringify(failed), 'mean confidence': meanConfidence.toFixed(3), 'median ms': latencyMs.median.toFixed(2), 'p99 ms': latencyMs.p99.toFixed(2) })));
  for (const { from, to, count } of flips.slice(0, 20)) console.log(`  ${from} -> ${to}: ${count}`);
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : String(error));
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new CopresenceError('CONFIG_INVALID', `give --${name}; --help lists the options`);
  return value;
}

function numberOf(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!(value >= 0 && value <= most)) throw new CopresenceError('CONFIG_INVALID', `--${name} ${text} is not a number from 0 to ${most}`);
  return value;
}

function folder(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

try {
  process.exitCode = await main(readArguments());
} catch (error) {
  const problem = error instanceof CopresenceError ? error : systemProblem(error);
  if (problem === undefined) throw error;
  console.error(problem.message);
  process.exitCode = 2;
}
