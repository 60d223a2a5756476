/** `sim netem`: another command of the simulator behind a bad network that the kernel makes. */
import { fileURLToPath } from 'node:url';
import { CopresenceError } from '../../core/errors.ts';
import { network as networkSchema, type Network } from '../load/profile.ts';
import { netemOfThisMachine, runInside, whyNoNetem } from '../netem/netem.ts';
import type { Command } from '../netem/plan-netem.ts';
import { numberOf, readArguments } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';

const HELP = `Usage: copresence-sim netem [options] -- <command> [options of the command]

Runs a command such as load in a network namespace of its own, whose only way to this machine is a pair of virtual interfaces
with the kernel's network emulation (tc netem) at both ends. Needs Linux, root, iproute2 and a kernel with netem.

  --delay-ms <n>          each way
  --jitter-ms <n>         on top of the delay, at most
  --loss <share>          of the packets, 0..1
  --reorder <share>       of the packets, those that are not delayed and so overtake others; needs a delay
  --kilobits-per-s <n>    each way
  --check                 only say whether this machine allows it

In the command's options 127.0.0.1 and localhost stand for this machine, whose server must listen on 0.0.0.0; other machines are not reached.`;

const OPTIONS = {
  'delay-ms': { type: 'string' }, 'jitter-ms': { type: 'string' }, loss: { type: 'string' }, reorder: { type: 'string' }, 'kilobits-per-s': { type: 'string' }, check: { type: 'boolean', default: false },
} as const;

export const netem: SimCommand = {
  help: HELP,
  async run(args) {
    const { network, check, command } = readNetemOptions(args);
    if (!check) return runInside(netemOfThisMachine(), network, { id: process.pid, commandFor: (hostAddress) => commandInside(command, hostAddress) });
    const why = await whyNoNetem(netemOfThisMachine(), network, process.pid);
    process.stdout.write(why === undefined ? 'netem is possible here\n' : `netem is not possible here: ${why}\n`);
    return why === undefined ? EXIT.ok : EXIT.failed;
  },
};

export interface NetemOptions {
  readonly network: Network;
  readonly check: boolean;
  /** Of the simulator, with its options. */
  readonly command: readonly string[];
}

/** @throws CopresenceError CONFIG_INVALID. */
export function readNetemOptions(args: readonly string[]): NetemOptions {
  const end = args.indexOf('--');
  const { values } = readArguments(end === -1 ? args : args.slice(0, end), OPTIONS, []);
  const command = end === -1 ? [] : args.slice(end + 1);
  const check = values['check'] === true;
  if (!check && command.length === 0) throw new CopresenceError('CONFIG_INVALID', 'the command to run is missing: netem [options] -- load --url ...');
  const network = networkSchema.parse({
    delayMs: numberOf(values, 'delay-ms', { least: 0, most: 10_000 }), jitterMs: numberOf(values, 'jitter-ms', { least: 0, most: 10_000 }), loss: numberOf(values, 'loss', { least: 0, most: 1 }),
    reorder: numberOf(values, 'reorder', { least: 0, most: 1 }), kilobitsPerS: numberOf(values, 'kilobits-per-s', { least: 1, most: 10_000_000 }),
  });
  if (network.reorder > 0 && network.delayMs === 0) throw new CopresenceError('CONFIG_INVALID', '--reorder needs a --delay-ms: what is not delayed cannot be overtaken');
  return { network, check, command };
}

/** The simulator as it runs now, with addresses of this machine as they are from inside. */
export function commandInside(command: readonly string[], hostAddress: string): Command {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const args = command.map((word) => word.replace(/^((?:ws|http)s?:\/\/)(?:127\.0\.0\.1|localhost)(?=[:/]|$)/, `$1${hostAddress}`));
  return [process.execPath, '--import', import.meta.resolve('tsx'), main, ...args];
}
