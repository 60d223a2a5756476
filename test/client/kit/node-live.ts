/** The participant of the kit as a program: node-live.ts <url> <token> <session> <name>. Prints JSON lines and takes commands on standard input, with whose end it leaves. */
import { createInterface } from 'node:readline';
import { openNodeSocket } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import { playParticipant } from './live-participant.ts';

const [url = '', token = '', session = '', name = ''] = process.argv.slice(2);
const participant = playParticipant({ url, token, session, name, clock: systemClock(), openSocket: openNodeSocket }, (line) => process.stdout.write(`${JSON.stringify(line)}\n`));
const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => participant.tell(line));
commands.on('close', () => participant.tell('quit'));
await participant.ended;
process.exit(0);
