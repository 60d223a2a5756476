/** Reads the files of a foreign model: bounded, and none outside of its own folder. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { MAX_IMPORT_BYTES } from './onnx-graph.ts';

/** @throws CopresenceError MODEL_INVALID when it is missing, empty or too large. */
export function readSource(path: string): Uint8Array {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (bytes === undefined || bytes === 0) throw new CopresenceError('MODEL_INVALID', `${path} is ${bytes === 0 ? 'empty' : 'not there'}`);
  if (bytes > MAX_IMPORT_BYTES) throw new CopresenceError('MODEL_INVALID', `${path} has ${bytes} bytes, of ${MAX_IMPORT_BYTES} at most`);
  return readFileSync(path);
}

/**
 * A file that a model names, beside the model or below.
 *
 * @throws CopresenceError MODEL_INVALID for a path that leads out of the model's folder, by `..`, as an absolute one or over a link.
 */
export function readBeside(modelPath: string, name: string): Uint8Array {
  const folder = realpathSync(dirname(modelPath));
  const plain = name !== '' && name.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9._@+ -]*$/.test(part));
  if (!plain) throw new CopresenceError('MODEL_INVALID', `the model names the file '${name}', which is no path below its own folder`);
  const path = join(folder, name);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw new CopresenceError('MODEL_INVALID', `${path}, which the model names, is not there`);
  if (!realpathSync(path).startsWith(folder + sep)) throw new CopresenceError('MODEL_INVALID', `'${name}' is a link out of the model's folder`);
  return readSource(path);
}
