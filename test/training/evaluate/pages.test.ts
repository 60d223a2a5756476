/** What stands on cards and pages can be read: long names, narrow screens, crowded axes. */
import { describe, expect, it } from 'vitest';
import { ofWhom } from '../../../training/evaluate/card.ts';
import { confusionSvg, shortLabel } from '../../../training/evaluate/confusion-svg.ts';
import { htmlPage, table } from '../../../training/evaluate/page.ts';
import { plotSvg } from '../../../training/evaluate/plot.ts';

/** The labels below the horizontal axis of a plot, with where their middles are. */
function ticksOf(svg: string): { at: number; text: string }[] {
  return [...svg.matchAll(/<text x="([\d.]+)" y="270" text-anchor="middle">([^<]*)</g)].map(([, at, text]) => ({ at: Number(at), text: text ?? '' }));
}

describe('long labels', () => {
  it('are shortened in the middle and whole at the pointer, in letters and not in halves of them', () => {
    expect(shortLabel('wave')).toBe('wave');
    expect(shortLabel('a rather long name of gesture 17', 18)).toBe('a rather …sture 17');
    expect([...shortLabel('🙂'.repeat(30), 10)]).toHaveLength(10);
    const label = 'x < y, and more than the margin holds';
    const picture = confusionSvg({ title: 't', report: { classes: [{ label, precision: 1, recall: 1, f1: 1, support: 1 }], confusion: [[1]], accuracy: 1, macroF1: 1 } });
    expect(picture).toContain('x &lt; y, an…in holds<title>x &lt; y, and more than the margin holds</title>');
  });
});

describe('a plot', () => {
  it('has no ticks whose labels touch, over decades or within one', () => {
    for (const [low, high] of [[16, 128], [20, 100], [0.0003, 0.03], [1, 1e6]] as const) {
      const ticks = ticksOf(plotSvg({ title: 't', x: 'x', y: 'y', logX: true, series: [{ label: 'a', kind: 'dots', points: [[low, 0], [high, 1]] }] }));
      expect(ticks.length).toBeGreaterThan(2);
      ticks.slice(1).forEach(({ at, text }, index) => expect(at - text.length * 3).toBeGreaterThan(ticks[index]!.at + ticks[index]!.text.length * 3));
    }
  });

  it('of what is counted has no ticks between whole numbers', () => {
    const svg = plotSvg({ title: 't', x: 'trial', y: 'y', series: [{ label: 'a', kind: 'dots', points: [[0, 0.2], [1, 0.3], [2, 0.1]] }] });
    expect(ticksOf(svg).map(({ text }) => text)).toEqual(['0', '1', '2']);
  });

  it('of choices names them, and has no ticks between them', () => {
    const svg = plotSvg({ title: 't', x: 'family', y: 'y', xNames: ['mlp', 'a & b'], xRange: [0.5, 2.5], series: [{ label: 'a', kind: 'dots', points: [[1, 0], [2, 1]] }] });
    expect(ticksOf(svg).map(({ text }) => text)).toEqual(['mlp', 'a &amp; b']);
  });
});

describe('a card', () => {
  it('says of whom the test part is, and does not claim strangers where nobody said whose a sample is', () => {
    expect(ofWhom({ test: { count: 90 }, testParticipants: 7 })).toBe('of 7 participants that it has not learnt from');
    expect(ofWhom({ test: { count: 90 }, testParticipants: 90 })).toContain('each counts as a participant of its own');
    expect(ofWhom({ test: { count: 90 } })).toBe('of participants that it has not learnt from');
  });
});

describe('a page', () => {
  it('lets a wide table scroll by itself, sets numbers and their heads to the right, and has a dark form', () => {
    expect(table(['label', 'F1'], [['wave', '0.5'], ['rest', '-0.25']])).toBe('<div class="wide"><table><tr><th>label</th><th class="n">F1</th></tr><tr><td>wave</td><td class="n">0.5</td></tr><tr><td>rest</td><td class="n">-0.25</td></tr></table></div>');
    expect(htmlPage('a <b>', [])).toMatch(/<title>a &lt;b&gt;<\/title>[\s\S]*prefers-color-scheme:dark/);
  });
});
