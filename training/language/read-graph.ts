/** A float32 graph of the language model back into the network and the tagger that it was written from. */
import onnxProto from 'onnx-proto';
import { CopresenceError } from '../../core/errors.ts';
import { CONSTANTS, headConstants, transposed } from './graph.ts';
import type { GraphParts } from './graph.ts';
import { columnCount } from './heads.ts';
import type { Heads } from './heads.ts';

/** TensorProto.DataType */
const FLOAT = 1;

/** @param bytes - what `languageGraph` gave, unrounded. @throws CopresenceError MODEL_INVALID when it is another graph. */
export function readLanguageGraph(bytes: Uint8Array, heads: Heads): GraphParts {
  const constants = constantsOf(bytes);
  const find = (name: string): Constant => {
    const found = constants.get(name);
    if (found === undefined) throw new CopresenceError('MODEL_INVALID', `the graph has no float32 constant ${name}: it is no float32 graph of a language run`);
    return found;
  };
  const [embedding, wide, hidden, tag] = [find(CONSTANTS.embedding), find(CONSTANTS.wide), find(CONSTANTS.hiddenWeights), find(CONSTANTS.tagWeights)];
  const columns = columnCount(heads);
  const network = {
    shape: { buckets: embedding.rows, dim: embedding.columns, hidden: hidden.rows, columns, wideRows: wide.rows },
    embedding: embedding.values,
    wide: wide.values,
    hiddenWeights: hidden.values,
    hiddenBias: find(CONSTANTS.hiddenBias).values,
    outputWeights: new Float32Array(columns * hidden.rows),
    outputBias: new Float32Array(columns),
  };
  for (const { name, offset } of Object.values(heads)) {
    const names = headConstants(name);
    network.outputWeights.set(find(names.weights).values, offset * hidden.rows);
    network.outputBias.set(find(names.bias).values, offset);
  }
  const window = find(CONSTANTS.windowWeights);
  const tagger = {
    dim: embedding.columns,
    hidden: tag.rows,
    windowWeights: transposed(window.values, window.rows, window.columns),
    windowBias: find(CONSTANTS.windowBias).values,
    tagWeights: transposed(tag.values, tag.rows, tag.columns),
    tagBias: find(CONSTANTS.tagBias).values,
  };
  return { network, tagger, heads };
}

interface Constant {
  readonly rows: number;
  /** 1 for a list. */
  readonly columns: number;
  readonly values: Float32Array;
}

function constantsOf(bytes: Uint8Array): Map<string, Constant> {
  let graph;
  try {
    ({ graph } = onnxProto.onnx.ModelProto.decode(bytes));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', 'not an ONNX file', { cause });
  }
  const floats = (graph?.initializer ?? []).filter(({ dataType }) => dataType === FLOAT);
  return new Map(floats.map(({ name, dims, rawData }) => {
    const [rows = 0, columns = 1] = (dims ?? []).map(Number);
    // A copy of its own: what was decoded is a window on the whole file, and may lie at any byte.
    return [name ?? '', { rows, columns, values: new Float32Array(Uint8Array.from(rawData ?? []).buffer) }];
  }));
}
