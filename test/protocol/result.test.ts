import { expect, test } from 'vitest';
import { resultMessage } from '../../protocol/message/result.ts';
import { DOWN_MESSAGES } from '../../protocol/vectors/control-cases.ts';

/** Every result of the vectors with each `score` in turn replaced. */
function withScore(score: number): unknown[] {
  const results = DOWN_MESSAGES.flatMap(({ value }) => (value.type === 'result' ? [JSON.stringify(value)] : []));
  return results.flatMap((text) => [...text.matchAll(/"score":[\d.]+/g)].map((found) => JSON.parse(`${text.slice(0, found.index)}"score":${score}${text.slice(found.index + found[0].length)}`) as unknown));
}

test('[RES2] every score of a result is 0 to 1, ends included, and nothing else', () => {
  expect(withScore(0).length).toBeGreaterThan(5);
  for (const score of [0, 1]) for (const result of withScore(score)) expect(resultMessage.safeParse(result).success, JSON.stringify(result)).toBe(true);
  for (const score of [-0.001, 1.001]) for (const result of withScore(score)) expect(resultMessage.safeParse(result).success, JSON.stringify(result)).toBe(false);
});
