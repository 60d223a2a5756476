/** Weights as HDF5: they come back to the last bit, and Python's h5py finds them where Keras would look. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemProblem } from '../../../core/system-error.ts';
import { loadWeights, saveWeights } from '../../../training/checkpoint/hdf5.ts';
import { createNetwork } from '../../../training/models/network.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'hdf5-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const rows = { features: Float32Array.from({ length: 60 }, (_, at) => Math.sin(at * 3)), classes: Int32Array.of(0, 1, 0, 1, 0), count: 5, width: 3, steps: 4, classCount: 2 };

/** Debian's python3-h5py; a Python without it cannot look. */
function hasH5py(): boolean {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import h5py'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('weights as HDF5', () => {
  it.each(['linear', 'mlp', 'gru', 'tcn'] as const)('of a %s come back to the last bit', async (family) => {
    const network = createNetwork({ family, hidden: [6, 5] }, rows, 3);
    // A linear one begins with zeros.
    for (const { weights } of network.layers) for (const { values } of weights) values.forEach((_, at) => (values[at] = Math.cos(at) / 3));
    const path = join(folder, `${family}.h5`);
    await saveWeights(path, network);
    expect((await loadWeights(path)).network).toEqual(network);
  });

  it('that cannot be written leave the file before as it was, and say why', async () => {
    const network = createNetwork({ family: 'mlp', hidden: [6] }, rows, 3);
    const path = join(folder, 'kept.h5');
    await saveWeights(path, network);
    const before = readFileSync(path);
    // Where the new one would be written aside something else is: a disk that is full fails in the same place.
    mkdirSync(`${path}.partial`);
    await expect(saveWeights(path, createNetwork({ family: 'mlp', hidden: [6] }, rows, 4)).catch((error: unknown) => Promise.reject(systemProblem(error)!))).rejects.toThrow(/STORAGE_FAILED: .*kept\.h5\.partial: it is a folder/);
    expect(readFileSync(path)).toEqual(before);
    expect((await loadWeights(path)).network).toEqual(network);
  });

  it.skipIf(!hasH5py())('lie where Keras looks, for h5py (skipped without it)', async () => {
    const network = createNetwork({ family: 'gru', hidden: [6, 5] }, rows, 3);
    const path = join(folder, 'keras.h5');
    await saveWeights(path, network);
    const script = `import h5py,sys,json
f=h5py.File(sys.argv[1],'r')
d=lambda v: v.decode() if isinstance(v,bytes) else str(v)
names=[d(n) for n in f.attrs['layer_names']]
print(json.dumps({n:{d(w):[list(f[n][d(w)].shape),float(f[n][d(w)][()].flat[0])] for w in f[n].attrs['weight_names']} for n in names}))`;
    const seen = JSON.parse(execFileSync('/usr/bin/python3', ['-c', script, path]).toString()) as Record<string, Record<string, [number[], number]>>;
    expect(Object.keys(seen)).toEqual(['normalization', 'gru_1', 'dense_2', 'dense_3']);
    expect(seen.gru_1?.['gru_1/gru_cell/recurrent_kernel:0']?.[0]).toEqual([6, 18]);
    expect(seen.dense_2?.['dense_2/kernel:0']).toEqual([[6, 5], network.layers[1]?.weights[0]?.values[0]]);
  });
});
