import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import fc from 'fast-check';
import { ofShard, parseShard } from '../../src/suite/index.js';

describe('parseShard', () => {
  test.each([
    ['1/1', { index: 1, count: 1 }],
    ['2/3', { index: 2, count: 3 }],
    ['1000/1000', { index: 1000, count: 1000 }],
  ])('%s', (text, shard) => {
    expect(parseShard(text)).toEqual(shard);
  });

  test.each([
    '',
    '1',
    '0/3',
    '4/3',
    '1/0',
    '-1/3',
    '1/-3',
    '1.5/3',
    '1/3/3',
    ' 1/3',
    '1/3 ',
    'a/b',
    '1/1001',
  ])('refuses %j and quotes it', text => {
    expect(() => parseShard(text)).toThrow(UsageError);
    expect(() => parseShard(text)).toThrow(JSON.stringify(text));
  });
});

describe('ofShard', () => {
  test('the shards are all of it, none twice, each in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 50 }), fc.integer({ min: 1, max: 20 }), (length, count) => {
        const items = Array.from({ length }, (_, i) => i);
        const shards = Array.from({ length: count }, (_, i) => ofShard(items, { index: i + 1, count }));
        expect(shards.flat().sort((a, b) => a - b)).toEqual(items);
        for (const shard of shards) expect([...shard].sort((a, b) => a - b)).toEqual(shard);
        // No board has more than one more than another.
        const lengths = shards.map(shard => shard.length);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('neighbours go to different boards', () => {
    expect(ofShard(['a', 'b', 'c', 'd', 'e'], { index: 2, count: 2 })).toEqual(['b', 'd']);
  });

  test('a shard of nothing is refused, the last of something is not', () => {
    expect(ofShard([1, 2, 3], { index: 3, count: 5 })).toEqual([3]);
    expect(() => ofShard([1, 2, 3], { index: 4, count: 5 })).toThrow(UsageError);
    expect(() => ofShard([1, 2, 3], { index: 4, count: 5 })).toThrow(
      'shard 4/5: got 3 prompts, wanted at least 4',
    );
  });

  test('without a shard it is all of it', () => {
    expect(ofShard([1, 2], undefined)).toEqual([1, 2]);
  });
});
