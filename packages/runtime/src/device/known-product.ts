import { packFeatures, ROWS_PER_GROUP, resultIndex, tileWeights } from '@npu-llama/format/tiles';
import type { CacheMode, DmaBuffer, NpuDriver } from '../driver/driver.js';
import { freeAfterFailure, freeAll } from '../driver/free-all.js';
import { emitProgram, PROGRAM_BYTES, PROGRAM_WORDS } from '../program/index.js';

/** A matmul whose result is known beforehand. */
export interface KnownProduct {
  /** M: 1, or a multiple of 4. */
  readonly rows: number;
  /** K: a multiple of 32. */
  readonly columns: number;
  readonly cores: number;
  /** By default core 0; another one only alone. */
  readonly firstCore?: number;
  /** By default the driver's. */
  readonly timeoutMs?: number;
  /** 16-row groups that a core computes, each in a task of its own, chained. */
  readonly tasksPerCore: number;
}

// Small integers: their products and sums are exact in any order, so the result must be too. Rows of A repeat, and those of B.
const ACTIVATION_PERIOD = 13;
const WEIGHT_PERIOD = 11;
const activation = (m: number, k: number): number => ((m * 3 + k * 5) % ACTIVATION_PERIOD) - 6;
const weight = (n: number, k: number): number => ((n * 7 + k * 3) % WEIGHT_PERIOD) - 5;

/** What the result holds before: a NaN that no product gives, so that what was not written shows. */
const UNWRITTEN = 0x7fc0dead;

interface Buffers {
  readonly features: DmaBuffer;
  readonly weights: DmaBuffer;
  readonly result: DmaBuffer;
  readonly programs: DmaBuffer;
  readonly tasks: DmaBuffer;
}

/**
 * Multiplies on the device and compares every output of every row, in buffers of its own, one product after the other
 * until one is wrong.
 * @returns the first output that is wrong, in words; undefined when all are right
 * @throws DeviceError when memory is refused or a job fails
 */
export function firstWrongOutput(driver: NpuDriver, products: readonly KnownProduct[]): string | undefined {
  const allocated: DmaBuffer[] = [];
  try {
    const buffers = allocateFor(driver, products, allocated);
    let wrong: string | undefined;
    for (const product of products) {
      wrong ??= wrongOutput(driver, product, buffers);
    }
    freeAll(allocated);
    return wrong;
  } catch (error) {
    freeAfterFailure(allocated);
    throw error;
  }
}

function allocateFor(driver: NpuDriver, products: readonly KnownProduct[], allocated: DmaBuffer[]): Buffers {
  const allocate = (
    what: string,
    bytesOf: (product: KnownProduct) => number,
    cache: CacheMode,
    kernelMapping?: true,
  ): DmaBuffer => {
    const bytes = Math.max(...products.map(bytesOf));
    const label = `start-up check: ${what}`;
    const buffer = driver.allocate({ label, bytes, cache, ...(kernelMapping && { kernelMapping }) });
    allocated.push(buffer);
    return buffer;
  };
  const outputs = (product: KnownProduct): number => taskCount(product) * ROWS_PER_GROUP;
  return {
    features: allocate('features', ({ rows, columns }) => rows * columns * 2, 'write-combine'),
    weights: allocate('weights', product => outputs(product) * product.columns * 2, 'write-combine'),
    result: allocate('result', product => product.rows * outputs(product) * 4, 'cacheable'),
    programs: allocate('programs', product => taskCount(product) * PROGRAM_BYTES, 'write-combine'),
    tasks: allocate('tasks', product => taskCount(product) * driver.taskRecordBytes, 'cacheable', true),
  };
}

function taskCount({ cores, tasksPerCore }: KnownProduct): number {
  return cores * tasksPerCore;
}

