/** Runs a fleet of virtual headsets against a server that is there already. */
import { systemClock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { readSimOptions, SIM_HELP } from './options.ts';
import { runAndReport } from './run.ts';
import { loadProgram } from './source/program.ts';
import { makeToken } from './tokens.ts';

/** Exit codes: 0 when every threshold was kept, 1 when not or when the run failed, 2 for wrong options. */
async function main(): Promise<number> {
  const options = readSimOptions(process.argv.slice(2));
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

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const wrongOption = error instanceof CopresenceError && error.code === 'CONFIG_INVALID';
    console.error(error instanceof CopresenceError ? error.message : error);
    if (wrongOption) console.error(`\n${SIM_HELP}`);
    process.exit(wrongOption ? 2 : 1);
  },
);
