/** A bot in Node: joins a session, waves, draws circles, says something, and prints what the models make of it. */
import { parseArgs } from 'node:util';
import { connect, openNodeSocket, type CopresenceClient } from '../client/node.ts';
import { every, systemClock } from '../core/clock.ts';
import { createPoseSample } from '../protocol/codec/pose-sample.ts';
import { writeWavingPose } from './generated-pose.ts';

const POSE_RATE_HZ = 36;
const LINES = ['Hello everybody, lovely to see you!', 'How do I get back to the lobby?', 'Oh no, I dropped it again.', 'That was amazing, thank you!'];

export interface BotOptions {
  readonly url: string;
  readonly token: string;
  readonly session: string;
  readonly name: string;
  /** Where the bot stands, metres along x. */
  readonly x: number;
  /** Takes a line for each result and message. */
  readonly print: (line: string) => void;
}

/** Starts a bot; it waves until the returned client is closed. @throws CopresenceError as `connect` does. */
export async function startBot({ print, x, ...options }: BotOptions): Promise<CopresenceClient> {
  const clock = systemClock();
  const client = await connect({ ...options, clock, openSocket: openNodeSocket, interpolate: false, consent: { inference: true, recording: true, training: false } });
  client.on('chat', ({ slot, text }) => print(`${client.participants.get(slot)?.name ?? slot}: ${text}`));
  client.on('result', ({ slot, model, version, ageMs, value }) => {
    if (slot === client.self.slot) print(`${model}@${version} after ${ageMs.toFixed(0)} ms: ${JSON.stringify(value).slice(0, 160)}`);
  });
  const sample = createPoseSample();
  const waving = every(clock, 1000 / POSE_RATE_HZ, (nowMs) => {
    const seconds = nowMs / 1000;
    // An open hand for four seconds, a fist for two; in three seconds of ten the other hand draws three circles.
    const circle = seconds % 10 < 3 ? seconds * 2 * Math.PI : undefined;
    writeWavingPose(sample, seconds, { x, z: 0, curl: seconds % 6 < 4 ? 0 : 1, circle });
    sample.captureMs = nowMs;
    client.sendPose(sample);
  });
  let line = 0;
  client.say(LINES[0] ?? '');
  const talking = every(clock, 8000, () => client.say(LINES[++line % LINES.length] ?? ''));
  client.on('state', ({ state }) => {
    if (state !== 'closed') return;
    waving.stop();
    talking.stop();
  });
  return client;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string', default: 'ws://127.0.0.1:7300' }, token: { type: 'string' }, session: { type: 'string', default: 'lobby' }, name: { type: 'string', default: 'Bot' }, x: { type: 'string', default: '0' } } });
  if (values.token === undefined) throw new Error('--token <token> is needed; the server prints one for development');
  const client = await startBot({ url: values.url, token: values.token, session: values.session, name: values.name, x: Number(values.x), print: console.log });
  client.on('state', (state) => console.log(`state: ${state.state}`));
  process.once('SIGINT', () => void client.leave());
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
