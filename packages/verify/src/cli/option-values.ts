import { UsageError } from '@npu-llama/format';

/**
 * A whole number from 0 on.
 * @param what it is, for messages: `number of positions`
 * @throws UsageError for any other text
 */
export function wholeNumber(option: string, text: string, what: string, wanted = 'a whole number'): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${option} is no ${what}`, { got: JSON.stringify(text), wanted });
}

/** A decimal number from 0 on. @throws UsageError for any other text */
export function decimal(option: string, text: string): number {
  if (/^(\d+\.?\d*|\.\d+)$/.test(text)) return Number(text);
  throw new UsageError(`${option} is no number`, { got: JSON.stringify(text), wanted: '0 or more' });
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `90s`, `10m`, `8h` in milliseconds. @throws UsageError for any other text */
export function duration(option: string, text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)([smh])$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  if (ms > 0) return ms;
  throw new UsageError(`${option} is no time`, { got: JSON.stringify(text), wanted: 'as in 90s, 10m or 8h' });
}

/** A seed of llama2.c's random numbers. @throws UsageError for what is none */
export function seedNumber(text: string): bigint {
  const seed = /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
  if (seed > 0n && seed < 1n << 64n) return seed;
  throw new UsageError('impossible seed', {
    got: JSON.stringify(text),
    wanted: 'a whole number from 1 to 2^64 - 1',
  });
}
