/**
 * What every client that is not in TypeScript has to do against a real server, played with a program of its own.
 *
 * The program is called with the server's URL, a token, a session, a name and seconds. It sends a head and a hand at 90 Hz and
 * one line of chat, and prints JSON lines: `{state, code, slot}`, `{chat, slot}`, `{refused}`, and now and then of a pose that it
 * draws `{pose (a slot), y, source (1: interpolated), ageMs, hands}`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ServerUnderTest, untilRepeating, type Heard } from '../../e2e/support/server.ts';
import { handSample, sendNow } from '../../e2e/support/streams.ts';
import { Relay } from './relay.ts';

type Line = Readonly<Record<string, unknown>>;

export interface NativeScenario {
  /** Valid within the tests. */
  readonly server: () => ServerUnderTest;
}

/** Declares the tests. @param build - makes the program and gives it with its first arguments; called once, before there is a server, since it holds this process up. */
export function nativeScenario(build: () => readonly string[]): NativeScenario {
  let command: readonly string[];
  let server: ServerUnderTest;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    command = build();
    server = await ServerUnderTest.start(['--workers', '0']);
  }, 300_000);
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await server.process.stop();
  });

  /** Starts a participant and takes down what it prints. */
  function start(...args: string[]): { lines: Line[]; child: ChildProcess; ended: Promise<number | null> } {
    const [program = '', ...first] = command;
    const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const lines: Line[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
    return { lines, child, ended: new Promise((resolve) => child.on('exit', resolve)) };
  }
  const statesOf = (lines: readonly Line[]): unknown[] => lines.filter(({ state }) => state !== undefined).map(({ state }) => state);

  it('joins, is seen at its rate, sees, talks, and comes back as the same participant when its connection is cut', async () => {
    const listener: Heard = await server.join('hall', 'Listener');
    const relay = await Relay.open(server.url);
    const { lines, child, ended } = start(relay.url, await server.token('host'), 'hall', 'Native', '600');
    const sample = handSample();
    await untilRepeating(() => statesOf(lines).at(-1) === 'live', 50, () => sendNow(listener.client, sample));
    const slot = Number(lines.find(({ state }) => state === 'live')?.['slot']);
    const { slot: own } = listener.client.self;
    await untilRepeating(() => (listener.poses.get(slot) ?? 0) > 60 && listener.chat.length > 0 && lines.some(({ pose, source }) => pose === own && source === 1), 20, () => sendNow(listener.client, sample));
    expect(listener.chat.map(({ text, slot: from }) => [text, from])).toEqual([['I am Native', slot]]);
    const seen = lines.find(({ pose, source }) => pose === own && source === 1);
    expect(seen).toMatchObject({ hands: true });
    expect(Number(seen?.['y'])).toBeCloseTo(1.6, 2);
    // Its clock knows the server's: a pose is some ticks old, not hours, however busy the machine is.
    expect(Math.abs(Number(seen?.['ageMs']))).toBeLessThan(5000);
    expect(lines.filter(({ refused }) => refused !== undefined)).toEqual([]);
    relay.cut();
    await vi.waitFor(() => expect(statesOf(lines).slice(-2)).toEqual(['reconnecting', 'live']), { timeout: 60_000, interval: 50 });
    expect(lines.filter(({ state }) => state === 'live').map((line) => line['slot'])).toEqual([slot, slot]);
    child.kill('SIGKILL');
    await ended;
    relay.close();
  });

  it('ends with the code of what it may not', async () => {
    const { lines, ended } = start(server.url.replace('http', 'ws'), 'no.token.atall', 'hall', 'Stranger', '60');
    expect(await ended).toBe(0);
    expect(lines.filter(({ state }) => state !== undefined).at(-1)).toMatchObject({ state: 'ended', code: 'TOKEN_INVALID' });
  });

  it('leaves at once when it is done', async () => {
    const listener = await server.join('hall-of-leaving', 'Listener');
    const events: string[] = [];
    listener.client.on('presence', ({ event, participant }) => events.push(`${event} ${participant.name}`));
    const { ended } = start(server.url.replace('http', 'ws'), await server.token('host'), 'hall-of-leaving', 'Guest', '2');
    expect(await ended).toBe(0);
    await vi.waitFor(() => expect(events).toEqual(['joined Guest', 'left Guest']), { timeout: 20_000, interval: 20 });
  });

  return { server: () => server };
}
