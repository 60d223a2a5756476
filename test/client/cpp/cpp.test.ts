/** The C++ client: its codec against the golden vectors, and the client itself against a real server. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ServerUnderTest, untilRepeating, type Heard } from '../../e2e/support/server.ts';
import { handSample, sendNow } from '../../e2e/support/streams.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CPP = join(ROOT, 'client/cpp');
const BUILD = join(ROOT, '.cache/cpp');
const HEADERS = ['nlohmann/json.hpp', 'websocketpp/client.hpp', 'asio.hpp', 'openxr/openxr.h'];

/** Debian: g++ nlohmann-json3-dev libwebsocketpp-dev libasio-dev libopenxr-dev. */
function whatIsMissing(): string[] {
  const missing = HEADERS.filter((header) => !existsSync(join('/usr/include', header)));
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
  } catch {
    missing.unshift('g++');
  }
  return missing;
}

const MISSING = whatIsMissing();
const isOptional = process.env['CI'] === undefined;

function compile(source: string): string {
  mkdirSync(BUILD, { recursive: true });
  const binary = join(BUILD, source.replaceAll('/', '-').replace('.cpp', ''));
  execFileSync('g++', ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-DASIO_STANDALONE', `-I${join(CPP, 'include')}`, join(CPP, source), '-o', binary, '-lpthread'], { stdio: ['ignore', 'inherit', 'inherit'] });
  return binary;
}

describe.skipIf(MISSING.length > 0 && isOptional)(`the C++ client${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 180_000 }, () => {
  const running: ChildProcess[] = [];
  let server: ServerUnderTest;

  beforeAll(async () => {
    server = await ServerUnderTest.start(['--workers', '0']);
  });
  afterAll(async () => {
    for (const child of running) child.kill();
    await server.process.stop();
  });

  /** Starts a participant in C++ and takes down what it prints. */
  function startLive(binary: string, args: readonly string[]): { lines: Record<string, unknown>[]; ended: Promise<number | null> } {
    const child = spawn(binary, [...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const lines: Record<string, unknown>[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
    return { lines, ended: new Promise((resolve) => child.on('exit', resolve)) };
  }

  it('passes every golden vector of poses, hands, snapshots and packets, and refuses what is to be refused', () => {
    const out = execFileSync(compile('test/vectors.cpp'), [join(ROOT, 'protocol/vectors')], { encoding: 'utf8' });
    const [, passed] = /^(\d+) passed, 0 failed$/m.exec(out) ?? [];
    expect(Number(passed)).toBeGreaterThan(80);
  });

  it('takes OpenXR\'s hand joints over', () => {
    expect(execFileSync(compile('test/openxr.cpp'), { encoding: 'utf8' }).trim()).toBe('ok');
  });

  it('joins, is seen at its rate, sees, talks, and comes back as the same participant when its connection is cut', async () => {
    const binary = compile('test/live.cpp');
    const listener: Heard = await server.join('hall', 'Listener');
    const relay = await Relay.open(server.url);
    const { lines, ended } = startLive(binary, [relay.url, await server.token('host'), 'hall', 'Native', '600']);
    const sample = handSample();
    const states = (): unknown[] => lines.filter(({ state }) => state !== undefined).map(({ state }) => state);
    await untilRepeating(() => states().at(-1) === 'live', 50, () => sendNow(listener.client, sample));
    const slot = Number(lines.find(({ state }) => state === 'live')?.['slot']);
    await untilRepeating(() => (listener.poses.get(slot) ?? 0) > 60 && lines.some(({ pose, source }) => pose === listener.client.self.slot && source === 1), 20, () => sendNow(listener.client, sample));
    expect(listener.chat.map(({ text, slot: from }) => [text, from])).toEqual([['I am Native', slot]]);
    const seen = lines.find(({ pose, source }) => pose !== undefined && source === 1);
    // Its clock knows the server's: a pose is a few ticks old, not hours.
    expect(seen).toMatchObject({ pose: listener.client.self.slot, hands: true });
    expect(Number(seen?.['y'])).toBeCloseTo(1.6, 2);
    expect(Math.abs(Number(seen?.['ageMs']))).toBeLessThan(5000);
    expect(lines.filter(({ refused }) => refused !== undefined)).toEqual([]);

    relay.cut();
    await vi.waitFor(() => expect(states().slice(-2)).toEqual(['reconnecting', 'live']), { timeout: 60_000, interval: 50 });
    expect(lines.filter(({ state }) => state === 'live').map((line) => line['slot'])).toEqual([slot, slot]);
    running[0]?.kill('SIGKILL');
    await ended;
    relay.close();
  });

  it('ends with the code of what it may not', async () => {
    const { lines, ended } = startLive(join(BUILD, 'test-live'), [server.url.replace('http', 'ws'), 'no.token.atall', 'hall', 'Stranger', '60']);
    expect(await ended).toBe(0);
    expect(lines.filter(({ state }) => state !== undefined).at(-1)).toMatchObject({ state: 'ended', code: 'TOKEN_INVALID' });
  });

  it('has two avatars see each other in twenty lines', async () => {
    const lines = readFileSync(join(CPP, 'examples/two-avatars.cpp'), 'utf8').trim().split('\n').filter((line) => !line.startsWith('//'));
    expect(lines.length).toBeLessThanOrEqual(24);
    const out = execFileSync(compile('examples/two-avatars.cpp'), [server.url.replace('http', 'ws'), await server.token('host')], { encoding: 'utf8', timeout: 60_000 });
    expect(out.trim()).toBe('Ada is at 0, 1.6, 0');
  });
});

/** A way to the server that can be cut, as networks are. */
class Relay {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connectTcp(targetPort, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.setNoDelay(true).on('error', () => undefined).on('close', () => [near, far].forEach((each) => each.destroy()));
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  static async open(url: string): Promise<Relay> {
    const relay = new Relay(Number(new URL(url).port));
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}
