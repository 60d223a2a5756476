/** The gRPC side of the Open Inference Protocol: its service, and its messages as grpc-js gives and takes them. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { CopresenceError } from '../../core/errors.ts';
import { decodeValues, isDatatype, type Datatype } from './datatypes.ts';
import type { AnswerTensor, InferAnswer, InferCall, TensorContent, WireTensor } from './infer.ts';
import { OIP_LIMITS } from './limits.ts';
import { readParameters } from './parameters.ts';

const PROTO_FILE = fileURLToPath(new URL('./predict-v2.proto', import.meta.url));

/** 64-bit integers are decimal text. One field at most is there. */
type GrpcParameter = Readonly<Partial<Record<'bool_param' | 'int64_param' | 'string_param' | 'double_param' | 'uint64_param', unknown>>>;
type GrpcParameters = Readonly<Record<string, GrpcParameter>>;

type ContentsField = 'int_contents' | 'int64_contents' | 'uint_contents' | 'fp32_contents';
type GrpcContents = Readonly<Partial<Record<ContentsField, readonly (number | string)[]>>>;

export interface GrpcTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly (string | number)[];
  readonly contents?: GrpcContents | null;
}

export interface GrpcInferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: GrpcParameters;
  readonly inputs: readonly GrpcTensor[];
  readonly outputs: readonly { readonly name: string; readonly parameters?: GrpcParameters }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

export interface GrpcInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly GrpcTensor[];
  readonly raw_output_contents: readonly Uint8Array[];
}

/** The service, for a server's handlers and for clients. Reads the proto file each time. */
export function loadOipService(): ServiceClientConstructor {
  const definition = loadSync(PROTO_FILE, { keepCase: true, longs: String, defaults: true, arrays: true, objects: true, oneofs: true });
  // The names are those of the file above.
  const { inference } = loadPackageDefinition(definition) as unknown as { inference: { GRPCInferenceService: ServiceClientConstructor } };
  return inference.GRPCInferenceService;
}

/** Reads a request. @throws CopresenceError MESSAGE_INVALID or TENSOR_INVALID. */
export function readGrpcRequest(request: GrpcInferRequest): InferCall {
  const { inputs, outputs, parameters } = request;
  if (inputs.length > OIP_LIMITS.tensors || outputs.length > OIP_LIMITS.tensors) throw new CopresenceError('MESSAGE_INVALID', `more than ${OIP_LIMITS.tensors} tensors`);
  if (request.id.length > OIP_LIMITS.nameLength) throw new CopresenceError('MESSAGE_INVALID', `an id of more than ${OIP_LIMITS.nameLength} characters`);
  for (const output of outputs) {
    if (Object.hasOwn(output.parameters ?? {}, 'classification')) throw new CopresenceError('MESSAGE_INVALID', 'the parameter classification is not supported');
  }
  const plain = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, plainParameter(value)]));
  return {
    model: request.model_name,
    version: request.model_version,
    id: request.id,
    ...readParameters(plain),
    inputs: readGrpcTensors(inputs, request.raw_input_contents),
    outputs: outputs.map(({ name }) => name),
  };
}

/**
 * Gives each tensor its numbers, raw or typed.
 *
 * @throws CopresenceError TENSOR_INVALID when both are there, for another count of raw contents, and for a shape that is none.
 */
export function readGrpcTensors(tensors: readonly GrpcTensor[], raw: readonly Uint8Array[]): WireTensor[] {
  if (raw.length > 0 && raw.length !== tensors.length) throw new CopresenceError('TENSOR_INVALID', `${raw.length} raw contents for ${tensors.length} tensors`);
  return tensors.map(({ name, datatype, shape, contents }, index) => {
    const bytes = raw[index];
    const hasTyped = contents !== undefined && contents !== null;
    if (bytes !== undefined && hasTyped) throw new CopresenceError('TENSOR_INVALID', `${name}: raw and typed contents`);
    const content: TensorContent = bytes === undefined ? { kind: 'values', values: typedValues(datatype, contents ?? {}) } : { kind: 'raw', bytes };
    return { name, datatype, shape: readShape(name, shape), content };
  });
}

/** Writes a response, its contents raw where the request's were, or where a type has no other. */
export function writeGrpcResponse({ model, version, id, outputs }: InferAnswer, raw: boolean): GrpcInferResponse {
  const isRaw = raw || outputs.some(({ datatype }) => datatype === 'FP16');
  return {
    model_name: model,
    model_version: version,
    id,
    outputs: outputs.map((output) => writeGrpcTensor(output, isRaw)),
    raw_output_contents: isRaw ? outputs.map(({ bytes }) => bytes) : [],
  };
}

function writeGrpcTensor({ name, datatype, shape, bytes }: AnswerTensor, raw: boolean): GrpcTensor {
  if (raw || datatype === 'FP16') return { name, datatype, shape };
  const values = decodeValues(bytes, datatype).map((value) => (typeof value === 'bigint' ? value.toString() : value));
  return { name, datatype, shape, contents: { [TYPED_FIELDS[datatype]]: values } };
}

const TYPED_FIELDS: Readonly<Record<Exclude<Datatype, 'FP16'>, ContentsField>> = {
  FP32: 'fp32_contents',
  INT64: 'int64_contents',
  INT32: 'int_contents',
  INT8: 'int_contents',
  UINT8: 'uint_contents',
};

function typedValues(datatype: string, contents: GrpcContents): readonly unknown[] {
  return isDatatype(datatype) && datatype !== 'FP16' ? (contents[TYPED_FIELDS[datatype]] ?? []) : [];
}

function readShape(name: string, shape: GrpcTensor['shape']): number[] {
  const sizes = shape.map(Number);
  if (sizes.length > OIP_LIMITS.dimensions || !sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new CopresenceError('TENSOR_INVALID', `${name}: no shape`);
  }
  return sizes;
}

function plainParameter(parameter: GrpcParameter): unknown {
  return parameter.int64_param ?? parameter.uint64_param ?? parameter.string_param ?? parameter.double_param ?? parameter.bool_param;
}
