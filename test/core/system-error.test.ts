/** What the operating system refuses has a code and words, and what is a bug of this program has neither. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemProblem } from '../../core/system-error.ts';

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an error of the operating system', () => {
  it('about a file is STORAGE_FAILED, with the path and why in words', () => {
    const missing = join(import.meta.dirname, 'nothing-here', 'x');
    expect(systemProblem(thrownBy(() => readFileSync(missing)))?.message).toBe(`STORAGE_FAILED: ${missing}: there is no such file or folder (open)`);
    expect(systemProblem(thrownBy(() => mkdirSync(join(import.meta.filename, 'below'), { recursive: true })))?.message).toContain('a part of the path is no folder (mkdir)');
    expect(systemProblem(thrownBy(() => writeFileSync(import.meta.dirname, '')))?.message).toContain('it is a folder (open)');
  });

  it('about a file that is open, whose path it does not say, as well', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
    expect(systemProblem(full)?.message).toBe('STORAGE_FAILED: no space is left on the device (write)');
  });

  it('about an address that is taken is CONFIG_INVALID', async () => {
    const [first, second] = [createServer(), createServer()];
    first.listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    second.listen(port, '127.0.0.1');
    const [error] = (await once(second, 'error')) as [unknown];
    expect(systemProblem(error)?.message).toBe(`CONFIG_INVALID: cannot listen on 127.0.0.1:${port}: the port is in use`);
    first.close();
  });

  it('is told from a bug, and from what a network does', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
    for (const other of [new TypeError('x is not a function'), Object.assign(new Error('x'), { code: 'ERR_STRING_TOO_LONG' }), refused, 'text', undefined]) expect(systemProblem(other)).toBeUndefined();
  });
});
