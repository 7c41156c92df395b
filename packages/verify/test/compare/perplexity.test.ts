import { expect, test } from '@jest/globals';
import { logProbability, logSumExp, Perplexity } from '../../src/compare/index.js';

test.each([
  ['small logits', [0, Math.log(3)], Math.log(4)],
  ['logits whose exponentials overflow', [1000, 1000], 1000 + Math.log(2)],
  ['logits whose exponentials vanish', [-1000, -1000], -1000 + Math.log(2)],
])('logSumExp of %s', (_, logits, wanted) => {
  expect(logSumExp(Float32Array.from(logits))).toBeCloseTo(wanted, 6);
});

test('probabilities of all tokens sum to 1', () => {
  const logits = Float32Array.of(3, -2, 0.5, 7);
  const sum = [0, 1, 2, 3].reduce((total, token) => total + Math.exp(logProbability(logits, token)), 0);
  expect(sum).toBeCloseTo(1, 12);
});

test('of a model that knows nothing is the size of the vocabulary', () => {
  const perplexity = new Perplexity();
  for (const token of [0, 3, 2]) perplexity.add(new Float32Array(5), token);
  expect(perplexity.value).toBeCloseTo(5, 12);
});

test('of a model that is certain and right is 1', () => {
  const perplexity = new Perplexity();
  perplexity.add(Float32Array.of(0, 100), 1);
  expect(perplexity.value).toBe(1);
});

test('is the geometric mean of 1/p: 1/2 and 1/8 give 4', () => {
  const perplexity = new Perplexity();
  perplexity.add(Float32Array.of(0, 0), 0);
  perplexity.add(Float32Array.of(Math.log(7), 0), 1);
  expect(perplexity.value).toBeCloseTo(4, 6);
});

test('of nothing there is none; of what is not finite it is NaN', () => {
  const perplexity = new Perplexity();
  expect(perplexity.value).toBeUndefined();
  perplexity.add(Float32Array.of(Number.NaN, 1), 1);
  expect(perplexity.value).toBeNaN();
});
