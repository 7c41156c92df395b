import type { Random } from './mutate.js';

type Container = Record<string, unknown> | unknown[];

interface Place {
  readonly container: Container;
  readonly key: string;
}

const VALUES: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  '../../etc/passwd',
  '\u0000\u001b[31m',
  '9'.repeat(400),
  0,
  -0.5,
  1,
  -1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  1e308,
  1e-320,
  [],
  {},
  [[[[[[[[]]]]]]]],
  { toString: 1, __proto__x: 2 },
];

/** Names that mean something to JavaScript. */
const KEYS = ['__proto__', 'constructor', 'toString', 'length', '', 'x'.repeat(300)];

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;

/**
 * JSON with one to three values changed, gone, moved or added.
 * @param text UTF-8; left as it is when it is no JSON
 * @returns UTF-8
 */
export function mutateJson(text: Uint8Array, random: Random): Uint8Array {
  let root: unknown;
  try {
    root = JSON.parse(Buffer.from(text).toString());
  } catch {
    return text.slice();
  }
  for (let count = 1 + below(random, 3); count > 0; count--) {
    const places = placesOf(root);
    if (places.length === 0) break;
    change(pick(random, places), places, random);
  }
  return new Uint8Array(Buffer.from(JSON.stringify(root)));
}

function placesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Container;
  return Object.keys(container).flatMap(key => [
    { container, key },
    ...placesOf((container as Record<string, unknown>)[key]),
  ]);
}

function change({ container, key }: Place, places: readonly Place[], random: Random): void {
  const fields = container as Record<string, unknown>;
  const value = fields[key];
  switch (below(random, 7)) {
    case 0:
      fields[key] = pick(random, VALUES);
      return;
    case 1: {
      const other = pick(random, places);
      // A copy: what holds itself has no JSON.
      fields[key] = structuredClone((other.container as Record<string, unknown>)[other.key]);
      return;
    }
    case 2:
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else delete fields[key];
      return;
    case 3:
      if (Array.isArray(container)) container.splice(Number(key), 0, structuredClone(value));
      else
        Object.defineProperty(container, pick(random, KEYS), {
          value: structuredClone(value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      return;
    default:
      if (typeof value === 'number') fields[key] = changeNumber(value, random);
      else if (typeof value === 'string') fields[key] = changeText(value, random);
      else fields[key] = pick(random, VALUES);
  }
}

function changeNumber(value: number, random: Random): number {
  return pick(random, [
    value + 1,
    value - 1,
    -value,
    value * 2,
    value / 2,
    value + 2 ** 32,
    0,
    2 ** 53,
    1e300,
  ]);
}

/** Numbers in texts too: a header keeps its dimensions as strings. */
function changeText(value: string, random: Random): string {
  // JSON within a string, as a safetensors header has it.
  if (value.startsWith('{') && random() < 0.8) {
    return Buffer.from(mutateJson(Buffer.from(value), random)).toString();
  }
  if (/^-?\d+$/.test(value)) return String(changeNumber(Number(value), random));
  const at = below(random, value.length + 1);
  return pick(random, [
    value.slice(0, at),
    `${value.slice(0, at)}${String.fromCharCode(below(random, 0x300))}${value.slice(at)}`,
    value.repeat(2),
    value.replace(/\d+/, digits => String(changeNumber(Number(digits), random))),
  ]);
}
