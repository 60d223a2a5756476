/** Scores that say too much or too little are brought near to shares of what is right. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { createNetwork } from '../../../training/models/network.ts';
import { fitTemperature, scaleLogits } from '../../../training/models/temperature.ts';

/** Rows of two classes whose first is right with the chance `right`, though the score says `said`. */
function rowsOf(right: number, said: number): { probabilities: Float32Array; classes: number[] } {
  const random = seededRandom(1);
  const classes = Array.from({ length: 4000 }, () => (random.next() < right ? 0 : 1));
  return { probabilities: Float32Array.from(classes.flatMap(() => [said, 1 - said])), classes };
}

describe('a temperature', () => {
  it.each([[0.8, 0.99], [0.95, 0.7]])('makes a share of %d right of a score of %d', (right, said) => {
    const { probabilities, classes } = rowsOf(right, said);
    const temperature = fitTemperature(probabilities, classes, 2);
    const logit = Math.log(said / (1 - said)) / temperature;
    expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(right, 1);
    expect(temperature > 1).toBe(said > right);
  });

  it('leaves scores alone that are right already, and those of no rows', () => {
    const { probabilities, classes } = rowsOf(0.9, 0.9);
    expect(fitTemperature(probabilities, classes, 2)).toBeCloseTo(1, 1);
    expect(fitTemperature(new Float32Array(), [], 2)).toBe(1);
  });

  it('divides the last layer alone', () => {
    const table = { features: Float32Array.of(1, 2, 3, 4), classes: Int32Array.of(0, 1), count: 2, width: 2, steps: 1, classCount: 2 };
    const [before, after] = [createNetwork({ family: 'mlp', hidden: [3] }, table, 1), createNetwork({ family: 'mlp', hidden: [3] }, table, 1)];
    scaleLogits(after, 2);
    expect(after.layers[0]).toEqual(before.layers[0]);
    expect(Array.from(after.layers[1]?.weights[0]?.values ?? [])).toEqual(Array.from(before.layers[1]?.weights[0]?.values ?? [], (value) => Math.fround(value / 2)));
  });
});
