/** The command line of the simulator: which command is meant, and what the process ends with. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS, overview, readInvocation } from '../../../sim/commands/table.ts';

const BIN = fileURLToPath(new URL('../../../sim/bin.js', import.meta.url));

function copresenceSim(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [BIN, ...args], { cwd: tmpdir(), encoding: 'utf8' });
}

describe('the table of commands', () => {
  it('takes the first word for the command, and options alone for those of run', () => {
    expect(readInvocation(['world', '--seed', '3'])).toMatchObject({ kind: 'run', name: 'world', args: ['--seed', '3'] });
    expect(readInvocation(['--url', 'ws://x'])).toMatchObject({ kind: 'run', name: 'run', args: ['--url', 'ws://x'] });
    expect(readInvocation(['world', '--seed', '3', '--help'])).toMatchObject({ kind: 'help', name: 'world' });
    expect(readInvocation([])).toEqual({ kind: 'overview' });
    expect(readInvocation(['constructor'])).toEqual({ kind: 'unknown', name: 'constructor' });
  });

  it('lists every command in the overview, and each has a help that begins with its usage', async () => {
    for (const [name, entry] of Object.entries(COMMANDS)) {
      expect(overview()).toContain(entry.summary);
      const { help } = await entry.load();
      expect(help).toMatch(new RegExp(`^Usage: copresence-sim ${name} `));
    }
  });
});

describe('copresence-sim', () => {
  it('runs from any folder', () => {
    const { status, stdout } = copresenceSim('world', '--help');
    expect(stdout).toMatch(/^Usage: copresence-sim world/);
    expect(status).toBe(0);
  });

  it('ends with 2 and the list of commands for one that it does not know', () => {
    const { status, stderr } = copresenceSim('fly');
    expect(stderr).toMatch(/CONFIG_INVALID: no command called fly[\s\S]*Usage: copresence-sim <command>/);
    expect(status).toBe(2);
  });
});
