import { expect, test } from '@jest/globals';
import { createKeyValueCache } from '../../src/reference/kv-cache.js';
import { attendPlain } from '../../src/reference/plain-attention.js';
import { TINY } from '../support/models.js';
import { pseudoRandom } from '../support/pseudo-random.js';

const POSITIONS = 21;

test.each([
  ['heads of 2, in groups', 20, 10, 5],
  ['heads of 8', 32, 4, 4],
  ['heads of 20, one for keys and values', 60, 3, 1],
  ['a head of 64', 64, 1, 1],
])('%s: the kernels attend to what plain TypeScript does, to the bit', (_, dim, headCount, kvHeadCount) => {
  const size = dim / headCount;
  const kv = kvHeadCount * size;
  const [, cache] = createKeyValueCache({ ...TINY, dim, headCount, kvHeadCount }, POSITIONS);
  const plain = {
    keys: new Float32Array(kv * POSITIONS),
    values: new Float32Array(kv * POSITIONS),
    capacity: POSITIONS,
  };
  for (let position = 0; position < POSITIONS; position++) {
    const key = pseudoRandom(kv, position + 1);
    const value = pseudoRandom(kv, 100 + position);
    cache!.store(position, key, value);
    for (let head = 0; head < kvHeadCount; head++) {
      const to = (head * POSITIONS + position) * size;
      plain.keys.set(key.subarray(head * size, (head + 1) * size), to);
      plain.values.set(value.subarray(head * size, (head + 1) * size), to);
    }
    const queries = pseudoRandom(dim, 200 + position);
    const got = new Float32Array(dim);
    const wanted = new Float32Array(dim);
    cache!.attend(got, queries, position);
    attendPlain(wanted, queries, plain, position, { headCount, kvHeadCount, headSize: size });
    expect(got).toEqual(wanted);
  }
});

test('layers of one memory do not disturb each other', () => {
  const [first, second] = createKeyValueCache(TINY, 3);
  const key = pseudoRandom(10, 1);
  const out = new Float32Array(20);
  first!.store(0, key, key);
  second!.store(0, key, key.map(Math.fround).fill(7));
  first!.attend(out, pseudoRandom(20, 2), 0);
  // One position has all the weight: each head is its value.
  expect(out.subarray(0, 2)).toEqual(key.subarray(0, 2));
});
