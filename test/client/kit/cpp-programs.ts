/** The programs of the C++ client. Debian: g++ nlohmann-json3-dev libwebsocketpp-dev libasio-dev libopenxr-dev. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, ROOT } from './native-build.ts';

const CPP = join(ROOT, 'client/cpp');
const HEADERS = join(CPP, 'include');
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

/** What has to be installed first; empty where all is there. */
export function missingForCpp(): string[] {
  const packages: Readonly<Record<string, string>> = {
    '/usr/bin/g++': 'g++', '/usr/include/nlohmann/json.hpp': 'nlohmann-json3-dev', '/usr/include/websocketpp/client.hpp': 'libwebsocketpp-dev',
    '/usr/include/asio.hpp': 'libasio-dev', '/usr/include/openxr/openxr.h': 'libopenxr-dev',
  };
  return Object.entries(packages).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
}

/** @param source - below client/cpp. */
function compile(source: string, flags: readonly string[]): Promise<string> {
  const path = join(CPP, source);
  return build({
    name: source.replaceAll('/', '-').replace('.cpp', ''),
    compiler: 'g++',
    args: (out) => ['-std=c++17', ...WARNINGS, ...flags, `-I${HEADERS}`, path, '-o', out, '-lpthread'],
    inputs: [HEADERS, path, ...readdirSync(join(CPP, 'test')).filter((name) => name.endsWith('.hpp')).map((name) => join(CPP, 'test', name))],
  });
}

/** A participant that prints what it hears. */
export const cppLive = (): Promise<string> => compile('test/live.cpp', ['-O1', '-DASIO_STANDALONE']);
export const cppExample = (): Promise<string> => compile('examples/two-avatars.cpp', ['-O1', '-DASIO_STANDALONE']);
export const cppOpenXr = (): Promise<string> => compile('test/openxr.cpp', ['-O1']);
/** The codec alone, with the compiler's checks of memory and of undefined behaviour: a fault ends it. */
export const cppVectors = (): Promise<string> => compile('test/vectors.cpp', ['-O1', '-g1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']);
/** The measures of the codec, optimised as an engine would. */
export const cppBench = (): Promise<string> => compile('test/codec-bench.cpp', ['-O2']);
