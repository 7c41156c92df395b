import { packFeatures, ROWS_PER_GROUP, resultIndex, tileWeights } from '@npu-llama/format/tiles';
import type {
  AllocateOptions,
  CacheMode,
  CoreTaskRange,
  DmaBuffer,
  NpuDriver,
  Prepared,
} from '../driver/driver.js';
import { freeAfterFailure, freeAll } from '../driver/free-all.js';
import { type CoreTasks, emitProgram, PROGRAM_BYTES, PROGRAM_WORDS, splitOutputs } from '../program/index.js';

export interface MatmulOptions {
  /** M: 1, or a multiple of 4. */
  readonly rows: number;
  /** K: a multiple of 32. */
  readonly columns: number;
  /** N: a multiple of 16. */
  readonly outputs: number;
  /** Ascending: one, 0 and 1, or all three. */
  readonly cores: readonly number[];
  readonly featuresCache?: CacheMode;
  readonly timeoutMs?: number;
}

/** 1 on the average, so that no sum of a row's weights is zero; small, so that every sum is exact. */
const weight = (n: number, k: number): number => ((n * 7 + k * 3) % 11) - 4;
/** Row m of A is this times the factor that it was written with. */
const rowValue = (m: number): number => (m % 3) + 1;

/** No product: what was not written shows. */
const UNWRITTEN = Number.NaN;

/**
 * A matmul for measuring, whose result is known: every group of 16 rows of B is the same, and a row of A is one value, so
 * that 32 MiB are filled at the speed of memory and checked as fast. (device/known-product.ts has the varied operands.)
 */
export class Matmul implements Disposable {
  readonly weightBytes: number;
  readonly #options: MatmulOptions;
  readonly #allocated: DmaBuffer[] = [];
  readonly #features: DmaBuffer;
  readonly #result: DmaBuffer;
  readonly #job: Prepared;
  readonly #featuresOut: Prepared | undefined;
  readonly #resultOut: Prepared;
  readonly #resultIn: Prepared;
  /** Sums of B's rows: output n of row m is factor * rowValue(m) * sums[n % 16]. */
  readonly #sums: Float64Array;
  /** First output and outputs of each task. */
  readonly #tasks: CoreTasks;

