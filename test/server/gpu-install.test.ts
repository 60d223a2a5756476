import { describe, expect, it } from 'vitest';
import { explainFailure, whatIsMissing } from '../../server/gpu/machine.ts';

const complete = { platform: 'linux x64', driver: 'NVRM version', libraries: new Set(['libcudart.so.12', 'libcublasLt.so.12', 'libcudnn.so.9', 'libnvinfer.so.10']) };

describe('the installation for a GPU', () => {
  it('misses nothing on a machine that has everything', () => {
    expect(whatIsMissing(complete)).toEqual({ cuda: [], tensorrt: [] });
  });

  it('names a driver that is not there, and each library', () => {
    const { cuda, tensorrt } = whatIsMissing({ ...complete, driver: undefined, libraries: new Set(['libcudart.so.12', 'libcublasLt.so.12']) });
    expect(cuda).toEqual([expect.stringContaining('NVIDIA driver'), expect.stringContaining('libcudnn.so.9 of cuDNN 9')]);
    expect(tensorrt).toEqual([expect.stringContaining('libnvinfer.so.10')]);
  });

  it('names another provider where CUDA does not exist', () => {
    expect(whatIsMissing({ ...complete, platform: 'darwin arm64' }).cuda).toEqual([expect.stringContaining('coreml')]);
  });

  it('tells a machine without a way out from a script that failed', () => {
    expect(explainFailure('triggerUncaughtException\n\nError: getaddrinfo ENOTFOUND api.nuget.org\n    at x')).toMatch(/^api\.nuget\.org cannot be reached from here \(getaddrinfo ENOTFOUND api\.nuget\.org\)/);
    expect(explainFailure('')).toMatch(/ended without fetching anything.*GLOBAL_AGENT_HTTPS_PROXY/);
    expect(explainFailure('Error: Invalid installation')).toContain('Invalid installation');
  });
});
