import { mutateJson } from './mutate-json.js';

/** Numbers in [0, 1), the same again for the same seed. */
export type Random = () => number;

/** Where the bytes that decide most stand, and how they are written. */
export interface Anatomy {
  /** Bytes from the beginning that every second mutation falls into. */
  readonly headBytes: number;
  /** A text of JSON inside, whose values are mutated too. */
  readonly json?: {
    readonly start: number;
    readonly end: number;
    /** The file with other text at that place. */
    readonly replace: (file: Uint8Array, text: Uint8Array) => Uint8Array;
  };
}

/** Values that readers trip over: ends of ranges, signs, powers of two and their neighbours. */
const INTERESTING = [
  0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 255, 256, 1023, 65535, 65536, 0x00ffffff, 0x10000000,
  0x3fffffff, 0x40000000, 0x7fffffff, -0x80000000, -0x7fffffff,
  // As floats: infinity, minus infinity, NaN, the smallest subnormal, 65520.
  0x7f800000, -0x00800000, 0x7fc00000, 0x00000001, 0x477ff000,
];

/** At most so many bytes more than the original. */
const MAX_GROWTH = 4096;

type Mutation = (file: Uint8Array, at: number, random: Random) => Uint8Array;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;

const flipBit: Mutation = (file, at, random) => {
  const copy = file.slice();
  copy[at]! ^= 1 << below(random, 8);
  return copy;
};

const setByte: Mutation = (file, at, random) => {
  const copy = file.slice();
  copy[at] = below(random, 256);
  return copy;
};

const setWord: Mutation = (file, at, random) => {
  if (file.length < 4) return file.slice();
  const copy = file.slice();
  // Most fields are words at multiples of 4.
  const aligned = random() < 0.8 ? at & ~3 : at;
  const place = Math.min(aligned, file.length - 4);
  new DataView(copy.buffer).setInt32(place, pick(random, INTERESTING), true);
  return copy;
};

const addToWord: Mutation = (file, at, random) => {
  if (file.length < 4) return file.slice();
  const copy = file.slice();
  const view = new DataView(copy.buffer);
  const place = Math.min(at & ~3, file.length - 4);
  view.setInt32(place, view.getInt32(place, true) + below(random, 65) - 32, true);
  return copy;
};

const truncate: Mutation = (file, at) => file.slice(0, at);

const grow: Mutation = (file, _, random) => {
  const longer = new Uint8Array(file.length + 1 + below(random, MAX_GROWTH));
  longer.set(file);
  return longer;
};

const removeSome: Mutation = (file, at, random) => {
  const end = Math.min(file.length, at + 1 + below(random, 64));
  return Uint8Array.from([...file.subarray(0, at), ...file.subarray(end)]);
};

const repeatSome: Mutation = (file, at, random) => {
  const end = Math.min(file.length, at + 1 + below(random, 64));
  return Uint8Array.from([...file.subarray(0, end), ...file.subarray(at)]);
};

const swapSome: Mutation = (file, at, random) => {
  const copy = file.slice();
  const other = below(random, file.length);
  const length = Math.min(1 + below(random, 32), file.length - Math.max(at, other));
  copy.copyWithin(at, other, other + length);
  copy.set(file.subarray(at, at + length), other);
  return copy;
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setWord,
  setWord,
  addToWord,
  truncate,
  grow,
  removeSome,
  repeatSome,
  swapSome,
];

/**
 * A file with one to four things wrong.
 * @param file left as it is
 */
export function mutate(file: Uint8Array, anatomy: Anatomy, random: Random): Uint8Array {
  let mutated = file;
  const { json } = anatomy;
  if (json !== undefined && random() < 0.5) {
    const text = mutateJson(file.subarray(json.start, json.end), random);
    mutated = json.replace(file, text);
    if (random() < 0.7) return mutated;
  }
  for (let count = 1 + below(random, 4); count > 0; count--) {
    if (mutated.length === 0) return mutated;
    const reach = random() < 0.5 ? Math.min(anatomy.headBytes, mutated.length) : mutated.length;
    mutated = pick(random, MUTATIONS)(mutated, below(random, reach), random);
  }
  return mutated;
}
