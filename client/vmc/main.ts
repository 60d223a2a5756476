/** The command `npm run vmc`: lets avatar tools that listen to VMC show a participant of a session. */
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';
import { CopresenceError } from '../../core/errors.ts';
import { systemClock } from '../../core/clock.ts';
import { connect, openNodeSocket } from '../node.ts';
import { perform } from './performer.ts';

const HELP = `Usage: npm run vmc -- --token <token> [--url ws://127.0.0.1:7300] [--session lobby] [--name <participant>] [--to 127.0.0.1:39539] [--rate 60]

Sends one participant of a session to a listener of the Virtual Motion Capture protocol, over UDP. Without --name it is whoever is there first.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'ws://127.0.0.1:7300' }, token: { type: 'string', default: '' }, session: { type: 'string', default: 'lobby' }, name: { type: 'string' },
      to: { type: 'string', default: '127.0.0.1:39539' }, rate: { type: 'string', default: '60' }, help: { type: 'boolean', default: false },
    },
  });
  const [host, port, rateHz] = [values.to.slice(0, values.to.lastIndexOf(':')), Number(values.to.slice(values.to.lastIndexOf(':') + 1)), Number(values.rate)];
  const isValid = values.token !== '' && host !== '' && Number.isInteger(port) && port > 0 && port < 65_536 && rateHz >= 1 && rateHz <= 240;
  if (values.help || !isValid) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const clock = systemClock();
  const client = await connect({
    url: values.url, token: values.token, session: values.session, name: 'VMC', clock, openSocket: openNodeSocket, consent: { inference: false, recording: false, training: false },
  });
  const socket = createSocket('udp4');
  // Nobody listens yet, or no longer: that is theirs to change.
  socket.on('error', (error) => process.stderr.write(`${error.message}\n`));
  const performing = perform({ client, clock, rateHz, send: (datagram) => socket.send(datagram, port, host), ...(values.name === undefined ? {} : { name: values.name }) });
  process.stdout.write(`sending ${values.name ?? 'whoever is there first'} of ${client.self.session} to ${values.to}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    client.on('state', ({ state }) => void (state === 'closed' && resolve()));
  });
  performing.stop();
  await client.leave();
  socket.close();
  return client.state.state === 'closed' && client.state.code !== 'NORMAL' ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof CopresenceError ? `${error.code}: ` : ''}${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
