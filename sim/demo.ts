/** Shows everything at once: starts a server, fills three sessions with virtual headsets, and reports. */
import { systemClock, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { DEMO_HELP, readDemoOptions, type DemoOptions } from './options.ts';
import { runAndReport } from './run.ts';
import { startServerProcess, type RunningServer } from './server-process.ts';
import { loadProgram } from './source/program.ts';
import { makeToken } from './tokens.ts';

const KEEP_S = 3600;

/** Exit codes: 0 when every threshold was kept or the demo was ended by hand, 1 when not, 2 for wrong options. */
async function main(): Promise<number> {
  const options = readDemoOptions(process.argv.slice(2));
  if (options === undefined) {
    say(DEMO_HELP);
    return 0;
  }
  const clock = systemClock();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  say('  Starting the server and loading the models (the first time takes longest) ...');
  const server = await startServerProcess(clock, stop.signal);
  try {
    say(`  The server is ready at ${server.url}`);
    return await play(clock, server, { ...options, signal: stop.signal });
  } finally {
    await server.stop();
  }
}

async function play(clock: Clock, server: RunningServer, options: DemoOptions & { signal: AbortSignal }): Promise<number> {
  const { signal } = options;
  const program = await loadProgram(options);
  for (const note of program.notes) say(`  Note: ${note}`);
  if (options.keep) await explainViewer(clock, server);
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  void server.ended.then(() => stop.abort());
  const target = {
    clock, url: server.url, sessionPrefix: 'demo', signal: stop.signal,
    token: (subject: string, session: string) => makeToken(server.tokenKey, { subject, session, role: 'participant' }, clock),
  };
  const { passed } = await runAndReport(target, program, options);
  // Long runs, so that whoever looks on does not see everybody leave and come back.
  while (options.keep && !stop.signal.aborted) await runAndReport(target, program, { ...options, durationS: KEEP_S });
  return passed || (options.keep && signal.aborted) ? 0 : 1;
}

async function explainViewer(clock: Clock, { url, tokenKey }: RunningServer): Promise<void> {
  const token = await makeToken(tokenKey, { subject: 'spectator', session: '*', role: 'spectator' }, clock);
  say(`\n  Look at the first session:\n\n  ${url}/viewer/#session=demo-1&token=${token}\n\n  Ctrl-C ends the server and the headsets.\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const wrongOption = error instanceof CopresenceError && error.code === 'CONFIG_INVALID';
    process.stderr.write(`${error instanceof CopresenceError ? error.message : String(error)}\n${wrongOption ? `\n${DEMO_HELP}\n` : ''}`);
    process.exit(wrongOption ? 2 : 1);
  },
);
