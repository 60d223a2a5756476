import { describe, expect, it } from 'vitest';
import { backendOptions } from '../../server/backend-settings.ts';
import { describeConfig, readConfig } from '../../server/config.ts';
import { simulatedMs } from '../../server/model/backend/simulated.ts';

const optionsOf = (...args: string[]): ReturnType<typeof backendOptions> => backendOptions(readConfig(args, {}));

describe('the settings of the backend', () => {
  it('are ONNX Runtime on the CPU where nothing is said', () => {
    expect(optionsOf()).toEqual({ backend: { kind: 'onnx', providers: ['cpu'], intraOpThreads: 1, deviceId: 0 }, gpus: [] });
  });

  it('keep the order of the providers, and the GPUs', () => {
    expect(optionsOf('--providers', 'cuda, webgpu,cpu', '--gpus', '0,2')).toMatchObject({ backend: { kind: 'onnx', providers: ['cuda', 'webgpu', 'cpu'] }, gpus: [0, 2] });
  });

  it('give a simulated device the latency of a line or of points', () => {
    expect(optionsOf('--backend', 'simulated').backend).toEqual({ kind: 'simulated', baseMs: 2, perItemMs: 0.25 });
    expect(optionsOf('--backend', 'simulated', '--simulated-latency', '5+1.5b').backend).toEqual({ kind: 'simulated', baseMs: 5, perItemMs: 1.5 });
    expect(optionsOf('--backend', 'simulated', '--simulated-latency', '1:2,8:4.5').backend).toMatchObject({ table: [{ size: 1, ms: 2 }, { size: 8, ms: 4.5 }] });
    expect(optionsOf('--backend', 'tfjs').backend).toEqual({ kind: 'tfjs' });
  });

  it.each([
    ['backend', 'onyx'],
    ['providers', 'cuda,gpu'],
    ['providers', ''],
    ['gpus', '0,first'],
    ['gpus', '-1'],
    ['simulated-latency', 'fast'],
    ['simulated-latency', '2+b'],
    ['simulated-latency', '8:4,1:2'],
  ])('refuse --%s=%s, naming the setting', (name, value) => {
    expect(() => readConfig([`--${name}=${value}`], {})).toThrow(new RegExp(`CONFIG_INVALID: --${name}: `));
  });

  it('are in the help, with what they are by default', () => {
    for (const name of ['backend', 'providers', 'gpus', 'simulated-latency']) expect(describeConfig()).toContain(`--${name} `);
    expect(describeConfig()).not.toContain('[object');
  });
});

describe('the latency of a simulated device', () => {
  it('follows its line', () => {
    expect([1, 8].map((size) => simulatedMs({ baseMs: 2, perItemMs: 0.25 }, size))).toEqual([2.25, 4]);
  });

  it('goes through its points, between them and on behind them, and never below zero', () => {
    const options = { baseMs: 0, perItemMs: 0, table: [{ size: 2, ms: 3 }, { size: 4, ms: 9 }, { size: 8, ms: 11 }] };
    expect([1, 2, 3, 4, 6, 8, 16].map((size) => simulatedMs(options, size))).toEqual([0, 3, 6, 9, 10, 11, 15]);
    expect(simulatedMs({ baseMs: 0, perItemMs: 0, table: [{ size: 4, ms: 9 }] }, 2)).toBe(9);
  });
});
