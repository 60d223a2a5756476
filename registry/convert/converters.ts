/** The converters that a manifest's `convertedFrom` may name: from a package's files to the bytes of a `model.onnx`. */
import { CopresenceError } from '../../core/errors.ts';
import type { Conversion, ConverterName } from '../manifest.ts';
import { parseGraphModel } from './graph-model.ts';
import { convertGraph } from './graph.ts';
import { convertMovenet } from './movenet.ts';

/** What a converter reads. */
export interface ConverterSource {
  /** The bytes of the `model.json`. */
  readonly topology: Uint8Array;
  /** The bytes of a weight file, by its path relative to the `model.json`; throws when there is none. */
  readonly weightFile: (path: string) => Uint8Array;
  /** For `tfjs-graph`: what to convert of the graph. */
  readonly nodes?: NonNullable<Conversion['nodes']>;
}

const CONVERTERS: Readonly<Record<ConverterName, (source: ConverterSource) => Uint8Array>> = {
  'tfjs-movenet': (source) => convertMovenet(parseGraphModel(source.topology, source.weightFile)),
  'tfjs-graph': convertPlain,
};

/**
 * Runs a converter. The same source gives the same bytes on every machine, so a manifest can hold their digest.
 *
 * Takes about a second for MoveNet and blocks the loop meanwhile: for start-up and tools.
 *
 * @throws CopresenceError MODEL_INVALID or GRAPH_UNSUPPORTED.
 */
export function runConverter(name: ConverterName, source: ConverterSource): Uint8Array {
  return CONVERTERS[name](source);
}

function convertPlain({ topology, weightFile, nodes }: ConverterSource): Uint8Array {
  if (nodes === undefined) throw new CopresenceError('MODEL_INVALID', 'tfjs-graph needs the nodes to convert');
  const { input, sizes, outputs } = nodes;
  return convertGraph(parseGraphModel(topology, weightFile), { name: 'graph', input: { node: input, sizes }, outputs });
}
