/** Beside what was asked for, to see that nothing else is written. */
const GUARD = 5;

export const guarded = (values: ArrayLike<number>): Float32Array =>
  Float32Array.from([...Array.from(values), ...Array.from({ length: GUARD }, (_, i) => 77 + i)]);

/** The unit of the last place of an f32 of that size. */
export const ulp = (value: number): number =>
  2 ** Math.max(Math.floor(Math.log2(Math.abs(value) || 2 ** -149)) - 23, -149);

/** The largest difference of two arrays of one length, in units of `of`; infinite where only one is NaN. */
export function worst(got: Float32Array, wanted: Float32Array, of: (value: number) => number): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  return wanted.reduce((most, value, i) => {
    if (Object.is(got[i], value)) return most;
    const off = Math.abs(got[i]! - value) / of(value);
    return Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
  }, 0);
}
