/** A foreign ONNX file, with the weights that it keeps in files beside it. */
import { statSync } from 'node:fs';
import { CopresenceError } from '../../core/errors.ts';
import { checkGraph } from './onnx-graph.ts';
import { readBeside, readSource } from './source-files.ts';
import { openSession, runSession } from './source-model.ts';
import type { SourceModel } from './source-model.ts';

/**
 * Its own runtime is ONNX Runtime on the file as it is, which is asked only after the check of graph and paths.
 *
 * @throws CopresenceError as `checkGraph`; MODEL_INVALID for weights outside of the file's folder.
 */
export function openOnnxSource(path: string, output: string | undefined): SourceModel {
  const graph = readSource(path);
  let external = 0;
  const externalData = (name: string, offset: number, length: number | undefined): Uint8Array => {
    const bytes = readBeside(path, name);
    const end = length === undefined ? bytes.length : offset + length;
    if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(end) || end < offset || end > bytes.length) {
      throw new CopresenceError('MODEL_INVALID', `weights from byte ${offset} to ${end} of ${name}, which has ${bytes.length}`);
    }
    external++;
    return bytes.subarray(offset, end);
  };
  const checked = checkGraph(graph, { output, externalData });
  let opened: ReturnType<typeof openSession> | undefined;
  return {
    graph, checked, labels: undefined, runtime: `ONNX Runtime, the file as it came (${statSync(path).size} bytes${external === 0 ? '' : `, ${external} weights in other files`})`,
    async run(rows, shape) {
      opened ??= openSession(path);
      return (await runSession(await opened, { input: checked.input.name, output: checked.output.name }, rows, shape)).data as Float32Array;
    },
    async close() {
      await (await opened)?.release();
    },
  };
}
