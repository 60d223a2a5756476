/** An inference request over HTTP, read and written. */
import * as z from 'zod/mini';
import { CopresenceError } from '../../core/errors.ts';
import { HEADER_LENGTH, httpTensor, oipName, oipParameters, splitBody, withContents } from './http-tensors.ts';
import type { AnswerTensor, InferCall } from './infer.ts';
import { parseJson } from './json.ts';
import { OIP_LIMITS } from './limits.ts';
import { readParameters } from './parameters.ts';

const inferRequest = z.object({
  id: z.optional(z.string().check(z.maxLength(OIP_LIMITS.nameLength))),
  parameters: oipParameters,
  inputs: z.array(httpTensor).check(z.maxLength(OIP_LIMITS.tensors)),
  outputs: z.optional(z.array(z.object({ name: oipName, parameters: oipParameters })).check(z.maxLength(OIP_LIMITS.tensors))),
});

/** A call and how its answer is wanted. */
export interface HttpInferRequest {
  readonly call: InferCall;
  /** Whether this output goes behind the JSON as bytes. */
  readonly isBinary: (output: string) => boolean;
}

/**
 * Reads a request.
 *
 * @param target - the model and the version of the path. @param body - the call keeps views of it.
 * @param headerLength - the value of the header HEADER_LENGTH.
 * @throws CopresenceError MESSAGE_INVALID, PACKET_TOO_LARGE or TENSOR_INVALID.
 */
export function readHttpRequest(target: Pick<InferCall, 'model' | 'version'>, body: Uint8Array, headerLength: string | undefined): HttpInferRequest {
  const { json, binary } = splitBody(body, headerLength);
  const parsed = inferRequest.safeParse(parseJson(json));
  if (!parsed.success) throw new CopresenceError('MESSAGE_INVALID', explain(parsed.error));
  const { id = '', parameters = {}, inputs, outputs = [] } = parsed.data;
  const binaryOutputs = new Map(outputs.map((output) => [output.name, readFlag(output.parameters, 'binary_data')]));
  const binaryDefault = readFlag(parameters, 'binary_data_output') ?? false;
  refuseUnsupported(outputs.map((output) => output.parameters ?? {}));
  return {
    call: { ...target, ...readParameters(parameters), id, inputs: withContents(inputs, binary), outputs: outputs.map(({ name }) => name) },
    isBinary: (output) => binaryOutputs.get(output) ?? binaryDefault,
  };
}

/** What goes over the wire; `headers` without those of authorisation. */
export interface HttpMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Writes a request with binary tensors that asks for binary outputs. @param timeoutUs - undefined without a limit. */
export function writeHttpRequest(inputs: readonly AnswerTensor[], timeoutUs: number | undefined): HttpMessage {
  const json = {
    parameters: { binary_data_output: true, ...(timeoutUs === undefined ? {} : { timeout: timeoutUs }) },
    inputs: inputs.map(({ name, datatype, shape, bytes }) => ({ name, datatype, shape, parameters: { binary_data_size: bytes.length } })),
  };
  const header = Buffer.from(JSON.stringify(json), 'utf8');
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.length) },
    body: Buffer.concat([header, ...inputs.map(({ bytes }) => bytes)]),
  };
}

function readFlag(parameters: Readonly<Record<string, unknown>> | undefined, name: string): boolean | undefined {
  const value = parameters?.[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new CopresenceError('MESSAGE_INVALID', `the parameter ${name} is true or false`);
}

/** What would change the answer and is not done here is refused; other parameters are left alone. */
function refuseUnsupported(parameters: readonly Readonly<Record<string, unknown>>[]): void {
  for (const name of ['classification', 'shared_memory_region']) {
    if (parameters.some((of) => Object.hasOwn(of, name))) throw new CopresenceError('MESSAGE_INVALID', `the parameter ${name} is not supported`);
  }
}

function explain(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
}
