/** How often a window is called shifted that is not, and one that is. */
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { CONFIDENCE_EDGES, countBins, quantileBins } from '../../../features/bins.ts';
import { judgeLooks, judgeOutcomes, type LookCounts } from '../../../server/watch/judge.ts';
import { LookWindow } from '../../../server/watch/windows.ts';

const COLUMNS = 20;

/** Numbers of people, each around a middle of their own: so much of the variance lies between people. */
function numbersOf(seed: number, { people, each, between, shift = 0 }: { people: number; each: number; between: number; shift?: number }): Float64Array {
  const random = seededRandom(seed);
  const values = new Float64Array(people * each);
  for (let person = 0; person < people; person++) {
    const middle = shift + randomNormal(random) * Math.sqrt(between);
    for (let at = 0; at < each; at++) values[person * each + at] = middle + randomNormal(random) * Math.sqrt(1 - between);
  }
  return values;
}

const REFERENCE = { people: 100, each: 20 };
const WINDOW = { people: 30, each: 20 };

/** The share of windows in which a column is called shifted. */
function shareOfLarge(windows: number, { between, shift }: { between: number; shift: number }): number {
  const columns = Array.from({ length: COLUMNS }, (_, at) => ({ name: `column ${at}`, ...quantileBins(numbersOf(at + 1, { ...REFERENCE, between })), likeness: between }));
  const reference = { inputs: { samples: REFERENCE.people * REFERENCE.each, participants: REFERENCE.people, columns } };
  let large = 0;
  for (let run = 0; run < windows; run++) {
    const counts = columns.flatMap(({ edges }, at) => [...countBins(edges, numbersOf(1000 + run * COLUMNS + at, { ...WINDOW, between, shift: at === 0 ? shift : 0 }))]);
    const looks: LookCounts = { samples: WINDOW.people * WINDOW.each, people: WINDOW.people, columns: counts, confidence: new Uint32Array(CONFIDENCE_EDGES.length + 1), labels: {} };
    if (judgeLooks(looks, reference)[0]?.level === 'large') large++;
  }
  return large / windows;
}

describe('a window', () => {
  it.each([0.1, 0.7])('of people whose samples are alike by %d is called shifted in no more than one of a hundred', (between) => {
    expect(shareOfLarge(60, { between, shift: 0 })).toBeLessThanOrEqual(0.01);
  });

  it('in which one of many columns has moved by a deviation is found every time', () => {
    expect(shareOfLarge(20, { between: 0.1, shift: 1 })).toBe(1);
  });
});

describe('labels', () => {
  it('are judged by what was counted of them, whatever they are called', () => {
    const window = new LookWindow(0);
    for (let at = 0; at < 30; at++) window.take({ samples: 20, columns: new Uint32Array(0), confidence: new Uint32Array(CONFIDENCE_EDGES.length + 1), labels: { constructor: 15, rest: 5 } });
    expect(window.labels).toEqual({ constructor: 450, rest: 150 });
    const looks: LookCounts = { samples: 600, people: 30, columns: [], confidence: window.confidence, labels: window.labels };
    const labelsOf = (labels: Record<string, number>): object | undefined => judgeLooks(looks, { outputs: { samples: 2000, participants: 100, confidence: Array.from({ length: CONFIDENCE_EDGES.length + 1 }, () => 1 / (CONFIDENCE_EDGES.length + 1)), labels, labelLikeness: 0.1 } }).find(({ trouble }) => trouble === 'label-drift');
    expect(labelsOf({ constructor: 0.75, rest: 0.25 })).toMatchObject({ level: 'none' });
    expect(labelsOf({ wave: 0.75, rest: 0.25 })).toMatchObject({ level: 'large' });
  });
});

describe('outcomes', () => {
  it('are judged by what is certain of their share, so that one failure of few is none', () => {
    const levelsOf = (counts: Parameters<typeof judgeOutcomes>[0]): string[] => judgeOutcomes(counts).map(({ level }) => level);
    expect(levelsOf({ answered: 9, failed: 1, late: 0 })).toEqual(['small', 'none']);
    expect(levelsOf({ answered: 900, failed: 100, late: 0 })).toEqual(['large', 'none']);
    expect(levelsOf({ answered: 980, failed: 20, late: 300 })).toEqual(['none', 'large']);
    expect(levelsOf({ answered: 0, failed: 0, late: 0 })).toEqual(['unknown', 'unknown']);
  });
});
