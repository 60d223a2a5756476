/** Numbers as the bytes of tensors. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATATYPES, decodeValues, ELEMENT_BYTES, encodeValues, firstNotFinite, isDatatype, type Datatype } from '../../../protocol/oip/datatypes.ts';

const VALUES: Readonly<Record<Exclude<Datatype, 'FP16'>, fc.Arbitrary<number | bigint>>> = {
  FP32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  UINT8: fc.integer({ min: 0, max: 255 }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
};

describe('the element types', () => {
  it('are known by their own names only', () => {
    for (const name of ['BOOL', 'FP64', 'BYTES', 'fp32', 'constructor', '__proto__', '']) expect(isDatatype(name), name).toBe(false);
    for (const name of Object.values(DATATYPES)) expect(isDatatype(name), name).toBe(true);
  });

  it.each(Object.entries(VALUES) as [Exclude<Datatype, 'FP16'>, fc.Arbitrary<number | bigint>][])('%s comes back as it went', (datatype, value) => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => {
        const bytes = encodeValues(values.map((one) => (typeof one === 'bigint' ? one.toString() : one)), datatype, values.length);
        expect(bytes.length).toBe(values.length * ELEMENT_BYTES[datatype]);
        expect(decodeValues(bytes, datatype)).toEqual(values);
      }),
    );
  });

  it('are little-endian', () => {
    expect([...encodeValues([1, -2], 'INT32', 2)]).toEqual([1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]);
    expect([...encodeValues([1], 'FP32', 1)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  it('take nested lists in the order in which they are written', () => {
    expect(decodeValues(encodeValues([[1, [2]], [[3, 4]]], 'UINT8', 4), 'UINT8')).toEqual([1, 2, 3, 4]);
  });

  it('take integers beyond 2^53 as text only, where they are exact', () => {
    expect(decodeValues(encodeValues(['9223372036854775807'], 'INT64', 1), 'INT64')).toEqual([2n ** 63n - 1n]);
    for (const value of [2 ** 53, '9223372036854775808', '1.5', '0x10', '', null, true]) expect(() => encodeValues([value], 'INT64', 1), String(value)).toThrow('TENSOR_INVALID');
  });

  it('refuse what is no number of the type, and another count', () => {
    const refused: [Datatype, unknown][] = [['FP32', Infinity], ['FP32', 1e39], ['FP32', '1'], ['FP32', null], ['UINT8', 256], ['UINT8', -1], ['INT8', 128], ['INT8', 0.5], ['INT32', 2 ** 31], ['FP16', 1]];
    for (const [datatype, value] of refused) expect(() => encodeValues([value], datatype, 1), `${datatype} ${String(value)}`).toThrow('TENSOR_INVALID');
    expect(() => encodeValues([1, 2], 'UINT8', 1)).toThrow('more than the 1 numbers');
    expect(() => encodeValues([1], 'UINT8', 2)).toThrow('1 numbers instead of the 2');
  });

  it('are searched for the first number that is not finite', () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { maxLength: 20 }), (values) => {
        const bytes = new Uint8Array(Float32Array.from(values).buffer);
        expect(firstNotFinite(bytes, 'FP32')).toBe(values.findIndex((value) => !Number.isFinite(value)));
      }),
    );
    expect(firstNotFinite(Uint8Array.of(0, 0x3c, 0, 0x7c), 'FP16')).toBe(1);
    expect(firstNotFinite(Uint8Array.of(0, 0, 0x80, 0x7f), 'INT32')).toBe(-1);
  });
});
