/** Lines and CSV records out of bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecords, linesOf, MAX_LINE_BYTES } from '../../../training/dataset/lines.ts';
import { parseCsv } from '../../../training/language/csv.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const records = (text: string): unknown => [...csvRecords(bytes(text), 'f.csv')].map(({ line, fields }) => [line, ...fields]);

describe('lines of a file', () => {
  it('have their numbers, whatever ends them and whatever is blank between them', () => {
    expect([...linesOf(bytes('\ufeffa\r\n\n  \nb ü'), 'f')].map(({ line, text }) => [line, text.trim()])).toEqual([[1, 'a'], [4, 'b ü']]);
    expect([...linesOf(bytes(''), 'f')]).toEqual([]);
  });

  it('that are not UTF-8, or too long, are refused with their number', () => {
    expect(() => [...linesOf(new Uint8Array([0x61, 0x0a, 0x4a, 0xf6]), 'f')]).toThrow('DATASET_INVALID: f:2: not UTF-8');
    expect(() => [...linesOf(new Uint8Array(MAX_LINE_BYTES + 1).fill(0x61), 'f')]).toThrow(/DATASET_INVALID: f:1: a line of 16777217 bytes/);
  });
});

describe('records of a CSV file', () => {
  it('are those that the whole text has, one by one', () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\n', '\r\n', ' ') });
    // A record of one empty field is a blank line, which has no meaning here.
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(fc.property(rows, fc.constantFrom('\n', '\r\n'), (table, end) => {
      const text = table.map((row) => row.map((own) => (/[",\r\n]/.test(own) ? `"${own.replaceAll('"', '""')}"` : own)).join(',')).join(end);
      expect([...csvRecords(bytes(text), 'f.csv')]).toEqual(parseCsv(text, 'f.csv'));
    }));
  });

  it('pass over blank lines and a mark of byte order, and count the line breaks in quotes', () => {
    expect(records('\ufeffa,b\r\n\r\n"x\ny",2\n3,4\n\n\n')).toEqual([[1, 'a', 'b'], [3, 'x\ny', '2'], [5, '3', '4']]);
  });

  it('with a quoted field that does not end, or goes on behind its end, are refused with their line', () => {
    expect(() => records('a,b\n1,"2\n3\n')).toThrow('DATASET_INVALID: f.csv:2: a quoted field does not end');
    expect(() => records('a,b\n"1"x,2\n')).toThrow('DATASET_INVALID: f.csv:2: text behind the end of a quoted field');
  });
});
