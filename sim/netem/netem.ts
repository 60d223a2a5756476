/** Makes a network namespace with a bad network around a program, where this machine allows that. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import type { Network } from '../load/profile.ts';
import { planNetem, type Command, type NetemPlan } from './plan-netem.ts';

/** Runs a command to its end. @returns what it printed to standard error, and its exit code; -1 when there is no such program. */
export type RunCommand = (command: Command) => Promise<{ readonly code: number; readonly stderr: string }>;

const run = promisify(execFile);

export const runCommand: RunCommand = async ([program, ...args]) => {
  try {
    const { stderr } = await run(program, args);
    return { code: 0, stderr };
  } catch (error) {
    const { code, stderr } = error as { code?: number | string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, stderr: stderr ?? '' };
  }
};

export interface NetemParts {
  readonly run: RunCommand;
  readonly platform: NodeJS.Platform;
  /** 0 for root; undefined where there are no users of that kind. */
  readonly userId: number | undefined;
}

export function netemOfThisMachine(): NetemParts {
  return { run: runCommand, platform: process.platform, userId: process.getuid?.() };
}

/** Why a namespace with this network cannot be made here; undefined where it can. Leaves nothing behind. */
export async function whyNoNetem(parts: NetemParts, network: Network, id: number): Promise<string | undefined> {
  const lacking = await whatIsLacking(parts);
  if (lacking !== undefined) return lacking;
  const plan = planNetem(network, id);
  try {
    return await firstFailure(parts.run, plan);
  } finally {
    await takeDown(parts.run, plan);
  }
}

async function whatIsLacking({ run: attempt, platform, userId }: NetemParts): Promise<string | undefined> {
  if (platform !== 'linux') return `network namespaces are Linux's, and this is ${platform}`;
  for (const program of ['ip', 'tc']) if ((await attempt([program, '-Version'])).code !== 0) return `the program ${program} is not there (Debian's package iproute2)`;
  return userId === 0 ? undefined : 'making a network namespace takes root';
}

async function firstFailure(attempt: RunCommand, { up }: NetemPlan): Promise<string | undefined> {
  for (const command of up) {
    const { code, stderr } = await attempt(command);
    if (code === 0) continue;
    const said = stderr.trim().split('\n')[0] ?? '';
    if (command.includes('netem') && /qdisc kind is unknown/.test(stderr)) return 'this kernel has no netem (the module sch_netem, CONFIG_NET_SCH_NETEM)';
    return `"${command.join(' ')}" ended with ${code}: ${said}`;
  }
  return undefined;
}

async function takeDown(attempt: RunCommand, { down }: NetemPlan): Promise<void> {
  for (const command of down) await attempt(command);
}

/**
 * Runs a program in a namespace with this network, on this process's terminal, and takes the namespace down behind it.
 *
 * @param commandFor - what to run, given the address under which this machine is reached from inside.
 * @returns its exit code.
 * @throws CopresenceError CONFIG_INVALID that says why where this machine does not allow it.
 */
export async function runInside(parts: NetemParts, network: Network, { id, commandFor }: { readonly id: number; readonly commandFor: (hostAddress: string) => Command }): Promise<number> {
  const lacking = await whatIsLacking(parts);
  if (lacking !== undefined) throw new CopresenceError('CONFIG_INVALID', `netem is not possible here: ${lacking}`);
  const plan = planNetem(network, id);
  let child: ChildProcess | undefined;
  // The program inside hears an interrupt at the terminal too, and ends by itself; the namespace must outlive it.
  const onInterrupt = (): void => undefined;
  const onTerminate = (): void => void child?.kill('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  try {
    const failed = await firstFailure(parts.run, plan);
    if (failed !== undefined) throw new CopresenceError('CONFIG_INVALID', `netem is not possible here: ${failed}`);
    const [program, ...args] = plan.inside(commandFor(plan.hostAddress));
    child = spawn(program, args, { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
    await takeDown(parts.run, plan);
  }
}
