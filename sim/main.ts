/** Runs a fleet of virtual headsets against a server that is there already; or, as `world`, whole worlds on simulated time. */
import { systemClock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { readSimOptions, SIM_HELP } from './options.ts';
import { runAndReport } from './run.ts';
import { loadProgram } from './source/program.ts';
import { makeToken } from './tokens.ts';
import { readWorldCommand, runWorlds, WORLD_HELP } from './world/cli.ts';

/** Exit codes: 0 when every threshold was kept, 1 when not or when the run failed, 2 for wrong options. */
async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'world') return runWorldCommand(args.slice(1));
  const options = readSimOptions(args);
  if (options === undefined) {
    console.log(SIM_HELP);
    return 0;
  }
  const clock = systemClock();
  const program = await loadProgram(options);
  for (const note of program.notes) console.error(`  Note: ${note}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const { token, tokenKey } = options;
  const report = await runAndReport({
    clock, url: options.url, sessionPrefix: options.sessionPrefix, signal: stop.signal,
    token: (subject, session) => (token === undefined ? makeToken(tokenKey ?? '', { subject, session, role: 'participant' }, clock) : Promise.resolve(token)),
  }, program, options);
  return report.passed ? 0 : 1;
}

async function runWorldCommand(args: readonly string[]): Promise<number> {
  const command = readWorldCommand(args);
  if (command !== undefined) return runWorlds(command);
  console.log(WORLD_HELP);
  return 0;
}

const args = process.argv.slice(2);

main(args).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const wrongOption = error instanceof CopresenceError && error.code === 'CONFIG_INVALID';
    console.error(error instanceof CopresenceError ? error.message : error);
    if (wrongOption) console.error(`\n${args[0] === 'world' ? WORLD_HELP : SIM_HELP}`);
    process.exit(wrongOption ? 2 : 1);
  },
);
