import { UsageError } from '@npu-llama/format';

/** One of several boards' parts of a suite. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/**
 * Parses `2/3`.
 * @throws UsageError for what is no part of a whole
 */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const index = Number(match?.[1]);
  const count = Number(match?.[2]);
  if (match === null || index < 1 || index > count || count > 1000) {
    throw new UsageError('impossible shard', {
      got: JSON.stringify(text),
      wanted: '<i>/<n> with i from 1 to n, as in 2/3',
    });
  }
  return { index, count };
}

/**
 * Every n-th item from the i-th on, so that long and short ones spread over the boards; all without a shard.
 * @throws UsageError for a shard without any: a board that verifies nothing must not pass
 */
export function ofShard<T>(items: readonly T[], shard: Shard | undefined): readonly T[] {
  if (shard === undefined) return items;
  const { index, count } = shard;
  if (index > items.length) {
    throw new UsageError(`nothing is left for shard ${index}/${count}`, {
      got: `${items.length} prompts`,
      wanted: `at least ${index}`,
      next: 'use fewer shards',
    });
  }
  return items.filter((_, i) => i % count === index - 1);
}
