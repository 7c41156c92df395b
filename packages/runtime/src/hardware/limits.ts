/**
 * Limits of the RK3588's NPU. Source of each: RK3588 TRM chapter 36 (register widths) and published measurements;
 * docs/architecture.md lists them.
 */

export const CORE_COUNT = 3;

/** Each core's convolution buffer. */
export const CBUF_BANKS = 12;
const CBUF_BANK_BYTES = 32768;
/** At least one bank is for weights. */
export const MAX_FEATURE_BANKS = CBUF_BANKS - 1;

/** One kernel (one row of B) at most fills a bank: K <= 16384 in FP16. */
const MAX_KERNEL_BYTES = CBUF_BANK_BYTES;
export const MAX_COLUMNS = MAX_KERNEL_BYTES / 2;

/** The DPU's channel fields have 13 bits and hold N - 1. */
export const MAX_OUTPUTS_PER_TASK = 8192;

/** CONV_CON2.feature_grains holds M + 1 in 10 bits. */
export const MAX_ROWS_PER_TASK = 1022;

export const DMA_ALIGNMENT_BYTES = 16;

/** Every address that a register holds has 32 bits. */
export const DMA_WINDOW_BYTES = 2 ** 32;

/** Tasks the vendor driver takes in one submit. */
export const MAX_TASKS_PER_SUBMIT = 4095;

/** Precision codes of the CNA, CORE and DPU. */
export const Precision = { int8: 0, int16: 1, fp16: 2, bf16: 3, int32: 4, fp32: 5, int4: 6 } as const;

/** FP16 feature banks of a task: ceil(M * K * 2 / 32768). */
export function featureBanks(rows: number, paddedColumns: number): number {
  return Math.ceil((rows * paddedColumns * 2) / CBUF_BANK_BYTES);
}

/** The most rows (a multiple of 4) whose FP16 features fit the CBUF beside one bank of weights. */
export function maxRowsFor(paddedColumns: number): number {
  const rows = Math.floor((MAX_FEATURE_BANKS * CBUF_BANK_BYTES) / (paddedColumns * 2));
  return Math.min(Math.floor(rows / 4) * 4, Math.floor(MAX_ROWS_PER_TASK / 4) * 4);
}
