/** `sim run`: a fleet of virtual headsets against a server that is there already. */
import { systemClock } from '../../core/clock.ts';
import { readSimOptions, SIM_HELP } from '../options.ts';
import { runAndReport } from '../run.ts';
import { loadProgram } from '../source/program.ts';
import { makeToken } from '../tokens.ts';
import { EXIT, type SimCommand } from './command.ts';

export const run: SimCommand = {
  help: SIM_HELP,
  async run(args) {
    const options = readSimOptions(args);
    const clock = systemClock();
    const program = await loadProgram(options);
    for (const note of program.notes) process.stderr.write(`  Note: ${note}\n`);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const { token, tokenKey } = options;
    const report = await runAndReport({
      clock, url: options.url, sessionPrefix: options.sessionPrefix, signal: stop.signal,
      token: (subject, session) => (token === undefined ? makeToken(tokenKey ?? '', { subject, session, role: 'participant' }, clock) : Promise.resolve(token)),
    }, program, options);
    return report.passed ? EXIT.ok : EXIT.failed;
  },
};
