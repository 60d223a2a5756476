/** `sim null-server`: what the generator's own limit is measured against. */
import { parseArgs } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import { machineClock } from '../load/machine-clock.ts';
import { startNullServer } from '../target/null-server.ts';
import { EXIT, type SimCommand } from './command.ts';

export const nullServer: SimCommand = {
  help: `Usage: copresence-sim null-server [--port 7399] [--tick-rate-hz 72]

Lets everybody in, checks nothing and sends each session its newest poses at ticks: what a load reaches against it is the
load generator's own limit. Ctrl-C ends it. Any --token will do.`,
  async run(args) {
    const { port, tickHz } = readOptions(args);
    const server = await startNullServer(machineClock(), { port, tickHz });
    process.stdout.write(`${server.url}\n`);
    await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
    await server.close();
    return EXIT.ok;
  },
};

function readOptions(args: readonly string[]): { port: number; tickHz: number } {
  try {
    const { values } = parseArgs({ args: [...args], options: { port: { type: 'string', default: '7399' }, 'tick-rate-hz': { type: 'string', default: '72' } } });
    const [port, tickHz] = [Number(values.port), Number(values['tick-rate-hz'])];
    if (Number.isInteger(port) && port >= 0 && port < 65536 && tickHz >= 1 && tickHz <= 1000) return { port, tickHz };
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable options');
  }
  throw new CopresenceError('CONFIG_INVALID', '--port or --tick-rate-hz is no such number');
}
