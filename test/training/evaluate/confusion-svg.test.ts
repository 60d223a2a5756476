/** The picture of a confusion matrix. */
import { describe, expect, it } from 'vitest';
import { classificationReport } from '../../../training/evaluate/classification.ts';
import { confusionSvg } from '../../../training/evaluate/confusion-svg.ts';

describe('the confusion picture', () => {
  const report = classificationReport({ labels: ['a<b', 'c', 'd'], actual: [0, 0, 0, 1], predicted: [0, 0, 1, 1] });
  const svg = confusionSvg({ title: 'Cats & dogs', report });

  it('writes each row\'s shares in percent and leaves empty cells blank', () => {
    expect([...svg.matchAll(/>(\d+)<\/text>/g)].map((match) => match[1])).toEqual(['67', '33', '100']);
    expect([...svg.matchAll(/fill="rgba/g)]).toHaveLength(9);
  });

  it('escapes names', () => {
    expect(svg).toContain('a&lt;b');
    expect(svg).toContain('Cats &amp; dogs');
  });
});
