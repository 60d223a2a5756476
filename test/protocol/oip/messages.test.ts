/** Requests and responses over HTTP and gRPC: that what is written can be read, and what is read is checked. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopresenceError } from '../../../core/errors.ts';
import { loadOipService, readGrpcRequest, readGrpcTensors, writeGrpcResponse, type GrpcInferRequest, type GrpcInferResponse } from '../../../protocol/oip/grpc.ts';
import { readHttpRequest, writeHttpRequest } from '../../../protocol/oip/http-request.ts';
import { readHttpResponse, writeHttpResponse } from '../../../protocol/oip/http-response.ts';
import { HEADER_LENGTH } from '../../../protocol/oip/http-tensors.ts';
import type { AnswerTensor } from '../../../protocol/oip/infer.ts';
import { parseJson } from '../../../protocol/oip/json.ts';
import { OIP_LIMITS } from '../../../protocol/oip/limits.ts';

const TARGET = { model: 'm', version: '' };
const tensors: fc.Arbitrary<AnswerTensor[]> = fc.uniqueArray(
  fc.record({ name: fc.string({ minLength: 1, maxLength: 12 }), datatype: fc.constantFrom('UINT8' as const, 'INT8' as const), bytes: fc.uint8Array({ maxLength: 40 }) }).map((tensor) => ({ ...tensor, shape: [tensor.bytes.length] })),
  { maxLength: 5, selector: ({ name }) => name },
);
const RUST = Buffer.from('ignored');

/** Whatever a reader of strangers' bytes does, it gives a value or throws an error with a code. */
function refusesOrReads(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof CopresenceError)) throw error;
  }
}

describe('calls over HTTP', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(tensors, fc.option(fc.nat({ max: 1e9 }), { nil: undefined }), (inputs, timeoutUs) => {
        const { headers, body } = writeHttpRequest(inputs, timeoutUs);
        const { call, isBinary } = readHttpRequest(TARGET, body, headers[HEADER_LENGTH]);
        expect(call.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual(inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })));
        expect(call.inputs.map(({ content }) => (content.kind === 'raw' ? [...content.bytes] : content))).toEqual(inputs.map(({ bytes }) => [...bytes]));
        expect(call.timeoutMs).toBe(timeoutUs === undefined || timeoutUs === 0 ? undefined : timeoutUs / 1000);
        expect(isBinary('anything')).toBe(true);
      }),
    );
  });

  it('are answered so that the answer can be read, in JSON and as bytes', () => {
    fc.assert(
      fc.property(tensors, fc.func(fc.boolean()), (outputs, isBinary) => {
        const { headers, body } = writeHttpResponse({ model: 'm', version: '1', id: 'x', outputs }, (name) => isBinary(name));
        const read = readHttpResponse(body, headers[HEADER_LENGTH]);
        expect(read.map(({ name, shape }) => [name, shape])).toEqual(outputs.map(({ name, shape }) => [name, shape]));
        read.forEach(({ content, name }) => expect(content.kind).toBe(isBinary(name) ? 'raw' : 'values'));
      }),
    );
  });

  it('keep integers of 64 bits exact in JSON', () => {
    const bytes = new Uint8Array(BigInt64Array.of(2n ** 63n - 1n, -1n).buffer);
    const { body } = writeHttpResponse({ model: 'm', version: '1', id: '', outputs: [{ name: 'x', datatype: 'INT64', shape: [2], bytes }] }, () => false);
    expect(Buffer.from(body).toString()).toBe('{"model_name":"m","model_version":"1","outputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[9223372036854775807,-1]}]}');
  });

  it('read any bytes with any header length, or refuse them with a code', () => {
    const header = fc.option(fc.oneof(fc.nat({ max: 200 }).map(String), fc.string()), { nil: undefined });
    const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))));
    fc.assert(fc.property(body, header, (bytes, length) => refusesOrReads(() => readHttpRequest(TARGET, bytes, length))), { numRuns: 2000 });
    fc.assert(fc.property(body, header, (bytes, length) => refusesOrReads(() => readHttpResponse(bytes, length))), { numRuns: 1000 });
  });

  it('do not let bytes be claimed twice, or left over', () => {
    const request = (size: number): Buffer => Buffer.from(JSON.stringify({ inputs: [{ name: 'a', datatype: 'UINT8', shape: [4], parameters: { binary_data_size: size } }] }));
    const read = (size: number, tail: number): unknown => readHttpRequest(TARGET, Buffer.concat([request(size), Buffer.alloc(tail)]), String(request(size).length));
    expect(() => read(4, 4)).not.toThrow();
    for (const [size, tail] of [[4, 5], [5, 4], [-1, 0], [1.5, 2]] as const) expect(() => read(size, tail), `${size} ${tail}`).toThrow('TENSOR_INVALID');
  });
});

