/**
 * The participant of the kit as a program: node-live.ts <url> <token> <session> <name>. Prints JSON lines and takes commands on standard input, with whose end it leaves.
 * node-live.ts round-trip <url> <token> <session> <rate> <seconds> measures instead.
 */
import { createInterface } from 'node:readline';
import { openNodeSocket } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import { playParticipant } from './live-participant.ts';
import { measureRoundTrip } from './round-trip.ts';

const args = process.argv.slice(2);
const common = { clock: systemClock(), openSocket: openNodeSocket };
const print = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

if (args[0] === 'round-trip') {
  const [, url = '', token = '', session = '', rateHz, seconds] = args;
  print(await measureRoundTrip({ url, token, session, ...common }, { rateHz: Number(rateHz), seconds: Number(seconds) }));
} else {
  const [url = '', token = '', session = '', name = ''] = args;
  const participant = playParticipant({ url, token, session, name, ...common }, print);
  const commands = createInterface({ input: process.stdin });
  commands.on('line', (line) => participant.tell(line));
  commands.on('close', () => participant.tell('quit'));
  await participant.ended;
}
process.exit(0);