function wrongOutput(driver: NpuDriver, product: KnownProduct, buffers: Buffers): string | undefined {
  const { rows, cores, tasksPerCore, firstCore, timeoutMs } = product;
  const { features, weights, result, programs, tasks } = buffers;
  writeOperands(product, buffers);
  writeTasks(driver, product, buffers);
  const resultBytes = rows * taskCount(product) * ROWS_PER_GROUP * 4;
  const { buffer, byteOffset } = result.bytes;
  new Uint32Array(buffer, byteOffset, resultBytes / 4).fill(UNWRITTEN);
  // Also so that no line of it is written back over what the NPU writes.
  driver.prepareSync(result, 'to-device', 0, resultBytes).run();
  driver.prepareSync(tasks, 'to-device', 0, taskCount(product) * driver.taskRecordBytes).run();
  driver
    .prepareJob({
      label: `start-up check with ${rows} row${rows === 1 ? '' : 's'}`,
      taskBuffer: tasks,
      cores: Array.from({ length: cores }, (_, core) => {
        return { firstTask: core * tasksPerCore, taskCount: tasksPerCore };
      }),
      uses: [features, weights, result, programs],
      ...(firstCore !== undefined && { firstCore }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
    .run();
  driver.prepareSync(result, 'from-device', 0, resultBytes).run();
  return compare(new Float32Array(buffer, byteOffset, resultBytes / 4), product);
}

function writeOperands(product: KnownProduct, { features, weights }: Buffers): void {
  const { rows, columns } = product;
  const outputs = taskCount(product) * ROWS_PER_GROUP;
  const matrix = (count: number, of: (row: number, column: number) => number): Float32Array => {
    const values = new Float32Array(count * columns);
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < columns; column++) values[row * columns + column] = of(row, column);
    }
    return values;
  };
  packFeatures(matrix(rows, activation), rows, columns, halves(features, rows * columns), rows);
  const report = { largestError: 0, saturated: 0 };
  tileWeights(matrix(outputs, weight), outputs, columns, halves(weights, outputs * columns), 'error', report);
}

function writeTasks(driver: NpuDriver, product: KnownProduct, buffers: Buffers): void {
  const { rows, columns, tasksPerCore } = product;
  const { features, weights, result, programs, tasks } = buffers;
  for (let task = 0; task < taskCount(product); task++) {
    const address = programs.dmaAddress + task * PROGRAM_BYTES;
    const isLastOfCore = task % tasksPerCore === tasksPerCore - 1;
    const at = programs.bytes.byteOffset + task * PROGRAM_BYTES;
    emitProgram(
      {
        rows,
        columns,
        outputs: ROWS_PER_GROUP,
        featureAddress: features.dmaAddress,
        weightAddress: weights.dmaAddress + task * ROWS_PER_GROUP * columns * 2,
        outputAddress: result.dmaAddress + task * rows * ROWS_PER_GROUP * 4,
        outputFormat: 'fp32',
      },
      new Uint32Array(programs.bytes.buffer, at, 2 * PROGRAM_WORDS),
      isLastOfCore ? undefined : { address: address + PROGRAM_BYTES, words: PROGRAM_WORDS },
    );
    driver.writeTaskRecord(tasks, task, address, PROGRAM_WORDS);
  }
}

function compare(result: Float32Array, product: KnownProduct): string | undefined {
  const { rows, columns, tasksPerCore, firstCore = 0 } = product;
  const distinct = distinctOutputs(columns);
  for (let task = 0; task < taskCount(product); task++) {
    const block = task * rows * ROWS_PER_GROUP;
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < ROWS_PER_GROUP; n++) {
        const output = task * ROWS_PER_GROUP + n;
        const wanted = distinct[(m % ACTIVATION_PERIOD) * WEIGHT_PERIOD + (output % WEIGHT_PERIOD)]!;
        const got = result[block + resultIndex(m, n, rows)]!;
        if (got === wanted) continue;
        const core = firstCore + Math.floor(task / tasksPerCore);
        return `${got} for ${wanted} at output ${output} on core ${core}, row ${m} of ${rows}`;
      }
    }
  }
  return undefined;
}

/** What an output can be, [13][11]: 2.4 million products would be a noticeable part of a start. */
function distinctOutputs(columns: number): Float64Array {
  const outputs = new Float64Array(ACTIVATION_PERIOD * WEIGHT_PERIOD);
  for (let m = 0; m < ACTIVATION_PERIOD; m++) {
    for (let n = 0; n < WEIGHT_PERIOD; n++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += activation(m, k) * weight(n, k);
      outputs[m * WEIGHT_PERIOD + n] = sum;
    }
  }
  return outputs;
}

function halves({ bytes }: DmaBuffer, count: number): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
}
