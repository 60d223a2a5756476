/** Checks a foreign ONNX graph and cuts it down to one input and one output; weights from other files are taken in. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { CopresenceError } from '../../core/errors.ts';
import type { TensorSpec } from '../../registry/manifest.ts';
import { isAllowedOperator, isKnownDomain, OPSETS } from './operators.ts';

/** A larger file is refused before it is read. */
export const MAX_IMPORT_BYTES = 512 * 2 ** 20;
const MAX_NODES = 50_000;

/** TensorProto.DataType of what a manifest may name, and bytes of one element. */
const TYPES: Readonly<Record<number, { readonly dtype: TensorSpec['dtype']; readonly bytes: number }>> = {
  1: { dtype: 'float32', bytes: 4 }, 2: { dtype: 'uint8', bytes: 1 }, 3: { dtype: 'int8', bytes: 1 }, 6: { dtype: 'int32', bytes: 4 },
  7: { dtype: 'int64', bytes: 8 }, 10: { dtype: 'float16', bytes: 2 },
};
/** TensorProto.DataLocation */
const EXTERNAL = 1;

export interface CheckedGraph {
  readonly bytes: Uint8Array;
  readonly input: TensorSpec;
  readonly output: TensorSpec;
  /** As the exporter wrote them into the file, if it did. */
  readonly labels: readonly string[] | undefined;
  readonly opset: number;
  /** Names of the operators, sorted, each once. */
  readonly operators: readonly string[];
}

export interface GraphChoice {
  /** Which output; may be left out where there is one alone. */
  readonly output: string | undefined;
  /** Bytes of a file beside the graph, from `offset` on, `length` of them where it is given. */
  readonly externalData: (path: string, offset: number, length: number | undefined) => Uint8Array;
}

/**
 * @throws CopresenceError MODEL_INVALID when the bytes are no whole ONNX file; GRAPH_UNSUPPORTED for an operator or opset that is not
 * allowed; SHAPE_MISMATCH for a batch of fixed size or an axis without one; CONFIG_INVALID when several outputs leave a choice.
 */
export function checkGraph(bytes: Uint8Array, choice: GraphChoice): CheckedGraph {
  const model = decode(bytes);
  const graph = model.graph;
  if (!graph || (graph.node ?? []).length === 0) throw invalid('the file holds no graph: it is cut off, or no ONNX file');
  if ((graph.node ?? []).length > MAX_NODES) throw invalid(`${graph.node?.length} operations, of ${MAX_NODES} at most`);
  const opset = opsetOf(model);
  const output = outputOf(graph, choice.output);
  const needed = neededFor(graph, output.name ?? '');
  const operators = checkOperators(needed.nodes);
  const constants = (graph.initializer ?? []).filter(({ name }) => needed.values.has(name ?? '')).map((tensor) => takeIn(tensor, choice));
  const input = inputOf(graph, needed.values);
  const cut: onnx.IGraphProto = { ...graph, node: needed.nodes, initializer: constants, input: [input], output: [output], valueInfo: [] };
  return {
    bytes: onnxProto.onnx.ModelProto.encode({ ...model, graph: cut }).finish(),
    input: specOf(input, 'input'), output: specOf(output, 'output'), labels: labelsOf(model), opset, operators,
  };
}

/** Lets the output go through a softmax, for classifiers that give logits. */
export function addSoftmax({ bytes, ...checked }: CheckedGraph): CheckedGraph {
  const model = onnxProto.onnx.ModelProto.decode(bytes);
  const [output] = model.graph?.output ?? [];
  const name = 'probabilities_of_import';
  const node = [...(model.graph?.node ?? []), { opType: 'Softmax', input: [checked.output.name], output: [name], attribute: [{ name: 'axis', type: 2, i: -1 }] }];
  const graph = { ...model.graph, node, output: [{ ...output, name }] };
  return { ...checked, bytes: onnxProto.onnx.ModelProto.encode({ ...model, graph }).finish(), output: { ...checked.output, name } };
}

function decode(bytes: Uint8Array): onnx.ModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', 'not an ONNX file, or one that is cut off', { cause });
  }
}

function opsetOf({ opsetImport, functions }: onnx.IModelProto): number {
  const foreign = [...(opsetImport ?? []), ...(functions ?? [])].map(({ domain }) => domain ?? '').find((domain) => !isKnownDomain(domain));
  if (foreign !== undefined) throw new CopresenceError('GRAPH_UNSUPPORTED', `the graph needs operators of '${foreign}', which this runtime has not`);
  const version = Number((opsetImport ?? []).find(({ domain }) => (domain ?? '') === '' || domain === 'ai.onnx')?.version ?? 0);
  if (version < OPSETS.from || version > OPSETS.to) throw new CopresenceError('GRAPH_UNSUPPORTED', `opset ${version}; ${OPSETS.from} to ${OPSETS.to} are taken`);
  return version;
}

