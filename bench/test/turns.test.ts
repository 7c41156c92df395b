import { expect, test } from '@jest/globals';
import { inTurns } from '../src/turns.js';

test('contestants take turns, every other turn the other way round', async () => {
  const order: string[] = [];
  const contestant = (name: string, value: number) => async () => {
    order.push(name);
    return value;
  };
  const samples = await inTurns(3, { a: contestant('a', 1), b: contestant('b', 2), none: undefined });
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect(samples).toEqual({ a: [1, 1, 1], b: [2, 2, 2] });
});
