/**
 * RMS of the difference from what is wanted, as a part of the logits' RMS. Both sides multiply FP16 numbers, but sums in FP32
 * differ by 1e-7; that turns the rounding of one activation in thousands, by 1e-3 of it, and through the cache those of the
 * positions behind it. In the end all may be rounded another way, which is worth 5e-4. An element in the wrong place is
 * worth 1e-2 and more in the small models here.
 */
export const RMS_TOLERANCE = 1e-3;
/** Of the largest single difference, in the same measure. */
export const LARGEST_TOLERANCE = 5e-3;

/** What is wrong with logits in words, or 'close'. */
export function judge(got: ArrayLike<number>, wanted: ArrayLike<number>): string {
  if (got.length !== wanted.length) return `${got.length} logits for ${wanted.length}`;
  let squares = 0;
  let errors = 0;
  let largest = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(got[i]! - wanted[i]!);
    squares += wanted[i]! ** 2;
    errors += error ** 2;
    largest = Math.max(error, largest);
  }
  const rms = Math.sqrt(squares / wanted.length);
  const relative = Math.sqrt(errors / squares);
  if (relative < RMS_TOLERANCE && largest / rms < LARGEST_TOLERANCE) return 'close';
  return `RMS ${relative} (${RMS_TOLERANCE}), largest ${largest / rms} (${LARGEST_TOLERANCE})`;
}
