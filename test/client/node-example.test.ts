/** The shortest example for Node, as a program against a real server. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ServerUnderTest } from '../e2e/support/server.ts';

const EXAMPLE = 'examples/two-avatars.ts';

it('has two avatars see each other in twenty lines', async () => {
  const lines = readFileSync(EXAMPLE, 'utf8').trim().split('\n').filter((line) => line !== '' && !/^(\/\*\*|import )/.test(line));
  expect(lines.length).toBeLessThanOrEqual(20);
  const server = await ServerUnderTest.start(['--workers', '0']);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', EXAMPLE, server.url, await server.token('host')], { timeout: 60_000 });
    expect(stdout.trim()).toBe('Ada is at 0, 1.6, 0');
  } finally {
    await server.process.stop();
  }
});
