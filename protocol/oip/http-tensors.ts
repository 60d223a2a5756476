/** Tensors over HTTP: in JSON as numbers, or behind it as bytes (the binary tensor data extension). */
import * as z from 'zod/mini';
import { CopresenceError } from '../../core/errors.ts';
import { OIP_LIMITS } from './limits.ts';
import type { TensorContent, WireTensor } from './infer.ts';

/** Says how long the JSON in front of binary data is; absent where the whole body is JSON. */
export const HEADER_LENGTH = 'inference-header-content-length';

/** A request's or a response's JSON, and the bytes behind it. */
export interface HttpParts {
  readonly json: Uint8Array;
  readonly binary: Uint8Array;
}

export const oipName = z.string().check(z.minLength(1), z.maxLength(OIP_LIMITS.nameLength));
export const oipParameters = z.optional(z.record(z.string().check(z.maxLength(OIP_LIMITS.nameLength)), z.unknown()));

/** A tensor in JSON; fields that are not known are left alone, as the protocol says. */
export const httpTensor = z.object({
  name: oipName,
  datatype: oipName,
  shape: z.array(z.int().check(z.minimum(0))).check(z.maxLength(OIP_LIMITS.dimensions)),
  parameters: oipParameters,
  data: z.optional(z.array(z.unknown())),
});
export type HttpTensor = z.infer<typeof httpTensor>;

/**
 * Cuts a body in two.
 *
 * @param headerLength - the value of HEADER_LENGTH, as it came.
 * @throws CopresenceError MESSAGE_INVALID when it is no length within the body, or 0.
 */
export function splitBody(body: Uint8Array, headerLength: string | undefined): HttpParts {
  if (headerLength === undefined) return { json: body, binary: body.subarray(body.length) };
  const length = /^\d{1,10}$/.test(headerLength) ? Number(headerLength) : Number.NaN;
  if (!(length > 0 && length <= body.length)) throw new CopresenceError('MESSAGE_INVALID', `Inference-Header-Content-Length is no length from 1 to the ${body.length} bytes of the body`);
  return { json: body.subarray(0, length), binary: body.subarray(length) };
}

/**
 * Gives each tensor its numbers, taking those of `binary_data_size` from the bytes in their order.
 *
 * @param binary - the tensors keep views of it.
 * @throws CopresenceError TENSOR_INVALID for a tensor with neither or both, for a size that is no size, and when the
 * sizes do not add up to the bytes.
 */
export function withContents(tensors: readonly HttpTensor[], binary: Uint8Array): WireTensor[] {
  let at = 0;
  const filled = tensors.map(({ name, datatype, shape, parameters, data }): WireTensor => {
    const size = parameters?.['binary_data_size'];
    if ((size === undefined) === (data === undefined)) throw new CopresenceError('TENSOR_INVALID', `${name}: either data or the parameter binary_data_size is expected`);
    const content = data === undefined ? takeBytes(binary, at, size) : ({ kind: 'values', values: data } as const);
    at += content.kind === 'raw' ? content.bytes.length : 0;
    return { name, datatype, shape, content };
  });
  if (at !== binary.length) throw new CopresenceError('TENSOR_INVALID', `${binary.length} bytes of binary data, where binary_data_size adds up to ${at}`);
  return filled;
}

function takeBytes(binary: Uint8Array, at: number, size: unknown): TensorContent & { readonly kind: 'raw' } {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || at + size > binary.length) {
    throw new CopresenceError('TENSOR_INVALID', `binary_data_size is no size within the ${binary.length} bytes of binary data`);
  }
  return { kind: 'raw', bytes: binary.subarray(at, at + size) };
}
