import { expect, test } from '@jest/globals';
import { mergePairs } from '../../src/text/merge.js';

test.each([1, 2, 3, 1000, 10_000])(
  '%d tokens: pairs are looked up three times a token at most, however far they merge',
  count => {
    let lookups = 0;
    // Any two of the same size make one of twice that size, so that all of them merge to a few.
    const merged = mergePairs(
      new Array<number>(count).fill(0),
      (left, right) => {
        lookups++;
        return left === right ? left + 1 : undefined;
      },
      new Float32Array(32),
    );
    expect(merged.reduce((total, token) => total + 2 ** token, 0)).toBe(count);
    expect(lookups).toBeLessThanOrEqual(3 * count);
    if (count > 1) expect(merged.length).toBeLessThan(count);
  },
);
