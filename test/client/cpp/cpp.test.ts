/** The C++ client: its codec against the golden vectors, and the client itself against a real server. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeScenario } from '../support/native-scenario.ts';

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
  let example: string;
  const { server } = nativeScenario(() => {
    example = compile('examples/two-avatars.cpp');
    return [compile('test/live.cpp')];
  });

  it('passes every golden vector of poses, hands, snapshots and packets, and refuses what is to be refused', () => {
    const out = execFileSync(compile('test/vectors.cpp'), [join(ROOT, 'protocol/vectors')], { encoding: 'utf8' });
    const [, passed] = /^(\d+) passed, 0 failed$/m.exec(out) ?? [];
    expect(Number(passed)).toBeGreaterThan(80);
  });

  it('takes OpenXR\'s hand joints over', () => {
    expect(execFileSync(compile('test/openxr.cpp'), { encoding: 'utf8' }).trim()).toBe('ok');
  });

  it('has two avatars see each other in twenty lines', async () => {
    const lines = readFileSync(join(CPP, 'examples/two-avatars.cpp'), 'utf8').trim().split('\n').filter((line) => !/^(\/\/|#include|)$/.test(line.split(' ')[0] ?? ''));
    expect(lines.length).toBeLessThanOrEqual(20);
    const out = execFileSync(example, [server().url.replace('http', 'ws'), await server().token('host')], { encoding: 'utf8', timeout: 60_000 });
    expect(out.trim()).toBe('Ada is at 0, 1.6, 0');
  });
});
