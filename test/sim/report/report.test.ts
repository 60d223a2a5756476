/** The report: every figure is in it, and the page stands by itself. */
import { scaleLog } from 'd3-scale';
import { describe, expect, it } from 'vitest';
import { barChart, lineChart, shortNumber, standalone } from '../../../sim/report/chart.ts';
import { renderPage } from '../../../sim/report/page.ts';
import { formatTable } from '../../../sim/report/table.ts';
import { describeReport } from '../../../sim/report/terminal.ts';
import { exampleReport } from './example-report.ts';

/** Whether every element that is opened is closed, in order. */
function isBalanced(markup: string): boolean {
  const open: string[] = [];
  for (const [, slash, name = '', closed] of markup.matchAll(/<(\/?)([a-zA-Z][\w-]*)[^>]*?(\/?)>/g)) {
    if (closed === '/' || ['meta', 'br'].includes(name)) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}

describe('the page', () => {
  const page = renderPage(exampleReport());

  it('has every figure of the tables', () => {
    for (const figure of ['29,876', '30,000', '99.6 %', '4,321', '392 B', '130.8 kB/s', '1,400', 'fleet-3', '12 / 12', 'package/recording.json', 'Example &#60;CPU&#62; &#38; co', '21.47']) {
      expect(page).toContain(figure);
    }
  });

  it('refers to nothing outside and runs nothing', () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|<script|<img|<link|@import|url\(|javascript:| on[a-z]+=/i);
    expect(page).toContain('Content-Security-Policy');
  });

  it('is well formed: what is opened is closed, and text is never markup', () => {
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(isBalanced(page.replace('<!doctype html>', ''))).toBe(true);
    expect(page).not.toContain('Nothing <b>');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws latencies over time, their distribution, throughput and batches', () => {
    expect(page.match(/<svg /g)).toHaveLength(1 + 6 + 2 + 3);
    expect(page).toContain('failed: 1 of 2 thresholds kept');
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('@media print');
  });

  it('tells of an optional task only where somebody asked for it', () => {
    expect(page).toContain('picture → hands → all');
    expect(page).not.toContain('body-3d');
  });

  it('of a run in which nothing happened has dashes in place of figures', () => {
    const report = exampleReport();
    const none = { ...report.latency.pose, count: 0, curve: [] };
    const empty = renderPage({ ...report, latency: { pose: none, chat: none, 'body-pose': none, 'body-3d': none, hands: none, gesture: none, 'dynamic-gesture': none, language: none }, throughput: [], gateway: undefined,
      timelines: { pose: [], chat: [], 'body-pose': [], 'body-3d': [], hands: [], gesture: [], 'dynamic-gesture': [], language: [] }, batches: { 'body-pose': [], 'body-3d': [], hands: [], gesture: [], 'dynamic-gesture': [], language: [] } });
    expect(empty).not.toMatch(/NaN|undefined|Infinity/);
    expect(isBalanced(empty.replace('<!doctype html>', ''))).toBe(true);
  });
});

describe('the report for a terminal', () => {
  it('has the same figures, in aligned columns', () => {
    const text = describeReport(exampleReport());
    for (const figure of ['29,876', '99.6 %', '4,321', '392 B', '✗  Nothing <b>']) expect(text).toContain(figure);
    expect(formatTable([['name', 'n'], ['a', '1'], ['long', '1,000']], ['left', 'right'])).toBe('  name      n\n  ───────────\n  a         1\n  long  1,000');
  });
});

describe('a chart', () => {
  it('puts points where its scales say', () => {
    const svg = lineChart({ title: 'Test', x: { label: 'x', scale: 'log', domain: [1, 100] }, y: { label: 'y', domain: [0, 10] }, series: [{ name: 's', points: [{ x: 1, y: 0 }, { x: 10, y: 10 }] }], width: 400, height: 200 });
    const middle = scaleLog().domain([1, 100]).range([54, 384])(10);
    expect(svg).toContain(`d="M54,160L${middle},46"`);
  });

  it('has one bar for each label, as high as its value', () => {
    const svg = barChart({ title: 'Bars', xLabel: 'size', yLabel: 'n', bars: [{ label: '1', value: 10 }, { label: '2', value: 5 }], height: 206 });
    const heights = [...svg.matchAll(/<rect [^>]*height="([\d.]+)"/g)].map(([, height]) => Number(height));
    expect(heights).toEqual([120, 60]);
  });

  it('can be a file of its own', () => {
    const svg = standalone(barChart({ title: 'Bars', xLabel: 'size', yLabel: 'n', bars: [{ label: '1', value: 10 }] }));
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(isBalanced(svg)).toBe(true);
  });

  it('writes numbers short', () => {
    expect([0, 0.5, 12, 999, 1200, 2_500_000].map(shortNumber)).toEqual(['0', '0.5', '12', '999', '1.2k', '2.5M']);
  });
});
