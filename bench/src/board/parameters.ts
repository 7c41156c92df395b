/** An amount that is known to lie between two values; for rates, `best` is the higher one. */
export interface Range {
  readonly best: number;
  readonly worst: number;
}

/** What the model takes of a board. Nothing of it was measured by this project. */
export interface BoardParameters {
  readonly cores: number;
  /** Bytes a second that CPU and NPU share. */
  readonly bandwidth: Range;
  /** FP16 multiply-accumulates a second of one core. */
  readonly macRate: Range;
  /** Microseconds that a submit costs beyond its work: ioctl, scheduling, interrupt. */
  readonly submitMicroseconds: Range;
}

/** INT8 operations a second that the chip's maker names, an operation being half a multiply-accumulate. */
const INT8_OPERATIONS = 6e12;
const CORES = 3;
const INT8_MACS_PER_CORE = INT8_OPERATIONS / 2 / CORES;

/** RK3588 boards as published by people who run the chip, the NPU at 1 GHz. */
export const RK3588: BoardParameters = {
  cores: CORES,
  bandwidth: { best: 30e9, worst: 17e9 },
  // Assumed: a half of the INT8 rate at best, a third at worst.
  macRate: { best: INT8_MACS_PER_CORE / 2, worst: INT8_MACS_PER_CORE / 3 },
  // Reported of the mainline driver.
  submitMicroseconds: { best: 20, worst: 100 },
};

/** Measured and published on an RK3588 with stories110M: llama2.c's run, gcc -O3, one Cortex-A76 core, FP32. */
export const PUBLISHED_CPU_TOKENS_PER_SECOND = 9.7;

/** Published of a port that multiplies every matrix on the NPU. */
export const PUBLISHED_PORT = {
  tokensPerSecond: { best: 23, worst: 21 },
  /** Part of the time that the CPU is busy. */
  cpuBusy: { best: 0.3, worst: 0.6 },
  /** Assumed: seven matrices a layer and the classifier, a submit each. */
  submits: 7 * 12 + 1,
} as const;

/**
 * How much slower a board's CPU does the host work than the machine it was measured on: at best as much as it is slower at
 * llama2.c -O3 (a chain of additions: latency), at worst so many times that (vector units are narrower, caches smaller).
 */
export const WORST_CPU_FACTOR = 3;
