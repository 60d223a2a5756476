/** What of the C++ client the conformance kit does not look at: OpenXR, and how little it takes. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../../e2e/support/server.ts';
import { cppExample, cppOpenXr, missingForCpp } from '../kit/cpp-programs.ts';
import { ROOT } from '../kit/native-build.ts';

const MISSING = missingForCpp();
const run = promisify(execFile);

describe.skipIf(MISSING.length > 0 && process.env['CI'] === undefined)(`the C++ client${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 300_000 }, () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await ServerUnderTest.start(['--workers', '0']);
  });
  afterAll(() => server.process.stop());

  it('takes OpenXR\'s hand joints over', async () => {
    expect((await run(await cppOpenXr())).stdout.trim()).toBe('ok');
  });

  it('has two avatars see each other in twenty lines', async () => {
    const lines = readFileSync(join(ROOT, 'client/cpp/examples/two-avatars.cpp'), 'utf8').trim().split('\n').filter((line) => !/^(\/\/|#include|)$/.test(line.split(' ')[0] ?? ''));
    expect(lines.length).toBeLessThanOrEqual(20);
    const { stdout } = await run(await cppExample(), [server.url.replace('http', 'ws'), await server.token('host')], { timeout: 60_000 });
    expect(stdout.trim()).toBe('Ada is at 0, 1.6, 0');
  });
});
