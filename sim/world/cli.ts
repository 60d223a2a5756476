/** Lives worlds through from the command line: one seed, or many in a row. */
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { RULES } from './judge.ts';
import { readMotions } from './recorded-motion.ts';
import { runWorld, type WorldReport } from './world.ts';

export interface WorldCommand {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly verbose: boolean;
  /** An MCAP file whose movements the headsets make. */
  readonly recording: string | undefined;
}

export const WORLD_HELP = `Usage: copresence-sim world [options]

Lives whole simulated worlds through, each from a seed, and checks that every rule of docs/simulation.md holds.

  --seed <n>      the first seed (1)
  --seeds <n>     how many seeds in a row (1 with --seed, else 100)
  --minutes <n>   simulated time with faults in each world (0.5)
  --recording <file>  let the headsets move as in an MCAP recording, each from a place that the seed draws
  --verbose       print every event`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  minutes: { type: 'string', default: '0.5' },
  verbose: { type: 'boolean', default: false },
  recording: { type: 'string' },
} as const;

/** @throws CopresenceError CONFIG_INVALID that names the option. */
export function readWorldCommand(args: readonly string[]): WorldCommand {
  const values = parse(args);
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 1440)) throw new CopresenceError('CONFIG_INVALID', '--minutes is not a number above 0, up to 1440');
  return {
    firstSeed: wholeNumber('--seed', values.seed ?? '1', 0),
    seeds: wholeNumber('--seeds', values.seeds ?? (values.seed === undefined ? '100' : '1'), 1),
    minutes,
    verbose: values.verbose,
    recording: values.recording,
  };
}

/** Exit codes: 0 when every rule held, 1 when one did not. */
export async function runWorlds(command: WorldCommand): Promise<number> {
  const clock = systemClock();
  const { recording, minutes } = command;
  const motions = recording === undefined ? undefined : await readMotions(recording);
  const startMs = clock.nowMs();
  let steps = 0;
  let violated = 0;
  for (let at = 0; at < command.seeds; at++) {
    const seed = command.firstSeed + at;
    const report = await runWorld({ seed, minutes, motions, ...(command.verbose ? { print: (line: string) => console.log(line) } : {}) });
    steps += report.steps;
    if (report.violation !== undefined) violated++;
    const perS = Math.round((1000 * steps) / (clock.nowMs() - startMs));
    if (report.violation !== undefined) console.log(describeViolation(report, { minutes, recording }));
    else if (command.seeds === 1 || at % 10 === 9) console.log(`seed ${seed}: well, ${at + 1} of ${command.seeds} worlds, ${perS} steps/s`);
    if (command.seeds === 1) console.log(`${report.steps} steps in ${(report.simulatedMs / 1000).toFixed(0)} simulated seconds, trace ${report.hash}`);
  }
  console.log(violated === 0 ? 'Every rule held.' : `${violated} of ${command.seeds} worlds broke a rule.`);
  return violated === 0 ? 0 : 1;
}

/** What somebody needs to see it happen again. */
export function describeViolation(report: WorldReport, { minutes, recording }: Pick<WorldCommand, 'minutes' | 'recording'>): string {
  const { seed, steps, violation, plan, lines } = report;
  if (violation === undefined) return `seed ${seed}: every rule held`;
  const { rule, detail, atMs } = violation;
  return [
    `Seed ${seed} broke the rule ${rule} (${RULES[rule]}).`,
    `  ${detail}`,
    `  Step ${steps}, ${(atMs / 1000).toFixed(3)} s into the simulation. The last events:`,
    ...lines.map((line) => `    ${line}`),
    `  The world: ${JSON.stringify(plan)}`,
    `  Again: npm run sim -- world --seed ${seed} --minutes ${minutes}${recording === undefined ? '' : ` --recording ${recording}`}`,
  ].join('\n');
}

function parse(args: readonly string[]): { seed?: string | undefined; seeds?: string | undefined; minutes: string; verbose: boolean; recording?: string | undefined } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > 2 ** 31) throw new CopresenceError('CONFIG_INVALID', `${option} is not a whole number from ${least} to 2^31`);
  return value;
}