function outputOf({ output }: onnx.IGraphProto, wanted: string | undefined): onnx.IValueInfoProto {
  const names = (output ?? []).map(({ name }) => name ?? '');
  if (wanted === undefined && names.length > 1) throw new CopresenceError('CONFIG_INVALID', `the graph has the outputs ${names.join(', ')}: give one by --output`);
  const found = wanted === undefined ? output?.[0] : output?.find(({ name }) => name === wanted);
  if (found === undefined) throw new CopresenceError('CONFIG_INVALID', `the graph has no output ${wanted ?? ''}; there are ${names.join(', ') || 'none'}`);
  return found;
}

/** What an output is computed from; the rest of the graph is left behind. */
function neededFor({ node = [] }: onnx.IGraphProto, output: string): { nodes: onnx.INodeProto[]; values: Set<string> } {
  const makers = new Map((node ?? []).flatMap((own) => (own.output ?? []).map((name) => [name, own] as const)));
  const values = new Set<string>();
  const used = new Set<onnx.INodeProto>();
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || values.has(name)) continue;
    values.add(name);
    const maker = makers.get(name);
    if (maker === undefined || used.has(maker)) continue;
    used.add(maker);
    open.push(...(maker.input ?? []));
  }
  return { nodes: (node ?? []).filter((own) => used.has(own)), values };
}

function checkOperators(nodes: readonly onnx.INodeProto[]): string[] {
  for (const { domain, opType, name, attribute } of nodes) {
    const shown = `${domain ? `${domain}.` : ''}${opType ?? '?'} '${name ?? ''}'`;
    if (!isAllowedOperator(domain ?? '', opType ?? '')) throw new CopresenceError('GRAPH_UNSUPPORTED', `${shown}: this operator is not taken`);
    if ((attribute ?? []).some(({ t, tensors }) => [t, ...(tensors ?? [])].some((tensor) => tensor?.dataLocation === EXTERNAL))) {
      throw new CopresenceError('GRAPH_UNSUPPORTED', `${shown}: an attribute in another file`);
    }
  }
  return [...new Set(nodes.map(({ opType }) => opType ?? ''))].sort();
}

/** A constant with its values in it. */
function takeIn(tensor: onnx.ITensorProto, { externalData }: GraphChoice): onnx.ITensorProto {
  const { name, dims, dataType } = tensor;
  const type = TYPES[dataType ?? 0];
  const count = (dims ?? []).map(Number).reduce((product, size) => product * size, 1);
  const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value ?? '']));
  const inside = tensor.dataLocation !== EXTERNAL;
  const length = entries.get('length');
  const raw = inside ? tensor.rawData : externalData(entries.get('location') ?? '', Number(entries.get('offset') ?? 0), length === undefined ? undefined : Number(length));
  if (type !== undefined && raw && raw.length > 0 && raw.length !== count * type.bytes) {
    throw invalid(`the weights ${name} are ${raw.length} bytes, not ${count * type.bytes} as [${(dims ?? []).map(Number).join(', ')}] needs`);
  }
  if (inside) return tensor;
  return { ...tensor, externalData: [], dataLocation: 0, rawData: raw ?? new Uint8Array() };
}

function inputOf({ input = [], initializer = [] }: onnx.IGraphProto, used: ReadonlySet<string>): onnx.IValueInfoProto {
  const constants = new Set((initializer ?? []).map(({ name }) => name));
  // Older exporters list the weights among the inputs.
  const own = (input ?? []).filter(({ name }) => !constants.has(name) && used.has(name ?? ''));
  if (own.length !== 1) throw new CopresenceError('SHAPE_MISMATCH', `the output is computed from ${own.length} inputs (${own.map(({ name }) => name).join(', ')}); one is taken`);
  return own[0]!;
}

function specOf({ name, type }: onnx.IValueInfoProto, which: string): TensorSpec {
  const found = TYPES[type?.tensorType?.elemType ?? 0];
  if (found === undefined) throw new CopresenceError('SHAPE_MISMATCH', `the ${which} ${name} is no tensor of a type that is taken`);
  const dims = type?.tensorType?.shape?.dim ?? [];
  const sizes = dims.map(({ dimValue }) => Number(dimValue ?? 0));
  if (dims.length < 2) throw new CopresenceError('SHAPE_MISMATCH', `the ${which} ${name} has ${dims.length} axes; rows of a batch need two or more`);
  if (sizes[0]! > 0) throw new CopresenceError('SHAPE_MISMATCH', `the ${which} ${name} has a batch of fixed size ${sizes[0]}: export it with a dynamic first axis`);
  const open = sizes.findIndex((size, axis) => axis > 0 && size <= 0);
  if (open > 0) throw new CopresenceError('SHAPE_MISMATCH', `axis ${open} of the ${which} ${name} has no size`);
  return { name: name ?? '', dtype: found.dtype, shape: ['N', ...sizes.slice(1)], meaning: which === 'input' ? 'as the model was trained; not said in the file' : 'a score for each label' };
}

/** `labels`, `classes` or `names` among the file's properties: a JSON list, or words between commas. */
function labelsOf({ metadataProps }: onnx.IModelProto): string[] | undefined {
  const text = (metadataProps ?? []).find(({ key }) => ['labels', 'classes', 'names'].includes(key ?? ''))?.value;
  if (!text) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map(String) : undefined;
  } catch {
    return text.includes('{') ? undefined : text.split(',').map((label) => label.trim());
  }
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('MODEL_INVALID', detail);
}
