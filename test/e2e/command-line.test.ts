import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const KEY = 'a key of an operator, long enough for HMAC-SHA-256';

interface Started {
  readonly out: () => string;
  readonly log: () => string;
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
  kill(signal: NodeJS.Signals): void;
}

describe('the server\'s command line', () => {
  const running = new Set<Started>();
  afterEach(() => {
    for (const started of running) started.kill('SIGKILL');
    running.clear();
  });

  function start(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Started {
    const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts', ...flags], { cwd: ROOT, env: { ...process.env, ...environment } });
    let out = '', log = '';
    child.stdout.on('data', (bytes) => (out += String(bytes)));
    child.stderr.on('data', (bytes) => (log += String(bytes)));
    const ended = once(child, 'close').then(([code, signal]) => [code, signal] as [number | null, NodeJS.Signals | null]);
    const started: Started = { out: () => out, log: () => log, ended, kill: (signal) => void child.kill(signal) };
    running.add(started);
    void ended.then(() => running.delete(started));
    return started;
  }

  it('explains every setting with --help and exits with 0', async () => {
    const server = start(['--help']);
    expect(await server.ended).toEqual([0, null]);
    for (const setting of ['--port', '--token-key', '--recordings-folder', '--tick-rate-hz', 'COPRESENCE_TICK_RATE_HZ']) expect(server.out()).toContain(setting);
    expect(server.log()).toBe('');
  });

  it.each([
    ['an unknown flag', ['--colour', 'red'], {}, '--colour'],
    ['a word too many', ['serve'], {}, 'serve'],
    ['a short token key', ['--token-key', 'short'], {}, '--token-key'],
    ['a short admin token', ['--admin-token', 'short'], {}, '--admin-token'],
    ['a port for admins without a token of theirs', ['--admin-port', '0'], {}, '--admin-port'],
    ['a port that is none', ['--port', '70000'], {}, '--port'],
    ['a port that is no number', ['--port', 'http'], {}, '--port'],
    ['a tick rate of none from the environment', [], { COPRESENCE_TICK_RATE_HZ: '0' }, '--tick-rate-hz'],
    ['a log level that is none', ['--log-level', 'loud'], {}, '--log-level'],
  ])('exits with 2 for %s, and names the setting in one line', async (_, flags, environment, named) => {
    const server = start(flags, environment);
    expect(await server.ended).toEqual([2, null]);
    expect(server.log()).toMatch(/^CONFIG_INVALID: .*\n$/);
    expect(server.log()).toContain(named);
    expect(server.log()).not.toContain('short');
    expect(server.out()).toBe('');
  });

  it('exits with 1 when another program has the port, and says so in one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const server = start(['--port', String(port), '--workers', '0']);
    expect(await server.ended).toEqual([1, null]);
    other.close();
    expect(server.log()).toMatch(/^[^\n]*EADDRINUSE[^\n]*\n$/);
    expect(server.log()).toContain(String(port));
    expect(server.out()).toBe('');
  });

  it.each([[['--json-events']], [[]]])('prints no key when it was given one, with flags %j', async (flags) => {
    const server = start(['--port', '0', '--workers', '0', '--token-key', KEY, ...flags]);
    await until(() => server.log().includes('"msg":"ready"'));
    server.kill('SIGTERM');
    expect(await server.ended).toEqual([0, null]);
    expect(server.out()).not.toContain('ey');
    expect(server.log()).not.toContain(KEY);
    if (flags.length > 0) expect(JSON.parse(server.out())).toEqual({ event: 'listening', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as unknown });
    else expect(server.out()).toBe('');
  });

  it('ends gently when it is told to while its models are still loading', async () => {
    const server = start(['--port', '0', '--token-key', KEY]);
    await until(() => server.log().includes('"msg":"listening"'));
    server.kill('SIGTERM');
    expect(await server.ended).toEqual([0, null]);
  });

  it('exits with 1 and the reason when the models are missing', async () => {
    const server = start(['--port', '0', '--token-key', KEY, '--models-folder', '/nonexistent']);
    expect(await server.ended).toEqual([1, null]);
    expect(server.log().trimEnd().split('\n').at(-1)).toMatch(/^[A-Z_]+: /);
  });
});
