/** The settings of models on a remote server. */
import { describe, expect, it } from 'vitest';
import { backendOptions } from '../../server/backend-settings.ts';
import { readConfig } from '../../server/config.ts';

const optionsOf = (...args: string[]): ReturnType<typeof backendOptions> => backendOptions(readConfig(args, {}));

describe('the settings of remote models', () => {
  it('send every model there, or those that are named', () => {
    const remote = { kind: 'oip', url: 'grpc://gpu:8001' };
    expect(optionsOf('--remote-url', 'grpc://gpu:8001').backend).toEqual(remote);
    const some = optionsOf('--remote-url', 'grpc://gpu:8001', '--remote-models', 'one, two', '--remote-token', 'secret');
    expect(some.backend).toMatchObject({ kind: 'onnx' });
    expect(some.backendOf).toEqual({ one: { ...remote, token: 'secret' }, two: { ...remote, token: 'secret' } });
  });

  it('mean nothing without a server', () => {
    expect(optionsOf('--remote-models', 'one')).toEqual(optionsOf());
  });
});
