import {
  packFeatures,
  paddedColumnCount,
  ROWS_PER_GROUP,
  resultIndex,
  tileWeights,
} from '@npu-llama/format/tiles';
import type { DmaBuffer, NpuDriver } from '../driver/driver.js';
import { freeAfterFailure, freeAll } from '../driver/free-all.js';
import { DeviceError } from '../errors.js';
import { emitProgram, PROGRAM_BYTES, PROGRAM_WORDS, splitOutputs } from '../program/index.js';

/** Rows of the jobs that decode one token: 1 where the device computes that right, else 4 of which 3 are zero. */
export type DecodeRows = 1 | 4;

/** K has more than one 32-channel tile; each core gets one 16-row group. */
const COLUMNS = 96;

// Small integers: their products and sums are exact in any order, so the result must be too.
const activation = (k: number): number => ((k * 5) % 13) - 6;
const weight = (n: number, k: number): number => ((n * 7 + k * 3) % 11) - 5;

/** What the result holds before: a NaN that no product gives, so that what was not written shows. */
const UNWRITTEN = 0x7fc0dead;

/**
 * Finds out on the device whether jobs of one row come out right (sources disagree: hardware.md section 2), with a
 * product that is known beforehand, on every core.
 * @throws DeviceError when 4 rows are wrong as well, or the job fails
 */
export function probeRows(driver: NpuDriver, cores: number): DecodeRows {
  const oneRow = wrongOutputs(driver, cores, 1);
  if (oneRow.length === 0) return 1;
  const fourRows = wrongOutputs(driver, cores, 4);
  if (fourRows.length === 0) return 4;
  throw new DeviceError('the NPU computes a known product wrong, with 1 row and with 4', {
    got: fourRows[0]!,
    next: 'reset the board; if it stays, the NPU, its clock or its power supply is at fault',
  });
}

/** Runs the known product; says in words which outputs are wrong. */
function wrongOutputs(driver: NpuDriver, cores: number, rows: DecodeRows): string[] {
  const outputs = cores * ROWS_PER_GROUP;
  const buffers: DmaBuffer[] = [];
  const allocate = (what: string, bytes: number, cache: 'cacheable' | 'write-combine'): DmaBuffer => {
    const buffer = driver.allocate({ label: `start-up check: ${what}`, bytes, cache });
    buffers.push(buffer);
    return buffer;
  };
  try {
    const features = allocate('features', rows * paddedColumnCount(COLUMNS) * 2, 'write-combine');
    const weights = allocate('weights', outputs * COLUMNS * 2, 'write-combine');
    const result = allocate('result', rows * outputs * 4, 'cacheable');
    const programs = allocate('programs', cores * PROGRAM_BYTES, 'write-combine');
    const tasks = driver.allocate({
      label: 'start-up check: tasks',
      bytes: cores * driver.taskRecordBytes,
      cache: 'cacheable',
      kernelMapping: true,
    });
    buffers.push(tasks);

    const vector = Float32Array.from({ length: COLUMNS }, (_, k) => activation(k));
    packFeatures(vector, 1, COLUMNS, u16(features), rows);
    const matrix = Float32Array.from({ length: outputs * COLUMNS }, (_, i) =>
      weight(Math.floor(i / COLUMNS), i % COLUMNS),
    );
    tileWeights(matrix, outputs, COLUMNS, u16(weights), 'error', { largestError: 0, saturated: 0 });

    const jobCores = splitOutputs(outputs, cores).map(([task], core) => {
      const range = task!;
      const words = new Uint32Array(
        programs.bytes.buffer,
        programs.bytes.byteOffset + core * PROGRAM_BYTES,
        2 * PROGRAM_WORDS,
      );
      emitProgram(
        {
          rows,
          columns: COLUMNS,
          outputs: range.count,
          featureAddress: features.dmaAddress,
          weightAddress: weights.dmaAddress + range.first * COLUMNS * 2,
          outputAddress: result.dmaAddress + rows * range.first * 4,
          outputFormat: 'fp32',
        },
        words,
      );
      driver.writeTaskRecord(tasks, core, programs.dmaAddress + core * PROGRAM_BYTES, PROGRAM_WORDS);
      return { firstTask: core, taskCount: 1 };
    });
    const { buffer, byteOffset, byteLength } = result.bytes;
    new Uint32Array(buffer, byteOffset, byteLength / 4).fill(UNWRITTEN);
    // Also so that no line of it is written back over what the NPU writes.
    driver.prepareSync(result, 'to-device', 0, byteLength).run();
    driver.prepareSync(tasks, 'to-device', 0, tasks.bytes.length).run();
    driver
      .prepareJob({ label: `start-up check with ${rows} row(s)`, taskBuffer: tasks, cores: jobCores })
      .run();
    driver.prepareSync(result, 'from-device', 0, byteLength).run();
    const wrong = compare(new Float32Array(buffer, byteOffset, byteLength / 4), rows, outputs, cores);
    freeAll(buffers);
    return wrong;
  } catch (error) {
    freeAfterFailure(buffers);
    throw error;
  }
}

function compare(result: Float32Array, rows: DecodeRows, outputs: number, cores: number): string[] {
  const wrong: string[] = [];
  splitOutputs(outputs, cores).forEach(([task], core) => {
    const { first, count } = task!;
    for (let n = 0; n < count; n++) {
      let wanted = 0;
      for (let k = 0; k < COLUMNS; k++) wanted += activation(k) * weight(first + n, k);
      const got = result[rows * first + resultIndex(0, n, rows)]!;
      if (got !== wanted)
        wrong.push(`${got} for ${wanted} at output ${first + n} on core ${core}, ${rows} row(s)`);
    }
  });
  return wrong;
}

function u16(buffer: DmaBuffer): Uint16Array {
  const { bytes } = buffer;
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}
