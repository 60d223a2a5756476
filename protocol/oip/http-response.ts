/** An inference response over HTTP, written and read. */
import * as z from 'zod/mini';
import { CopresenceError } from '../../core/errors.ts';
import { decodeValues } from './datatypes.ts';
import type { HttpMessage } from './http-request.ts';
import { HEADER_LENGTH, httpTensor, splitBody, withContents } from './http-tensors.ts';
import type { AnswerTensor, InferAnswer, WireTensor } from './infer.ts';
import { parseJson } from './json.ts';
import { OIP_LIMITS } from './limits.ts';

const inferResponse = z.object({ outputs: z.array(httpTensor).check(z.maxLength(OIP_LIMITS.tensors)) });

/**
 * Writes a response. Numbers are written with the digits that give them back exactly.
 *
 * @throws CopresenceError TENSOR_INVALID when an output of type FP16 is wanted as numbers.
 */
export function writeHttpResponse(answer: InferAnswer, isBinary: (output: string) => boolean): HttpMessage {
  const { model, version, id, outputs } = answer;
  const head = JSON.stringify({ model_name: model, model_version: version, ...(id === '' ? {} : { id }) });
  const tensors = outputs.map((output) => writeTensor(output, isBinary(output.name)));
  const json = Buffer.from(`${head.slice(0, -1)},"outputs":[${tensors.join(',')}]}`, 'utf8');
  const binary = outputs.filter(({ name }) => isBinary(name)).map(({ bytes }) => bytes);
  if (binary.length === 0) return { headers: { 'content-type': 'application/json' }, body: json };
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(json.length) },
    body: Buffer.concat([json, ...binary]),
  };
}

/** Reads a response's outputs. @throws CopresenceError MESSAGE_INVALID, PACKET_TOO_LARGE or TENSOR_INVALID. */
export function readHttpResponse(body: Uint8Array, headerLength: string | undefined): WireTensor[] {
  const { json, binary } = splitBody(body, headerLength);
  const parsed = inferResponse.safeParse(parseJson(json));
  if (!parsed.success) throw new CopresenceError('MESSAGE_INVALID', 'the response is not one of the Open Inference Protocol');
  return withContents(parsed.data.outputs, binary);
}

function writeTensor({ name, datatype, shape, bytes }: AnswerTensor, binary: boolean): string {
  const head = { name, datatype, shape };
  if (binary) return JSON.stringify({ ...head, parameters: { binary_data_size: bytes.length } });
  if (datatype === 'FP16') throw new CopresenceError('TENSOR_INVALID', `${name}: FP16 travels as binary data only`);
  // A bigint has digits in JSON too, only JSON.stringify does not write them; no number here is NaN or infinite.
  return `${JSON.stringify(head).slice(0, -1)},"data":[${decodeValues(bytes, datatype).join(',')}]}`;
}
