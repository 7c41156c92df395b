const MASK = (1n << 64n) - 1n;
const MULTIPLIER = 0x2545f4914f6cdd1dn;

/** xorshift64*, llama2.c's source of randomness. */
export class Xorshift64 {
  #state: bigint;

  /** @param seed not 0 modulo 2^64: xorshift would stay there */
  constructor(seed: bigint) {
    this.#state = seed & MASK;
    if (this.#state === 0n) throw new RangeError('a seed of 0 gives nothing but zeros');
  }

  /** A float in [0, 1) with 24 random bits. */
  next(): number {
    let state = this.#state;
    state ^= state >> 12n;
    state ^= (state << 25n) & MASK;
    state ^= state >> 27n;
    this.#state = state;
    const top32 = Number(((state * MULTIPLIER) & MASK) >> 32n);
    return (top32 >>> 8) / 2 ** 24;
  }
}