  /** @throws DeviceError when memory is refused */
  constructor(driver: NpuDriver, options: MatmulOptions) {
    const { rows, columns, outputs, cores, featuresCache = 'write-combine', timeoutMs } = options;
    this.#options = options;
    this.weightBytes = outputs * columns * 2;
    const shares = splitOutputs(outputs, cores.length);
    this.#tasks = shares.flat();
    try {
      const features = this.#allocate(driver, 'features', rows * columns * 2, featuresCache);
      const weights = this.#allocate(driver, 'weights', this.weightBytes, 'write-combine');
      const result = this.#allocate(driver, 'result', rows * outputs * 4, 'cacheable');
      const count = this.#tasks.length;
      const programs = this.#allocate(driver, 'programs', count * PROGRAM_BYTES, 'write-combine');
      const records = this.#allocate(
        driver,
        'task records',
        count * driver.taskRecordBytes,
        'cacheable',
        true,
      );
      this.#sums = fillWeights(weights, outputs, columns);
      const ranges = writeTasks(driver, shares, options, { features, weights, result, programs, records });
      driver.prepareSync(records, 'to-device', 0, records.bytes.length).run();
      this.#features = features;
      this.#result = result;
      this.#resultOut = driver.prepareSync(result, 'to-device', 0, result.bytes.length);
      this.#resultIn = driver.prepareSync(result, 'from-device', 0, result.bytes.length);
      this.#featuresOut =
        featuresCache === 'cacheable'
          ? driver.prepareSync(features, 'to-device', 0, features.bytes.length)
          : undefined;
      this.#job = driver.prepareJob({
        label: `a matmul of ${rows} x ${columns} x ${outputs} on core ${cores.join(', ')}`,
        taskBuffer: records,
        cores: ranges,
        uses: [features, weights, result, programs],
        firstCore: cores[0]!,
        ...(timeoutMs !== undefined && { timeoutMs }),
      });
    } catch (error) {
      freeAfterFailure(this.#allocated);
      throw error;
    }
  }

  #allocate(
    driver: NpuDriver,
    what: string,
    bytes: number,
    cache: CacheMode,
    kernelMapping?: true,
  ): DmaBuffer {
    const options: AllocateOptions = { label: `npu-doctor: ${what}`, bytes, cache };
    const buffer = driver.allocate(kernelMapping ? { ...options, kernelMapping } : options);
    this.#allocated.push(buffer);
    return buffer;
  }

  /** Writes A, every value times `factor`, as the CPU sees it. */
  writeFeatures(factor: number): void {
    const { rows, columns } = this.#options;
    const values = Float32Array.from({ length: rows * columns }, (_, i) => {
      return factor * rowValue(Math.floor(i / columns));
    });
    packFeatures(values, rows, columns, halves(this.#features), rows);
  }

  /** Makes what the CPU wrote visible to the device; only of cacheable features. */
  syncFeatures(): void {
    this.#featuresOut?.run();
  }

  /** Fills the result with what no product is, on both sides. */
  clearResult(): void {
    floats(this.#result).fill(UNWRITTEN);
    this.#resultOut.run();
  }

  /** The job alone. @throws DeviceError when it fails */
  run(): void {
    this.#job.run();
  }

  /** Makes what the device wrote visible to the CPU. */
  syncResult(): void {
    this.#resultIn.run();
  }

  /** @returns whether every output, as the CPU sees it, is A written with `factor` times B */
  isProductOf(factor: number): boolean {
    return this.firstWrong(factor) === undefined;
  }

  /** @returns the first output that is not, in words */
  firstWrong(factor: number): string | undefined {
    const { rows } = this.#options;
    const result = floats(this.#result);
    for (const { first, count } of this.#tasks) {
      for (let n = 0; n < count; n++) {
        const sum = factor * this.#sums[n % ROWS_PER_GROUP]!;
        for (let m = 0; m < rows; m++) {
          const got = result[first * rows + resultIndex(m, n, rows)]!;
          const wanted = sum * rowValue(m);
          if (got !== wanted) return `${got} for ${wanted} at output ${first + n}, row ${m} of ${rows}`;
        }
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    freeAll(this.#allocated);
  }
}

interface Buffers {
  readonly features: DmaBuffer;
  readonly weights: DmaBuffer;
  readonly result: DmaBuffer;
  readonly programs: DmaBuffer;
  readonly records: DmaBuffer;
}

/** Writes every task's program and record, a core's tasks chained. @returns which records are whose */
function writeTasks(
  driver: NpuDriver,
  shares: readonly CoreTasks[],
  { rows, columns }: MatmulOptions,
  { features, weights, result, programs, records }: Buffers,
): CoreTaskRange[] {
  let index = 0;
  return shares.map(share => {
    const firstTask = index;
    share.forEach((task, i) => {
      const address = programs.dmaAddress + index * PROGRAM_BYTES;
      const at = programs.bytes.byteOffset + index * PROGRAM_BYTES;
      emitProgram(
        {
          rows,
          columns,
          outputs: task.count,
          featureAddress: features.dmaAddress,
          weightAddress: weights.dmaAddress + task.first * columns * 2,
          outputAddress: result.dmaAddress + task.first * rows * 4,
          outputFormat: 'fp32',
        },
        new Uint32Array(programs.bytes.buffer, at, 2 * PROGRAM_WORDS),
        i === share.length - 1 ? undefined : { address: address + PROGRAM_BYTES, words: PROGRAM_WORDS },
      );
      driver.writeTaskRecord(records, index++, address, PROGRAM_WORDS);
    });
    return { firstTask, taskCount: share.length };
  });
}

/** Fills [N/16][K/32][16][32] f16 group by group, without ever reading it. @returns the sums of the 16 rows */
function fillWeights(weights: DmaBuffer, outputs: number, columns: number): Float64Array {
  const rows = Float32Array.from({ length: ROWS_PER_GROUP * columns }, (_, i) => {
    return weight(Math.floor(i / columns), i % columns);
  });
  const group = new Uint16Array(ROWS_PER_GROUP * columns);
  tileWeights(rows, ROWS_PER_GROUP, columns, group, 'error', { largestError: 0, saturated: 0 });
  const all = halves(weights);
  for (let at = 0; at < outputs * columns; at += group.length) all.set(group, at);
  return Float64Array.from({ length: ROWS_PER_GROUP }, (_, n) => {
    return rows.subarray(n * columns, (n + 1) * columns).reduce((sum, value) => sum + value, 0);
  });
}

function halves({ bytes }: DmaBuffer): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

function floats({ bytes }: DmaBuffer): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
