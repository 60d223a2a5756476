/** The simulator's subcommands, by name. Each is loaded only when it is asked for. */
import type { SimCommand } from './command.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<SimCommand>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  compare: { summary: 'compare the reports of two loads', load: async () => (await import('./compare.ts')).compare },
  load: { summary: 'load a server with thousands of light headsets, by a profile', load: async () => (await import('./load.ts')).load },
  netem: { summary: 'run a command behind a bad network that the kernel makes', load: async () => (await import('./netem.ts')).netem },
  'null-server': { summary: 'serve a load with as little as one can, to find the simulator\'s own limit', load: async () => (await import('./null-server.ts')).nullServer },
  run: { summary: 'run virtual headsets against a server', load: async () => (await import('./run.ts')).run },
  witness: { summary: 'check the latencies of a load from another process', load: async () => (await import('./witness.ts')).witness },
  world: { summary: 'live whole simulated worlds through, from seeds', load: async () => (await import('./world.ts')).world },
  inspect: { summary: 'show what is in a recording', load: async () => (await import('./inspect.ts')).inspect },
  validate: { summary: 'check a recording against every rule', load: async () => (await import('./validate.ts')).validate },
  recover: { summary: 'make a closed file of a recording that was cut off or damaged', load: async () => (await import('./recover.ts')).recover },
  cut: { summary: 'write a part of a recording', load: async () => (await import('./cut.ts')).cut },
  convert: { summary: 'turn other formats into recordings, and recordings into other formats', load: async () => (await import('./convert.ts')).convert },
};

/** What is meant when the first word is an option. */
const DEFAULT_COMMAND = 'run';

export type Invocation =
  | { readonly kind: 'overview' }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'help' | 'run'; readonly name: string; readonly entry: CommandEntry; readonly args: readonly string[] };

/** Reads which command is meant: `[name] [options]`, or `--help` for all of them. */
export function readInvocation(args: readonly string[]): Invocation {
  const [first] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') return { kind: 'overview' };
  const named = !first.startsWith('-');
  const name = named ? first : DEFAULT_COMMAND;
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) return { kind: 'unknown', name };
  const rest = named ? args.slice(1) : args;
  const wantsHelp = rest.some((word) => word === '--help' || word === '-h');
  return { kind: wantsHelp ? 'help' : 'run', name, entry, args: rest };
}

export function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}`);
  return `Usage: copresence-sim <command> [options]       (in a checkout: npm run sim -- <command> [options])

${lines.join('\n')}

  <command> --help lists a command's options. Options without a command are those of ${DEFAULT_COMMAND}.
  Exit codes: 0 all is well; 1 a threshold was missed or the run failed; 2 wrong options or bad input.`;
}