describe('JSON of strangers', () => {
  it('is not followed deeper than allowed, wherever brackets stand in text', () => {
    const nested = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
    expect(() => parseJson(nested(OIP_LIMITS.jsonDepth))).not.toThrow();
    expect(() => parseJson(nested(OIP_LIMITS.jsonDepth + 1))).toThrow('MESSAGE_INVALID: JSON nested deeper');
    expect(() => parseJson(Buffer.from('['.repeat(1_000_000)))).toThrow('nested deeper');
    expect(parseJson(Buffer.from(JSON.stringify(`\\"${'['.repeat(100)}`)))).toBe(`\\"${'['.repeat(100)}`);
  });

  it('is UTF-8, and short enough', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow('MESSAGE_INVALID');
    expect(() => parseJson(Buffer.alloc(OIP_LIMITS.jsonBytes + 1, 0x20))).toThrow('PACKET_TOO_LARGE');
  });
});

describe('calls over gRPC', () => {
  const { ModelInfer } = loadOipService().service;
  const decode = (bytes: readonly number[]): GrpcInferRequest => ModelInfer?.requestDeserialize(Buffer.from(bytes)) as GrpcInferRequest;

  it('have the field numbers of the protocol', () => {
    // model_name 1, model_version 2, id 3, parameters 4 {timeout: int64 2}, inputs 5 {name 1, datatype 2, shape 3, contents 5 {fp32 6}}, outputs 6, raw 7.
    const text = (tag: number, value: string): number[] => [tag, value.length, ...Buffer.from(value)];
    const wrap = (tag: number, bytes: number[]): number[] => [tag, bytes.length, ...bytes];
    const input = [...text(0x0a, 'x'), ...text(0x12, 'FP32'), ...wrap(0x1a, [1, 2]), ...wrap(0x2a, wrap(0x32, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]))];
    const request = decode([...text(0x0a, 'm'), ...text(0x12, '7'), ...text(0x1a, 'id'), ...wrap(0x22, [...text(0x0a, 'timeout'), ...wrap(0x12, [0x10, 0x64])]), ...wrap(0x2a, input), ...wrap(0x32, text(0x0a, 'y'))]);
    expect(readGrpcRequest(request)).toEqual({
      model: 'm', version: '7', id: 'id', timeoutMs: 0.1, priority: 0, outputs: ['y'],
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], content: { kind: 'values', values: [1, 2] } }],
    });
    expect(decode(wrap(0x3a, [1, 2, 3])).raw_input_contents).toEqual([Buffer.from([1, 2, 3])]);
  });

  it('are answered with the field numbers of the protocol', () => {
    const bytes = ModelInfer?.responseSerialize(writeGrpcResponse({ model: 'm', version: '1', id: 'i', outputs: [{ name: 'y', datatype: 'INT8', shape: [1], bytes: Uint8Array.of(5) }] }, true));
    expect([...(bytes ?? [])]).toEqual([0x0a, 1, 0x6d, 0x12, 1, 0x31, 0x1a, 1, 0x69, 0x2a, 12, 0x0a, 1, 0x79, 0x12, 4, ...Buffer.from('INT8'), 0x1a, 1, 1, 0x32, 1, 5]);
  });

  it('are answered so that the answer can be read, raw and typed', () => {
    fc.assert(
      fc.property(tensors, fc.boolean(), (outputs, raw) => {
        const sent = ModelInfer?.responseSerialize(writeGrpcResponse({ model: 'm', version: '1', id: '', outputs }, raw));
        const response = ModelInfer?.responseDeserialize(sent ?? RUST) as GrpcInferResponse;
        const read = readGrpcTensors(response.outputs, response.raw_output_contents);
        expect(read.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual(outputs.map(({ name, datatype, shape }) => [name, datatype, shape]));
        read.forEach(({ content }, index) => {
          const length = content.kind === 'raw' ? content.bytes.length : content.values.length;
          expect(length).toBe(outputs[index]?.bytes.length);
        });
      }),
    );
  });

  it('carry FP16 as raw bytes, whatever was asked', () => {
    const response = writeGrpcResponse({ model: 'm', version: '1', id: '', outputs: [{ name: 'y', datatype: 'FP16', shape: [1], bytes: Uint8Array.of(0, 0x3c) }] }, false);
    expect(response.raw_output_contents).toEqual([Uint8Array.of(0, 0x3c)]);
  });
});
