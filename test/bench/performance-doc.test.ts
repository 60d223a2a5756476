import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markdownTable, replaceSection, writeSection } from '../../bench/performance-doc.ts';
import { barChart } from '../../sim/report/chart.ts';

const PAGE = '# Title\n\n<!-- a -->\nold a\n<!-- /a -->\n\nbetween\n\n<!-- b -->\nold b\n<!-- /b -->\n';

describe('the performance document', () => {
  it('a section is replaced, and everything else is left as it was', () => {
    expect(replaceSection(PAGE, 'b', 'new b\n')).toBe(PAGE.replace('old b', 'new b'));
  });

  it('writing the same section twice changes nothing', () => {
    const once = replaceSection(PAGE, 'a', 'new a');
    expect(replaceSection(once, 'a', 'new a')).toBe(once);
  });

  it('a section that is not there yet is added at the end', () => {
    expect(replaceSection('# Title\n', 'c', 'c')).toBe('# Title\n\n<!-- c -->\nc\n<!-- /c -->\n');
  });

  it('a marker without its pair is refused, and so is one inside the text', () => {
    expect(() => replaceSection('<!-- a -->', 'a', 'text')).toThrow('pair');
    expect(() => replaceSection(PAGE, 'a', 'text <!-- /a -->')).toThrow('marker');
  });

  it('charts become files of their own, and the text refers to them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'performance-'));
    try {
      writeFileSync(join(folder, 'performance.md'), PAGE);
      const svg = barChart({ title: 'Cost', xLabel: 'x', yLabel: 'y', bars: [{ label: 'one', value: 1 }] });
      writeSection({ name: 'a', markdown: '## A\n\n{{cost}}', charts: [{ name: 'cost', alt: 'What it costs', svg }] }, folder);
      expect(readFileSync(join(folder, 'performance.md'), 'utf8')).toContain('## A\n\n![What it costs](images/a-cost.svg)\n<!-- /a -->');
      expect(readFileSync(join(folder, 'images', 'a-cost.svg'), 'utf8')).toContain('xmlns="http://www.w3.org/2000/svg"');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('rows become a table under the names of their fields', () => {
    expect(markdownTable([{ model: 'a', ms: 1 }, { model: 'b', ms: 2 }])).toBe('| model | ms |\n| --- | --- |\n| a | 1 |\n| b | 2 |');
  });
});
